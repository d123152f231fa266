package vfs

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
)

// Crash returns what a power cut now would leave at the least: synced content
// under synced names. Locks and open files do not survive. m is unaffected.
func (m *Mem) Crash() *Mem {
	return m.crash(nil)
}

// CrashKeeping is Crash with what a real disk may have written on its own: of
// each file a random number of the unsynced writes in their order, the last of
// them perhaps cut short, and a random choice of the unsynced names. It is
// the same for the same state and the same r.
func (m *Mem) CrashKeeping(r *rand.Rand) *Mem {
	return m.crash(r)
}

func (m *Mem) crash(r *rand.Rand) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := crasher{r: r, zeroTails: m.ZeroTails, extra: map[*node][]nameSet{}, done: map[*node]*node{}}
	for _, change := range m.unnamed {
		if r != nil && r.IntN(2) == 0 {
			for _, s := range change {
				c.extra[s.dir] = append(c.extra[s.dir], s)
			}
		}
	}
	after := NewMem()
	after.ZeroTails = m.ZeroTails
	after.root = c.copy(m.root)
	return after
}

// crasher copies the durable world and, with r, some of the rest.
type crasher struct {
	r         *rand.Rand
	zeroTails bool
	extra     map[*node][]nameSet
	done      map[*node]*node
}

func (c *crasher) copy(n *node) *node {
	if to, ok := c.done[n]; ok {
		return to
	}
	to := &node{dir: n.dir, perm: n.perm, modTime: n.modTime}
	c.done[n] = to
	if !n.dir {
		to.data = c.content(n)
		to.durable = bytes.Clone(to.data)
		return to
	}
	names := maps.Clone(n.durableNames)
	for _, s := range c.extra[n] {
		s.applyTo(names)
	}
	to.names = map[string]*node{}
	for _, base := range sortedNames(names) { // the same r must meet the files in the same order
		to.names[base] = c.copy(names[base])
	}
	to.durableNames = maps.Clone(to.names)
	return to
}

func (c *crasher) content(n *node) []byte {
	b := bytes.Clone(n.durable)
	if c.r == nil || len(n.unsynced) == 0 {
		return b
	}
	whole := c.r.IntN(len(n.unsynced) + 1)
	for _, e := range n.unsynced[:whole] {
		b = e.apply(b)
	}
	if whole == len(n.unsynced) {
		return b
	}
	e := n.unsynced[whole]
	if len(e.data) == 0 {
		return b
	}
	kept := c.r.IntN(len(e.data))
	if c.zeroTails && c.r.IntN(2) == 0 {
		zeroed := make([]byte, len(e.data))
		copy(zeroed, e.data[:kept])
		return edit{off: e.off, data: zeroed}.apply(b)
	}
	if kept > 0 {
		b = edit{off: e.off, data: e.data[:kept]}.apply(b)
	}
	return b
}

func sortedNames(names map[string]*node) []string {
	return slices.Sorted(maps.Keys(names))
}
