package mask

import (
	"encoding/binary"
	"math/bits"
)

// Numbers are everywhere in a log: times, durations, ids. A table that stops at
// three digits in a row stops a dozen times a line, and a stop costs more than
// the bytes between. So shapes made of digits, dots and colons are found another
// way: the classes of 64 bytes become the bits of three words, and a few shifts
// and ands on them ask for a whole shape at once, such as "four digits, one byte,
// four digits, one byte, four digits". Ordinary lines have none.

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
	lows  = 0x7f * ones
)

// marks has a bit for each of 64 bytes.
type marks struct{ digit, dot, colon uint64 }

// plainMarks looks at the 64 bytes from i on, or at what is left of p, eight at a
// time. A byte under 0x80 to which 0x80-c is added has its high bit set if it
// was c or more, and no carry leaves it; so two such sums tell a range.
// Each eight bits come in at the top and go down as more come, since shifts by
// what is not constant are slow.
func plainMarks(p []byte, i int) marks {
	var digits, dots, colons uint64
	groups := min((len(p)-i+7)>>3, 8)
	for range groups {
		var x uint64
		if i+8 <= len(p) {
			x = binary.LittleEndian.Uint64(p[i:])
		} else {
			x = lastBytes(p, i)
		}
		i += 8
		low, ascii := x&lows, ^x&highs
		zero := low + (0x80-'0')*ones
		colon := low + (0x80-':')*ones // : follows 9
		digits = digits>>8 | gather(zero&^colon&ascii)
		dots = dots>>8 | gather((low+(0x80-'.')*ones)&^(low+(0x80-'/')*ones)&ascii)
		colons = colons>>8 | gather(colon&^(low+(0x80-';')*ones)&ascii)
	}
	down := uint(8-groups) * 8 & 63 // groups are at least one
	return marks{digits >> down, dots >> down, colons >> down}
}

// lastBytes has the fewer than eight bytes from i on, and zeros.
func lastBytes(p []byte, i int) (x uint64) {
	if len(p) >= 8 {
		return binary.LittleEndian.Uint64(p[len(p)-8:]) >> (uint(i+8-len(p)) * 8 & 63)
	}
	for k := len(p) - 1; k >= i; k-- {
		x = x<<8 | uint64(p[k])
	}
	return x
}

// gather turns the high bits of eight bytes into the highest eight bits.
func gather(x uint64) uint64 { return x * 0x0002040810204081 & (0xff << 56) }

// ahead is the marks k places on, in two words of which lo comes first.
func ahead(lo, hi uint64, k uint) uint64 { return lo>>k | hi<<(64-k) }

// near4 has the marks after which another comes 2 to 4 places on, near5 up to 5.
func near4(lo, hi uint64) uint64 {
	return lo & (ahead(lo, hi, 2) | ahead(lo, hi, 3) | ahead(lo, hi, 4))
}

func near5(lo, hi uint64) uint64 { return near4(lo, hi) | lo&ahead(lo, hi, 5) }

// scanNumbers looks at the places between from and to.
func (m *Masker) scanNumbers(p []byte, from, to int, f *found) {
	lo := marksOf(p, from)
	var before uint64 // whether a digit stands before the word
	if from > 0 && is(p[from-1], digit) {
		before = 1
	}
	for i := from; i < to; i += 64 {
		var hi marks
		if i+64 < len(p) {
			hi = marksOf(p, i+64)
		}
		if m.wantsDigits {
			for c := m.digitShapes(lo.digit, hi.digit, before); c != 0; c &= c - 1 {
				m.digits(p, i+bits.TrailingZeros64(c), f)
			}
		}
		if m.on[IP] {
			for c := dottedShape(lo, hi, before); c != 0; c &= c - 1 {
				findIPv4(p, i+bits.TrailingZeros64(c)-1, f)
			}
			if lo.colon != 0 {
				for c := colonShapes(lo.colon, hi.colon); c != 0; c &= c - 1 {
					findIPv6(p, i+bits.TrailingZeros64(c), f)
				}
			}
		}
		before = lo.digit >> 63
		lo = hi
	}
}

// digitShapes has the places where a stretch of digits begins that is long
// enough, or is followed by others as in a card or a US SSN. Shapes reach less
// than 64 places, so that nothing is asked that is not in the two words.
func (m *Masker) digitShapes(lo, hi, before uint64) uint64 {
	starts := lo &^ (lo<<1 | before)
	if starts == 0 {
		return 0
	}
	lo2, hi2 := lo&ahead(lo, hi, 1), hi&(hi>>1)      // two in a row
	lo4, hi4 := lo2&ahead(lo2, hi2, 2), hi2&(hi2>>2) // four
	lo8, hi8 := lo4&ahead(lo4, hi4, 4), hi4&(hi4>>4) // eight
	long := lo8 & ahead(lo8, hi8, 5)                 // thirteen
	if m.on[NationalID] {
		long = lo8 & ahead(lo4, hi4, 7) // eleven
		ssn := lo2 & ahead(lo, hi, 2) &^ ahead(lo, hi, 3) & ahead(lo2, hi2, 4) &^ ahead(lo, hi, 6) & ahead(lo4, hi4, 7)
		long |= ssn
	}
	if m.on[Card] { // 4-4-4, 4-6-4
		long |= lo4 &^ ahead(lo, hi, 4) & ahead(lo4, hi4, 5) & (ahead(lo4, hi4, 10) | ahead(lo4, hi4, 12))
	}
	return starts & long
}

// dottedShape has the dots between digits after which two more come, each at
// most four places on.
func dottedShape(lo, hi marks, before uint64) uint64 {
	if lo.dot == 0 {
		return 0
	}
	l := lo.dot & (lo.digit<<1 | before) & ahead(lo.digit, hi.digit, 1)
	h := hi.dot & (hi.digit<<1 | lo.digit>>63) & (hi.digit >> 1)
	return near4(near4(l, h), near4(h, 0))
}

// colonShapes has the double colons, and the first of four colons with at most
// four places between: there are two in a time of day.
func colonShapes(lo, hi uint64) uint64 {
	two, two2 := near5(lo, hi), near5(hi, 0)
	return lo&ahead(lo, hi, 1) | near5(near5(two, two2), near5(two2, 0))
}
