// Package bounded holds what keeps strangers from making a server grow: a
// budget of memory, a limit on connections, one request a key at a time, and a
// limit on label values.
//
// Nothing in it waits. What does not fit is refused at once, and its sender comes
// again; a queue would only be one more thing to bound.
package bounded

import (
	"net"
	"sync"
	"sync/atomic"
)

// Budget is an amount that many share.
type Budget struct{ left atomic.Int64 }

// NewBudget returns a budget of n.
func NewBudget(n int64) *Budget {
	b := &Budget{}
	b.left.Store(n)
	return b
}

// Take takes n if it is there. Whoever took it gives it back.
func (b *Budget) Take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

// Give gives n back.
func (b *Budget) Give(n int64) { b.left.Add(n) }

// Keys are held by one at a time.
type Keys struct {
	mu   sync.Mutex
	held map[string]bool
}

// NewKeys returns keys that nobody holds.
func NewKeys() *Keys { return &Keys{held: map[string]bool{}} }

// Take takes a key if nobody holds it.
func (k *Keys) Take(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held[key] {
		return false
	}
	k.held[key] = true
	return true
}

// Give gives a key back.
func (k *Keys) Give(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, key)
}

// Other is the label of all values past the limit.
const Other = "other"

// Labels lets a number of label values through and no more.
type Labels struct {
	mu    sync.Mutex
	limit int
	seen  map[string]bool
}

// NewLabels lets n values through.
func NewLabels(n int) *Labels { return &Labels{limit: n, seen: map[string]bool{}} }

// Label is the value, or [Other]. The empty value always passes.
func (l *Labels) Label(value string) string {
	if value == "" {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.seen[value] {
		if len(l.seen) >= l.limit {
			return Other
		}
		l.seen[value] = true
	}
	return value
}

// listener closes the connections that are too many.
type listener struct {
	net.Listener
	open Budget
}

// NewListener lets n connections of inner be open at once. One more is accepted
// and closed: left in the system's queue, it would hold up those behind it.
func NewListener(inner net.Listener, n int) net.Listener {
	l := &listener{Listener: inner}
	l.open.left.Store(int64(n))
	return l
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Take(1) {
			return &conn{Conn: c, open: &l.open}, nil
		}
		_ = c.Close()
	}
}

type conn struct {
	net.Conn
	once sync.Once
	open *Budget
}

func (c *conn) Close() error {
	c.once.Do(func() { c.open.Give(1) })
	return c.Conn.Close()
}
