package table

import (
	"hash/maphash"
	"math/bits"
)

// names finds a metric's signal. Most metrics have none, so a bitmap of one
// hash, small enough for the first-level cache, turns nearly all of them away
// before the table of signals is touched.
type names struct {
	seed   maphash.Seed
	filter []uint64 // 16 bits a name: about one in sixteen strangers passes
	slots  []nameSlot
}

type nameSlot struct {
	hash   uint64
	signal *signal // nil: empty
}

func newNames(seed maphash.Seed, signals []*signal) names {
	size := 1 << bits.Len(uint(2*len(signals)+1)) // at most half full
	n := names{seed: seed, filter: make([]uint64, max(size*8/64, 1)), slots: make([]nameSlot, size)}
	for _, s := range signals {
		h := maphash.String(seed, s.name)
		n.filter[h>>6&uint64(len(n.filter)-1)] |= 1 << (h & 63)
		i := h >> 32 & uint64(size-1)
		for n.slots[i].signal != nil {
			i = (i + 1) & uint64(size-1)
		}
		n.slots[i] = nameSlot{h, s}
	}
	return n
}

// find returns nil for a name that the policy does not have. The hash is that
// of the name in any case.
func (n *names) find(name string) (*signal, uint64) {
	h := maphash.String(n.seed, name)
	if n.filter[h>>6&uint64(len(n.filter)-1)]&(1<<(h&63)) == 0 {
		return nil, h
	}
	mask := uint64(len(n.slots) - 1)
	for i := h >> 32 & mask; n.slots[i].signal != nil; i = (i + 1) & mask {
		if n.slots[i].hash == h && n.slots[i].signal.name == name {
			return n.slots[i].signal, h
		}
	}
	return nil, h
}
