package netlab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	nearName = "weir0"
	farName  = "weir1"
)

// Locally administered link addresses.
var (
	nearHW = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	farHW  = net.HardwareAddr{2, 0, 0, 0, 0, 2}
)

// Lab is the two namespaces. They are gone when it is closed and what ran in
// them has ended.
type Lab struct {
	near, far *os.File
	sniffer   *sniffer
}

// New makes a lab. remote are addresses of the rest of the world that something
// in far will listen on.
func New(remote ...netip.Addr) (_ *Lab, err error) {
	l := &Lab{}
	defer func() {
		if err != nil {
			l.Close()
			if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOSYS) {
				err = fmt.Errorf("%w (%w)", ErrRights, err)
			}
		}
	}()
	if l.near, err = newNamespace(); err != nil {
		return l, err
	}
	if l.far, err = newNamespace(); err != nil {
		return l, err
	}
	if err := l.Near(func() error { return l.wireNear() }); err != nil {
		return l, err
	}
	if err := l.Far(func() error { return l.wireFar(remote) }); err != nil {
		return l, err
	}
	return l, l.settle()
}

// Close gives the namespaces back.
func (l *Lab) Close() {
	if l.sniffer != nil {
		l.sniffer.close()
	}
	for _, f := range []*os.File{l.near, l.far} {
		if f != nil {
			f.Close()
		}
	}
}

// Near runs f in the program's namespace. Sockets that f opens and processes
// that it starts stay there. f must not start goroutines that do so for it.
func (l *Lab) Near(f func() error) error { return within(l.near, f) }

// Far runs f in the namespace of the rest of the world.
func (l *Lab) Far(f func() error) error { return within(l.far, f) }

// within runs f on a thread that enters a namespace and ends with f.
func within(ns *os.File, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is of no other use
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter namespace: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}

func newNamespace() (*os.File, error) {
	type result struct {
		file *os.File
		err  error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- result{nil, fmt.Errorf("make network namespace: %w", err)}
			return
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		done <- result{f, err}
	}()
	r := <-done
	return r.file, r.err
}

// setting writes a sysctl of the namespace. One that the kernel does not have
// needs no writing.
func setting(name, value string) error {
	err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0o644)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// quieten keeps the kernel from speaking by itself on interfaces to come.
func quieten() error {
	return errors.Join(
		setting("ipv6/conf/default/router_solicitations", "0"),
		setting("ipv6/conf/default/accept_ra", "0"),
		setting("ipv6/conf/default/addr_gen_mode", "1"),
		setting("ipv6/conf/default/mldv2_unsolicited_report_interval", "1"),
		setting("ipv6/conf/default/mldv1_unsolicited_report_interval", "1"),
	)
}

func (l *Lab) wireNear() error {
	if err := quieten(); err != nil {
		return err
	}
	if err := l.Far(quieten); err != nil {
		return err
	}
	n, err := openNetlink()
	if err != nil {
		return err
	}
	defer n.close()
	if err := n.addVeth(nearName, farName, int(l.far.Fd()), nearHW, farHW); err != nil {
		return fmt.Errorf("make veth pair: %w", err)
	}
	return wire(n, nearName, Near, Near6, Far, Far6, farHW, true)
}

func (l *Lab) wireFar(remote []netip.Addr) error {
	n, err := openNetlink()
	if err != nil {
		return err
	}
	defer n.close()
	if err := wire(n, farName, Far, Far6, Near, Near6, nearHW, false); err != nil {
		return err
	}
	for _, a := range remote {
		if err := n.addAddress(1, netip.PrefixFrom(a, a.BitLen())); err != nil {
			return fmt.Errorf("add address %s: %w", a, err)
		}
	}
	l.sniffer, err = newSniffer(farName)
	return err
}

func wire(n *netlink, name string, own, own6, other, other6 netip.Addr, otherHW net.HardwareAddr, gateway bool) error {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { return n.up(1) }, // lo
		func() error { return n.up(i.Index) },
		func() error { return n.addAddress(i.Index, netip.PrefixFrom(own, 30)) },
		func() error { return n.addAddress(i.Index, netip.PrefixFrom(own6, 126)) },
		func() error { return n.addNeighbour(i.Index, other, otherHW) },
		func() error { return n.addNeighbour(i.Index, other6, otherHW) },
	}
	if gateway {
		steps = append(steps,
			func() error { return n.addDefaultRoute(i.Index, other) },
			func() error { return n.addDefaultRoute(i.Index, other6) })
	}
	for k, s := range steps {
		if err := s(); err != nil {
			return fmt.Errorf("set up %s, step %d: %w", name, k+1, err)
		}
	}
	return nil
}

// settle waits until the kernel has said what it says about a new interface,
// and forgets that.
func (l *Lab) settle() error {
	const quiet = 300 * time.Millisecond
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		l.sniffer.forget()
		time.Sleep(quiet)
		if len(l.Packets()) == 0 {
			return nil
		}
	}
	return errors.New("the wire does not fall silent although nothing runs there")
}

// Packets is what was seen so far.
func (l *Lab) Packets() []Packet { return l.sniffer.all() }

// Forget drops what was seen so far.
func (l *Lab) Forget() { l.sniffer.forget() }

// Lost is how many frames the packet socket could not keep up with. If it is
// not zero, nothing was shown.
func (l *Lab) Lost() (int, error) { return l.sniffer.lost() }

// Listen opens a listener in far, on one of the remote addresses.
func (l *Lab) Listen(address string) (net.Listener, error) {
	var out net.Listener
	err := l.Far(func() (err error) {
		out, err = net.Listen("tcp", address)
		return err
	})
	return out, err
}

// ListenNear opens a listener in near.
func (l *Lab) ListenNear(address string) (net.Listener, error) {
	var out net.Listener
	err := l.Near(func() (err error) {
		out, err = net.Listen("tcp", address)
		return err
	})
	return out, err
}

// DialNear connects to an address of near from inside it. The address must be a
// literal.
func (l *Lab) DialNear(address string) (net.Conn, error) {
	var out net.Conn
	err := l.Near(func() (err error) {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		out, err = net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(ap))
		return err
	})
	return out, err
}

// sniffer reads every frame of an interface.
type sniffer struct {
	fd   int
	done chan struct{}

	mu      sync.Mutex
	stopped bool
	packets []Packet
}

func newSniffer(name string) (*sniffer, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	all := uint16(unix.ETH_P_ALL)<<8 | uint16(unix.ETH_P_ALL)>>8 // network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	s := &sniffer{fd: fd, done: make(chan struct{})}
	for _, step := range []func() error{
		func() error { return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: i.Index}) },
		func() error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20) },
		func() error {
			return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000})
		},
	} {
		if err := step(); err != nil {
			unix.Close(fd)
			return nil, fmt.Errorf("set up packet socket: %w", err)
		}
	}
	go s.run()
	return s, nil
}

func (s *sniffer) run() {
	defer close(s.done)
	b := make([]byte, 256<<10) // frames that are segmented later are long
	for {
		n, from, err := unix.Recvfrom(s.fd, b, 0)
		s.mu.Lock()
		if s.stopped {
			s.mu.Unlock()
			return
		}
		if err == nil {
			p := Packet{Time: time.Now()}
			if ll, ok := from.(*unix.SockaddrLinklayer); ok {
				p.FromFar = ll.Pkttype == unix.PACKET_OUTGOING
			}
			parse(b[:n], &p)
			s.packets = append(s.packets, p)
		}
		s.mu.Unlock()
		if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func (s *sniffer) all() []Packet {
	time.Sleep(time.Millisecond) // what is on the wire is read
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Packet(nil), s.packets...)
}

func (s *sniffer) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packets = nil
}

func (s *sniffer) lost() (int, error) {
	st, err := unix.GetsockoptTpacketStats(s.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0, err
	}
	return int(st.Drops), nil
}

func (s *sniffer) close() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	<-s.done
	unix.Close(s.fd)
}
