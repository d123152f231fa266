package faults

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Kind is what a Proxy does to a connection.
type Kind int

// The kinds. All but Pass begin after some bytes have gone in one direction.
const (
	Pass      Kind = iota
	Reset          // the connection is torn down with an RST
	HalfClose      // one direction ends as if that side had closed it; the other goes on
	Stall          // nothing goes on, and nobody is told
	Slow           // a few bytes at a time
	Duplicate      // what was asked is asked again on a connection of its own, later
	kinds
)

var kindNames = [...]string{"pass", "reset", "half-close", "stall", "slow", "duplicate"}

func (k Kind) String() string { return kindNames[k] }

// Proxy hands TCP connections on to a server, and breaks them by a schedule
// that follows from its seed.
type Proxy struct {
	Addr string

	server string
	l      net.Listener
	faulty int // connections that are still to be broken
	wg     sync.WaitGroup
	done   chan struct{}

	mu   sync.Mutex
	rand *rand.Rand
	open map[net.Conn]bool
	did  map[Kind]int
}

// NewProxy starts a proxy before a server. It breaks the first connections, as
// many as faulty, and hands on the later ones as they are.
func NewProxy(server string, seed uint64, faulty int) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		Addr: l.Addr().String(), server: server, l: l, faulty: faulty, done: make(chan struct{}),
		rand: rand.New(rand.NewPCG(seed, 1)), open: map[net.Conn]bool{}, did: map[Kind]int{},
	}
	p.wg.Go(p.accept)
	return p, nil
}

// Close ends all connections.
func (p *Proxy) Close() {
	p.l.Close()
	close(p.done)
	p.mu.Lock()
	for c := range p.open {
		c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// Did counts the connections by what was done to them.
func (p *Proxy) Did() map[Kind]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[Kind]int{}
	for k, n := range p.did {
		out[k] = n
	}
	return out
}

// fate is what happens to one connection.
type fate struct {
	kind  Kind
	up    bool // in the direction of the server
	after int  // bytes
	delay time.Duration
}

func (p *Proxy) draw() fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := fate{}
	if p.faulty > 0 {
		p.faulty--
		f = fate{
			kind: Kind(p.rand.IntN(int(kinds))), up: p.rand.IntN(2) == 0,
			delay: time.Duration(p.rand.IntN(3)) * time.Millisecond,
		}
		// A head, a body, an answer, and what comes on a connection that is used again.
		f.after = p.rand.IntN([]int{8, 200, 700, 3000}[p.rand.IntN(4)])
	}
	p.did[f.kind]++
	return f
}

func (p *Proxy) accept() {
	for {
		near, err := p.l.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.server)
		if err != nil {
			near.Close()
			continue
		}
		f := p.draw()
		p.mu.Lock()
		p.open[near], p.open[far] = true, true
		p.mu.Unlock()
		p.wg.Go(func() { p.carry(near.(*net.TCPConn), far.(*net.TCPConn), f) })
	}
}

func (p *Proxy) carry(near, far *net.TCPConn, f fate) {
	var asked []byte
	var both sync.WaitGroup
	both.Go(func() {
		broken := f
		if !f.up {
			broken.kind = Pass
		}
		p.pipe(far, near, broken, func(b []byte) {
			if f.kind == Duplicate {
				asked = append(asked, b...)
			}
		})
	})
	both.Go(func() {
		broken := f
		if f.up {
			broken.kind = Pass
		}
		p.pipe(near, far, broken, func([]byte) {})
	})
	both.Wait()
	near.Close()
	far.Close()
	p.mu.Lock()
	delete(p.open, near)
	delete(p.open, far)
	p.mu.Unlock()
	if len(asked) > 0 {
		p.again(asked)
	}
}

// pipe carries one direction until its end or its fate.
func (p *Proxy) pipe(to, from *net.TCPConn, f fate, see func([]byte)) {
	b := make([]byte, 32<<10)
	for n := 0; ; {
		size, err := from.Read(b)
		chunk := b[:size]
		see(chunk)
		if left := f.after - n; f.kind != Pass && f.kind != Duplicate && size > left {
			_, _ = to.Write(chunk[:left])
			if !p.breaks(to, from, f, chunk[left:]) {
				return
			}
			f.kind = Pass
		} else if _, werr := to.Write(chunk); werr != nil {
			from.Close()
			return
		}
		n += size
		if err != nil {
			_ = to.CloseWrite()
			return
		}
	}
}

// breaks does what is to be done, and says whether the direction goes on.
func (p *Proxy) breaks(to, from *net.TCPConn, f fate, rest []byte) bool {
	switch f.kind {
	case Reset:
		for _, c := range []*net.TCPConn{to, from} {
			_ = c.SetLinger(0)
			c.Close()
		}
	case HalfClose:
		_ = to.CloseWrite()
		_, _ = io.Copy(io.Discard, from)
	case Stall:
		_, _ = io.Copy(io.Discard, from)
	case Slow:
		for len(rest) > 0 {
			n := min(len(rest), 40)
			if _, err := to.Write(rest[:n]); err != nil {
				return false
			}
			rest = rest[n:]
			select {
			case <-time.After(f.delay):
			case <-p.done:
				return false
			}
		}
		return true
	}
	return false
}

// again says what was said once more, and lets the answer go.
func (p *Proxy) again(asked []byte) {
	c, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write(asked); err != nil {
		return
	}
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, c)
}
