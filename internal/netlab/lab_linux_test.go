package netlab

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"
)

func newLab(t *testing.T, remote ...netip.Addr) *Lab {
	t.Helper()
	l, err := New(remote...)
	if errors.Is(err, ErrRights) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func TestNothingIsOnTheWireThatNobodySent(t *testing.T) {
	l := newLab(t)
	time.Sleep(2 * time.Second)
	if lines := Summarize(l.Packets()); len(lines) > 0 {
		t.Errorf("%+v", lines)
	}
}

// TestWhateverAProgramSendsIsSeen: TCP to somewhere that answers, TCP and UDP to
// nowhere, both families, and a process of its own.
func TestWhateverAProgramSendsIsSeen(t *testing.T) {
	world := netip.MustParseAddr("198.51.100.1")
	l := newLab(t, world)
	server, err := l.Listen("198.51.100.1:443")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan []byte, 1)
	go func() {
		c, err := server.Accept()
		if err != nil {
			return
		}
		b, _ := io.ReadAll(c)
		c.Close()
		heard <- b
	}()
	say := bytes.Repeat([]byte("0123456789abcdef"), 40_000)
	if err := l.Near(func() error {
		c, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: world.AsSlice(), Port: 443})
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write(say)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; !bytes.Equal(got, say) {
		t.Fatalf("%d bytes arrived", len(got))
	}
	for _, to := range []string{"203.0.113.7:53", "[2001:db8:1::7]:53"} {
		if err := l.Near(func() error {
			a, err := net.ResolveUDPAddr("udp", to)
			if err != nil {
				return err
			}
			c, err := net.DialUDP("udp", nil, a)
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.Write([]byte("query"))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Near(func() error { return exec.Command("/proc/self/exe", "-test.run=^TestChild$").Run() }); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	packets := l.Packets()
	streams, err := Streams(packets)
	if err != nil || len(streams) == 0 || !bytes.Equal(streams[0].Data, say) {
		t.Errorf("the stream is not put together as it was said: %v, %d streams", err, len(streams))
	}
	seen := map[string]bool{}
	for _, line := range Summarize(packets) {
		seen[line.Proto+" "+line.To] = true
	}
	for _, want := range []string{"tcp 198.51.100.1:443", "udp 203.0.113.7:53", "udp [2001:db8:1::7]:53", "tcp 203.0.113.9:80"} {
		if !seen[want] {
			t.Errorf("not seen: %s, but %v", want, seen)
		}
	}
	if n, err := l.Lost(); n != 0 || err != nil {
		t.Errorf("lost %d frames: %v", n, err)
	}
}

// TestChild is run as a process in the namespace.
func TestChild(t *testing.T) {
	if len(os.Args) != 2 || os.Args[1] != "-test.run=^TestChild$" {
		return
	}
	c, err := net.DialTimeout("tcp", "203.0.113.9:80", 50*time.Millisecond)
	if err == nil {
		c.Close()
	}
}
