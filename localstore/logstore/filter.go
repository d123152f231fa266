package logstore

import (
	"encoding/binary"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// A block's filter says what the block does not hold. It is a sequence of
// parts, so that another kind can join without a new file version; a reader
// passes over kinds it does not know.
//
//	+------+----------------+------
//	| kind | uvarint length | data
//	+------+----------------+------
//
// Kind 1 is a Bloom filter over the block's distinct metadata pairs (name and
// exact value), 10 bits a pair and 6 probes: about 1 in 100 is a false alarm.
// Kinds 2 and 3 are for substrings of lines, in grams.go.
const (
	filterMetadata = 1
	bloomBits      = 10
	bloomProbes    = 6
)

func metadataHash(buf []byte, name, value string) (uint64, []byte) {
	buf = append(buf[:0], name...)
	buf = append(buf, 0xff)
	buf = append(buf, value...)
	return xxhash.Sum64(buf), buf
}

// bloomSlot spreads probe i of h over n bits.
func bloomSlot(h uint64, i int, n uint64) uint64 {
	slot, _ := bits.Mul64((h+uint64(i)*(h>>33|h<<31|1))*0x9e3779b97f4a7c15, n)
	return slot
}

func appendBloom(b []byte, hashes []uint64) []byte {
	if len(hashes) == 0 {
		return b
	}
	size := (len(hashes)*bloomBits + 7) / 8
	b = append(b, filterMetadata)
	b = binary.AppendUvarint(b, uint64(size))
	start := len(b)
	b = append(b, make([]byte, size)...)
	set := b[start:]
	for _, h := range hashes {
		for i := range bloomProbes {
			s := bloomSlot(h, i, uint64(size)*8)
			set[s/8] |= 1 << (s % 8)
		}
	}
	return b
}

// mayHold reports whether a block with this filter may hold metadata that
// hashes to h. Without a part of that kind it may.
func mayHold(filter []byte, h uint64) bool {
	d := decoder{b: filter}
	for len(d.b) > 0 {
		kind, set := d.byte(), d.bytes()
		if d.err != nil || kind != filterMetadata || len(set) == 0 {
			continue
		}
		for i := range bloomProbes {
			s := bloomSlot(h, i, uint64(len(set))*8)
			if set[s/8]&(1<<(s%8)) == 0 {
				return false
			}
		}
	}
	return true
}
