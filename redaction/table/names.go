package table

import "math/bits"

// names finds a metric's signal. Most metrics have none, so a bitmap of one
// hash, small enough for the first-level cache, turns nearly all of them away
// before the table of signals is touched.
type names struct {
	filter []uint64 // 16 bits a name: about one in sixteen strangers passes
	slots  []nameSlot
}

type nameSlot struct {
	hash   uint64
	signal *signal // nil: empty
}

func newNames(h *hasher, signals []*signal) names {
	size := 1 << bits.Len(uint(2*len(signals)+1)) // at most half full
	n := names{filter: make([]uint64, max(size*8/64, 1)), slots: make([]nameSlot, size)}
	for _, s := range signals {
		hash := h.name(s.name)
		n.filter[hash>>6&uint64(len(n.filter)-1)] |= 1 << (hash & 63)
		i := hash >> 32 & uint64(size-1)
		for n.slots[i].signal != nil {
			i = (i + 1) & uint64(size-1)
		}
		n.slots[i] = nameSlot{hash, s}
	}
	return n
}

// mayHave is false for most of what the policy does not have.
func (n *names) mayHave(hash uint64) bool {
	return n.filter[hash>>6&uint64(len(n.filter)-1)]&(1<<(hash&63)) != 0
}

// find returns nil for a name that the policy does not have. The hash is the
// name's.
func (n *names) find(name string, hash uint64) *signal {
	mask := uint64(len(n.slots) - 1)
	for i := hash >> 32 & mask; n.slots[i].signal != nil; i = (i + 1) & mask {
		if n.slots[i].hash == hash && n.slots[i].signal.name == name {
			return n.slots[i].signal
		}
	}
	return nil
}
