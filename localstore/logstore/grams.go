package logstore

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Two parts of a block's filter say which substrings its lines do not hold. A
// gram is a short run of bytes that is judged by its own content alone, so that
// each gram of a needle is also one of every line that holds the needle,
// whatever stands around it:
//
//	kind 2, text: 4 bytes, none of them a digit: words and what joins them
//	kind 3, ids:  6 letters or digits, at least one of them a digit
//
// Kept apart, the few grams of a log's vocabulary are not drowned by those of
// its identifiers, which are never seen again. Other grams are in neither.
//
//	+------+------------------
//	| log2 | bits
//	+------+------------------
//
// A gram's hash is a place in a table of 2^log2 bits. The writer halves the
// table, by laying its halves over each other, until it is about half full, and
// keeps the first bits of it that the budget allows: grams beyond them are not
// asked for. A long needle has many grams and loses little by that.
const (
	filterText = 2
	filterIDs  = 3

	textLog2, idLog2 = 16, 17
	minGramLog2      = 8
	// A part takes at most one byte for so many of the lines.
	textBudget = 256
	idBudget   = 128
	// minGramBytes: below this a part is not worth its head.
	minGramBytes = 16
	// gramRoom is what must be free behind the lines.
	gramRoom = 64
	// maxGrams bounds what is asked for a needle.
	maxGrams = 128
)

func textSlot(gram uint32) uint32 { return gram * 0x9e3779b1 >> (32 - textLog2) }

func idSlot(gram uint64) uint32 { return uint32(gram << 16 * 0x9e3779b97f4a7c15 >> (64 - idLog2)) }

// gramTable collects the grams of one block.
type gramTable struct {
	text [1 << textLog2 / 64]uint64
	ids  [1 << idLog2 / 64]uint64
}

func set(text *[1 << textLog2 / 64]uint64, gram uint32) {
	s := textSlot(gram)
	text[s/64%(1<<textLog2/64)] |= 1 << (s % 64)
}

// The bytes of a word that are digits, or letters or digits, as the top bits of
// its bytes.
const (
	every = 0x0101010101010101
	tops  = 0x80 * every
)

func digitsOf(w uint64) uint64 {
	l := w &^ tops
	return (l + (0x80-'0')*every) &^ (l + (0x80-'9'-1)*every) &^ w & tops
}

func lettersOf(w uint64) uint64 {
	l := w&^tops | 0x20*every
	return (l + (0x80-'a')*every) &^ (l + (0x80-'z'-1)*every) &^ w & tops
}

// gather moves the top bits of a word's bytes together.
func gather(m uint64) uint64 { return m * 0x0002040810204081 >> 56 }

// gramScan finds grams 64 bytes at a time; bit i of a mask stands for a gram
// that ends at byte i.
type gramScan struct {
	digits, alnum   uint64 // of the 64 bytes before
	digits2, alnum2 uint64 // and of runs of two there
}

// next returns the masks of the 64 bytes at p.
func (g *gramScan) next(p []byte) (text, ids uint64) {
	_ = p[63]
	var d, a uint64
	for i := range 8 {
		w := binary.LittleEndian.Uint64(p[8*i:])
		dd := digitsOf(w)
		d |= gather(dd) << (8 * i)
		a |= gather(dd|lettersOf(w)) << (8 * i)
	}
	d2 := d | d<<1 | g.digits>>63
	d4 := d2 | d2<<2 | g.digits2>>62
	d6 := d4 | d2<<4 | g.digits2>>60
	a2 := a & (a<<1 | g.alnum>>63)
	a4 := a2 & (a2<<2 | g.alnum2>>62)
	a6 := a4 & (a2<<4 | g.alnum2>>60)
	g.digits, g.alnum, g.digits2, g.alnum2 = d, a, d2, a2
	return ^d4, a6 & d6
}

// add takes in the grams of lines, those across two lines too, which harms
// nothing. lines must have gramRoom bytes free behind its end.
func (t *gramTable) add(lines []byte) {
	if len(lines) < 8 {
		return
	}
	var g gramScan
	b := lines[:len(lines)+gramRoom]
	clear(b[len(lines):])
	text := &t.text
	for base := 0; base < len(lines); base += 64 {
		tm, im := g.next(b[base:])
		if left := len(lines) - base; left < 64 {
			tm &= 1<<left - 1
			im &= 1<<left - 1
		}
		if base == 0 { // no gram ends before it has begun
			tm &^= 7
			im &^= 31
		}
		for at := base; tm != 0; at, tm = at+8, tm>>8 {
			m := uint32(byte(tm))
			if m != 0xff || at < 8 {
				for ; m != 0; m &= m - 1 {
					set(text, binary.LittleEndian.Uint32(b[at+bits.TrailingZeros32(m)-3:]))
				}
				continue
			}
			w, v := binary.LittleEndian.Uint64(b[at-3:]), binary.LittleEndian.Uint64(b[at+1:])
			set(text, uint32(w))
			set(text, uint32(w>>8))
			set(text, uint32(w>>16))
			set(text, uint32(w>>24))
			set(text, uint32(v))
			set(text, uint32(v>>8))
			set(text, uint32(v>>16))
			set(text, uint32(v>>24))
		}
		for ; im != 0; im &= im - 1 {
			s := idSlot(binary.LittleEndian.Uint64(b[base+bits.TrailingZeros64(im)-5:]))
			t.ids[s/64] |= 1 << (s % 64)
		}
	}
}

// appendTo appends the two parts for lines of so many bytes and empties the
// table.
func (t *gramTable) appendTo(b []byte, lineBytes int) []byte {
	if lineBytes/textBudget >= minGramBytes {
		b = appendGrams(b, filterText, t.text[:], textLog2, lineBytes/textBudget)
		b = appendGrams(b, filterIDs, t.ids[:], idLog2, lineBytes/idBudget)
	}
	clear(t.text[:])
	clear(t.ids[:])
	return b
}

// appendGrams changes table.
func appendGrams(b []byte, kind byte, table []uint64, log2, budget int) []byte {
	for log2 > minGramLog2 && 5*ones(table) < 2*64*len(table) {
		half := len(table) / 2
		for i, w := range table[half:] {
			table[i] |= w
		}
		table = table[:half]
		log2--
	}
	n := min(budget, 8*len(table))
	b = append(b, kind)
	b = binary.AppendUvarint(b, uint64(n)+1)
	b = append(b, byte(log2))
	for i := range n {
		b = append(b, byte(table[i/8]>>(i%8*8)))
	}
	return b
}

func ones(table []uint64) int {
	n := 0
	for _, w := range table {
		n += bits.OnesCount64(w)
	}
	return n
}

// needleGrams are the slots that a block must have set to hold all needles.
type needleGrams struct{ text, ids []uint32 }

func gramsOf(needles [][]byte) needleGrams {
	var n needleGrams
	for _, needle := range needles {
		n.add(needle)
	}
	for _, s := range []*[]uint32{&n.text, &n.ids} {
		slices.Sort(*s)
		*s = slices.Compact(*s)
	}
	return n
}

// add is the plain version of gramTable.add.
func (n *needleGrams) add(needle []byte) {
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	letter := func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
	for i := range needle {
		if i+4 <= len(needle) && len(n.text) < maxGrams && !slices.ContainsFunc(needle[i:i+4], digit) {
			n.text = append(n.text, textSlot(binary.LittleEndian.Uint32(needle[i:])))
		}
		if i+6 <= len(needle) && len(n.ids) < maxGrams {
			g := needle[i : i+6]
			if slices.ContainsFunc(g, digit) && !slices.ContainsFunc(g, func(c byte) bool { return !digit(c) && !letter(c) }) {
				var w [8]byte
				copy(w[:], g)
				n.ids = append(n.ids, idSlot(binary.LittleEndian.Uint64(w[:])))
			}
		}
	}
}

func (n *needleGrams) empty() bool { return len(n.text)+len(n.ids) == 0 }

// mayHold reports whether lines behind a filter may hold the needles.
func (n *needleGrams) mayHold(filter []byte) bool {
	d := decoder{b: filter}
	for len(d.b) > 0 {
		kind, part := d.byte(), d.bytes()
		if d.err != nil || len(part) < 2 || part[0] > 32 {
			continue
		}
		slots := n.text
		if kind == filterIDs {
			slots = n.ids
		} else if kind != filterText {
			continue
		}
		mask, set := uint32(1)<<part[0]-1, part[1:]
		for _, s := range slots {
			if s &= mask; int(s/8) < len(set) && set[s/8]&(1<<(s%8)) == 0 {
				return false
			}
		}
	}
	return true
}
