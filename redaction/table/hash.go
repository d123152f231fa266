package table

import (
	"crypto/rand"
	"encoding/binary"
	"hash/maphash"
	"math"
	"math/bits"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// hash128 tells sources apart. Attributes come in any order, so theirs are
// added up; each is the 128-bit product of a hash of the key and one of the
// value, both under a secret of this table, so that a sender cannot aim for a
// collision. Among 100,000 sources the chance of one by accident is below 2^-30.
type hash128 struct{ hi, lo uint64 }

func (a hash128) plus(b hash128) hash128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return hash128{a.hi + b.hi + carry, lo}
}

type hasher struct {
	seed   maphash.Seed
	second maphash.Seed
	secret [4]uint64
}

func newHasher() hasher {
	h := hasher{seed: maphash.MakeSeed(), second: maphash.MakeSeed()}
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	for i := range h.secret {
		h.secret[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return h
}

func (h *hasher) text(s string) uint64 { return maphash.String(h.seed, s) }

// exact tells texts apart for good.
func (h *hasher) exact(s string) hash128 {
	return hash128{maphash.String(h.second, s), maphash.String(h.seed, s)}
}

// pair combines two hashes; pair(a, b) is not pair(b, a).
func (h *hasher) pair(a, b uint64) hash128 {
	hi, lo := bits.Mul64(a^h.secret[0], b^h.secret[1])
	return hash128{hi, lo}
}

// number hashes a number of a kind of value, or of structure.
func (h *hasher) number(tag, x uint64) uint64 {
	hi, lo := bits.Mul64(x^h.secret[2], tag*0x9e3779b97f4a7c15^h.secret[3])
	return hi ^ lo
}

// The tags of what is hashed as a number. A string has none: it is the common
// case, and its hash is as good as a tagged one.
const (
	tagEmpty = iota + 1
	tagBool
	tagInt
	tagDouble
	tagBytes
	tagSlice
	tagMap
	tagDeep
	tagMetric
)

// maxDepth bounds the recursion into nested values. Sources that differ only
// below it are one.
const maxDepth = 32

func (h *hasher) value(v pcommon.Value) uint64 {
	if v.Type() == pcommon.ValueTypeStr {
		return h.text(v.Str())
	}
	return h.otherValue(v, 0)
}

func (h *hasher) otherValue(v pcommon.Value, depth int) uint64 {
	if depth > maxDepth {
		return h.number(tagDeep, 0)
	}
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return h.text(v.Str())
	case pcommon.ValueTypeBool:
		if v.Bool() {
			return h.number(tagBool, 1)
		}
		return h.number(tagBool, 0)
	case pcommon.ValueTypeInt:
		return h.number(tagInt, uint64(v.Int()))
	case pcommon.ValueTypeDouble:
		return h.number(tagDouble, math.Float64bits(v.Double()))
	case pcommon.ValueTypeBytes:
		b := v.Bytes()
		sum := h.number(tagBytes, uint64(b.Len()))
		for i := range b.Len() {
			sum = h.number(sum, uint64(b.At(i)))
		}
		return sum
	case pcommon.ValueTypeSlice:
		list := v.Slice()
		sum := h.number(tagSlice, uint64(list.Len()))
		for i := range list.Len() {
			sum = h.number(sum, h.otherValue(list.At(i), depth+1))
		}
		return sum
	case pcommon.ValueTypeMap:
		sum := h.attributes(v.Map(), depth+1)
		return h.number(h.number(tagMap, sum.hi), sum.lo)
	default:
		return h.number(tagEmpty, 0)
	}
}

// attributes hashes a map, whatever its order. Copies of a key count each.
func (h *hasher) attributes(m pcommon.Map, depth int) hash128 {
	var sum hash128
	for k, v := range m.All() {
		sum = sum.plus(h.pair(h.text(k), h.otherValue(v, depth)))
	}
	return sum
}

// metricHash is what all points of a metric share.
func (o *observer) metricHash(name uint64, temporality pmetric.AggregationTemporality) hash128 {
	h := &o.t.hasher
	if !o.resourceHashed {
		o.resourceHash, o.resourceHashed = h.attributes(o.resource, 0), true
	}
	if !o.scopeHashed {
		o.scopeHash = h.attributes(o.scope.Attributes(), 0).plus(h.pair(h.text(o.scope.Name()), h.text(o.scope.Version())))
		o.scopeHashed = true
	}
	// An attribute must not count the same on the resource and on the scope:
	// each part is hashed once more in a place of its own.
	a := h.pair(h.number(o.resourceHash.hi, 1), h.number(o.resourceHash.lo, 2))
	b := h.pair(h.number(o.scopeHash.hi, 3), h.number(o.scopeHash.lo, 4))
	c := h.pair(name, h.number(tagMetric, uint64(temporality)))
	return a.plus(b).plus(c)
}
