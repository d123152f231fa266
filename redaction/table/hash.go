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
// added up; each is made of a hash of the key and one of the value, under
// secrets of this table, so that a sender cannot aim for a collision. There are
// two ways to hash: by rounds of AES (hash_amd64.go), and the plain one, where
// an attribute is the 128-bit product of two hashes of 64 bits. What
// limits the plain one is those 64 bits: if they are as good as random, which is
// argued for below and not proven, two sources that differ in one attribute
// meet with a chance of about 2^-63, and any two of 100,000 sources with less
// than 2^-29. One table uses one way, and no hash ever leaves it.
type hash128 struct{ hi, lo uint64 }

func (a hash128) plus(b hash128) hash128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return hash128{a.hi + b.hi + carry, lo}
}

type hasher struct {
	seed   maphash.Seed
	second maphash.Seed
	secret [4]uint64
	words  [7]uint64 // for the words of texts and for their lengths
	aes    bool      // short texts are hashed by rounds of AES
	rounds rounds
}

// rounds are the secrets of the rounds of AES: four of 32 bytes for texts and
// one of 16 for pairs.
type rounds [144]byte

// pair is an attribute whose key and value are short texts.
type pair struct{ key, value string }

// A text is short if it has 1 to longestShort bytes.
const longestShort = middle + span

func isShort(s string) bool { return uint(len(s)-1) < longestShort }

// row is how many pairs are hashed at once at most.
const row = 16

// wanted are the hashes of keys that are looked for in a row of pairs.
type wanted [4]uint64

// hashed is what is found out about a row of pairs: the hashes of the values,
// and at which pair each of the wanted keys first stands, or nowhere.
type hashed struct {
	values [row]uint64
	at     [len(wanted{})]int64
}

var nowhere = [len(wanted{})]int64{-1, -1, -1, -1}

func newHasher() hasher {
	h := hasher{seed: maphash.MakeSeed(), second: maphash.MakeSeed()}
	var b [88]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	for i := range h.secret {
		h.secret[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	for i := range h.words {
		h.words[i] = binary.LittleEndian.Uint64(b[32+8*i:])
	}
	_, _ = rand.Read(h.rounds[:])
	h.aes = hasAES
	return h
}

// short is what texts and pairs make of a text. All that are not short have the
// hash of the placeholder.
func (h *hasher) short(s string) uint64 {
	if !isShort(s) {
		s = placeholder
	}
	var out [1]uint64
	h.texts([]string{s}, out[:])
	return out[0]
}

// name is the hash of a metric's name.
func (h *hasher) name(s string) uint64 {
	if !isShort(s) {
		return h.text(s)
	}
	return h.short(s)
}

// placeholder stands where a text is not short or a value is no text.
const placeholder = "-"

// plainPairs looks at a row of pairs, all of them short, and adds up the products
// of their hashes.
func (h *hasher) plainPairs(in []pair, want *wanted, out *hashed) hash128 {
	var sum hash128
	out.at = nowhere
	for i := len(in) - 1; i >= 0; i-- {
		key, value := h.couple(in[i].key, in[i].value)
		out.values[i] = value
		for j := range want {
			if want[j] == key {
				out.at[j] = int64(i)
			}
		}
		sum = sum.plus(h.pair(key, value))
	}
	return sum
}

// plainTexts hashes short texts as plainPairs does.
func (h *hasher) plainTexts(in []string, out []uint64) {
	for i := range in {
		out[i] = h.text(in[i])
	}
}

func (h *hasher) text(s string) uint64 {
	a, _ := h.couple(s, "")
	return a
}

// Nearly all keys and values have between middle and middle+span bytes. Their
// words are read without asking further how long they are, since the order of
// attributes is anyone's guess and each wrong guess of the processor costs as
// much as a hash: four words, which overlap, cover every byte.
//
//	 8 bytes  |0 to 7| four times
//	20 bytes  |0 to 7|, |8 to 15|, |4 to 11|, |12 to 19|
//	32 bytes  |0 to 7|, |8 to 15|, |16 to 23|, |24 to 31|
//
// Two words and their secrets are multiplied and the halves of the product
// xored, as wyhash does. The length, times a secret, is added, since texts of
// different lengths can have the same words; xored into a word it would make up
// for a bit of the text. Texts of less than middle bytes make one word; longer
// ones go to maphash.
const (
	middle = 8
	span   = 24
)

// couple hashes two texts, as one call for a key and a value costs less than
// two. It is written out because the compiler would not inline it.
func (h *hasher) couple(s, t string) (uint64, uint64) {
	var a, b uint64
	if n := len(s); uint(n-middle) <= span {
		p := []byte(s) // not a copy: nobody writes to it
		a = fold(binary.LittleEndian.Uint64(p)^h.words[0], binary.LittleEndian.Uint64(p[min(8, n-8):])^h.words[1]) +
			fold(binary.LittleEndian.Uint64(p[max(n-16, 0):])^h.words[2], binary.LittleEndian.Uint64(p[n-8:])^h.words[3]) +
			uint64(n)*h.words[6]
	} else {
		a = h.shortOrLong(s)
	}
	if n := len(t); uint(n-middle) <= span {
		p := []byte(t)
		b = fold(binary.LittleEndian.Uint64(p)^h.words[0], binary.LittleEndian.Uint64(p[min(8, n-8):])^h.words[1]) +
			fold(binary.LittleEndian.Uint64(p[max(n-16, 0):])^h.words[2], binary.LittleEndian.Uint64(p[n-8:])^h.words[3]) +
			uint64(n)*h.words[6]
	} else {
		b = h.shortOrLong(t)
	}
	return a, b
}

func (h *hasher) shortOrLong(s string) uint64 {
	n := len(s)
	var w uint64
	switch {
	case n > middle+span:
		return maphash.String(h.seed, s)
	case n >= 4:
		w = uint64(binary.LittleEndian.Uint32([]byte(s))) | uint64(binary.LittleEndian.Uint32([]byte(s[n-4:])))<<32
	case n > 0:
		w = uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16
	}
	return fold(w^h.words[4], uint64(n)^h.words[5])
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

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
	return fold(x^h.secret[2], tag*0x9e3779b97f4a7c15^h.secret[3])
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

// others adds up the attributes that are no pairs, and says which they are.
func (h *hasher) others(m pcommon.Map) (sum hash128, which uint32) {
	i := 0
	for k, v := range m.All() {
		if !isShort(k) || !isShort(v.Str()) {
			which |= 1 << i
			sum = sum.plus(h.pair(h.text(k), h.otherValue(v, 0)))
		}
		i++
	}
	return sum, which
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
