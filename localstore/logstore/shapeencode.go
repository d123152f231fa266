package logstore

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"slices"
)

// appendShaped appends the section of lines by shape.
func (s *shaper) appendShaped(b, lines []byte, sizes []uint64) []byte {
	s.find(lines, sizes)
	s.choose()
	text := lines[:len(lines)+gramRoom]

	head := binary.AppendUvarint(s.head[:0], uint64(len(s.chosen)))
	for _, sh := range s.chosen {
		sh.measure(text)
	}
	s.columns = s.columns[:0]
	for _, sh := range s.chosen {
		head = s.shape(head, sh, text)
	}
	rows, loose := s.looseRows(text, sizes)
	head = append(head, planesOf(loose))
	s.head = head

	b = appendPart(b, head)
	b = appendPart(b, rows)
	b = append(b, s.columns...)
	b = appendPlaneParts(b, loose, planesOf(loose))
	return appendPart(b, s.loose)
}

// choose numbers the shapes that are frequent.
func (s *shaper) choose() {
	s.chosen = s.chosen[:0]
	for i := range s.shapes {
		if sh := &s.shapes[i]; sh.rows >= minShapeRows && len(s.chosen) < maxShapes {
			s.chosen = append(s.chosen, sh)
			sh.id = byte(len(s.chosen))
		}
	}
}

// looseRows returns the shape of each row and the lengths of the loose lines,
// which it gathers.
func (s *shaper) looseRows(text []byte, sizes []uint64) (rows []byte, loose []uint64) {
	s.ids, s.numbers, s.loose = s.ids[:0], s.numbers[:0], s.loose[:0]
	at := uint64(0)
	for i, size := range sizes {
		id := byte(0)
		if n := s.rowOf[i]; n > 0 {
			id = s.shapes[n-1].id
		}
		s.ids = append(s.ids, id)
		if id == 0 {
			s.numbers = append(s.numbers, size)
			s.loose = append(s.loose, text[at:at+size]...)
		}
		at += size
	}
	return s.ids, s.numbers
}

// measure finds what all words of each place begin and end with. Digits stay
// with the word, so that numbers stay whole.
func (sh *shape) measure(b []byte) {
	for i := range sh.places {
		p := &sh.places[i]
		if len(p.values) == 0 {
			continue
		}
		first := p.first
		least, before, after := first.size, first.size, first.size
		word := b[first.at : first.at+first.size]
		for _, v := range p.values {
			least = min(least, v.size)
			if before > 0 {
				before = commonBefore(word[:min(before, v.size)], b[v.at:])
			}
			if after > 0 {
				after = commonAfter(word[first.size-min(after, v.size):], b[:v.at+v.size])
			}
			if before+after == 0 {
				break
			}
		}
		for before > 0 && isDigit(word[before-1]) {
			before--
		}
		for after > 0 && isDigit(word[first.size-after]) {
			after--
		}
		p.before, p.after = before, min(after, least-before)
	}
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// commonBefore is how many bytes of a, at most all, b begins with.
func commonBefore(a, b []byte) uint32 {
	n := 0
	for n < len(a) && a[n] == b[n] {
		n++
	}
	return uint32(n)
}

// commonAfter is how many bytes of a, at most all, b ends with.
func commonAfter(a, b []byte) uint32 {
	n := 0
	for n < len(a) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return uint32(n)
}

// shape appends a shape's part of the head and gathers its columns.
func (s *shaper) shape(head []byte, sh *shape, text []byte) []byte {
	// What stands before a place runs on over the places that never change.
	places := 0
	row := text[sh.row.at : sh.row.at+sh.row.size]
	s.kinds = s.kinds[:0]
	s.pieces = s.pieces[:0]
	from := uint32(0)
	for i := range sh.places {
		p := &sh.places[i]
		if len(p.values) == 0 {
			continue
		}
		places++
		start := p.first.at - sh.row.at
		start, end := start+p.before, start+p.first.size-p.after
		s.pieces = appendString(s.pieces, row[from:start])
		from = end
		s.kinds = s.column(s.kinds, p, text)
	}
	s.pieces = appendString(s.pieces, row[from:])
	head = binary.AppendUvarint(head, uint64(places))
	head = append(head, s.pieces...)
	return append(head, s.kinds...)
}

// column appends what the head says of a place to b and the values' parts to
// s.columns.
func (s *shaper) column(b []byte, p *place, text []byte) []byte {
	values := p.values
	for i := range values {
		values[i].at += p.before
		values[i].size -= p.before + p.after
	}
	if s.dict.fill(values, text) {
		b = append(b, columnDictionary)
		b = binary.AppendUvarint(b, uint64(len(s.dict.order)))
		for _, v := range s.dict.order {
			b = appendString(b, text[v.at:v.at+v.size])
		}
		return s.planes(b, s.dict.ids)
	}
	if digits, ok := s.parse(values, text); ok {
		return s.planes(append(b, columnNumber, digits), s.numbers)
	}
	if n := hexBytes(values, text); n > 0 {
		s.text = s.text[:0]
		for _, v := range values {
			s.text, _ = hex.AppendDecode(s.text, text[v.at:v.at+v.size]) // hexBytes has looked at it
		}
		s.columns = appendRawPart(s.columns, s.text)
		b = append(b, columnHex)
		return binary.AppendUvarint(b, uint64(n))
	}
	s.numbers, s.text = s.numbers[:0], s.text[:0]
	for _, v := range values {
		s.numbers = append(s.numbers, uint64(v.size))
		s.text = append(s.text, text[v.at:v.at+v.size]...)
	}
	b = s.planes(append(b, columnPlain), s.numbers)
	s.columns = appendPart(s.columns, s.text)
	return b
}

func (s *shaper) planes(b []byte, numbers []uint64) []byte {
	w := planesOf(numbers)
	s.columns = appendPlaneParts(s.columns, numbers, w)
	return append(b, w)
}

// parse reads the values as decimal numbers that can be written again as they
// were: all with one count of digits, which it returns, or without leading
// zeros.
func (s *shaper) parse(values []span, text []byte) (digits byte, ok bool) {
	s.numbers = s.numbers[:0]
	fixed, plain := values[0].size, true
	for _, v := range values {
		if v.size == 0 || v.size > maxDigits {
			return 0, false
		}
		w := text[v.at : v.at+v.size]
		var n uint64
		for _, c := range w {
			if !isDigit(c) {
				return 0, false
			}
			n = 10*n + uint64(c-'0')
		}
		plain = plain && (w[0] != '0' || len(w) == 1)
		if v.size != fixed {
			fixed = 0
		}
		if !plain && fixed == 0 {
			return 0, false
		}
		s.numbers = append(s.numbers, n)
	}
	return byte(fixed), true
}

// hexBytes is how many bytes all values have if they are hexadecimal, else 0.
func hexBytes(values []span, text []byte) int {
	size := values[0].size
	if size == 0 || size%2 != 0 || size > maxHex {
		return 0
	}
	for _, v := range values {
		if v.size != size || !isHex(text[v.at:v.at+size]) {
			return 0
		}
	}
	return int(size / 2)
}

// isHex says whether there are only digits of lower-case hexadecimal.
func isHex(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if w := binary.LittleEndian.Uint64(b); digitsOf(w)|hexLettersOf(w) != tops {
			return false
		}
	}
	for _, c := range b {
		if !isDigit(c) && c-'a' > 5 {
			return false
		}
	}
	return true
}

// hexLettersOf marks the bytes that are a to f, as digitsOf does.
func hexLettersOf(w uint64) uint64 {
	l := w &^ tops
	return (l + (0x80-'a')*every) &^ (l + (0x80-'f'-1)*every) &^ w & tops
}

// fewDistinct values are always worth a dictionary of as many rows.
const fewDistinct = 64

// dictionary numbers distinct values by their first occurrence.
type dictionary struct {
	slots [2 * maxDistinct]uint16 // by hash: 1 + index into order
	order []span
	first []uint64 // of each in order, the first eight bytes
	ids   []uint64
}

// fill returns false if too many values are distinct.
func (d *dictionary) fill(values []span, text []byte) bool {
	clear(d.slots[:])
	d.order, d.first, d.ids = d.order[:0], d.first[:0], d.ids[:0]
	for i, v := range values {
		first := binary.LittleEndian.Uint64(text[v.at:]) & low[min(v.size, 8)]
		h := first
		if v.size > 8 {
			h += binary.LittleEndian.Uint64(text[v.at+v.size-8:]) * 0x9e3779b97f4a7c15
		}
		h = (h + uint64(v.size)) * 0xff51afd7ed558ccd
		slot := h >> (64 - bits.Len(uint(len(d.slots)-1)))
		for {
			n := d.slots[slot]
			if n == 0 {
				if n := len(d.order); n == maxDistinct || n >= fewDistinct && 2*n > i {
					return false
				}
				d.order, d.first = append(d.order, v), append(d.first, first)
				d.slots[slot] = uint16(len(d.order))
				break
			}
			if o := d.order[n-1]; d.first[n-1] == first && o.size == v.size && (v.size <= 8 || sameText(text, v, o)) {
				break
			}
			slot = (slot + 1) % uint64(len(d.slots))
		}
		d.ids = append(d.ids, uint64(d.slots[slot]-1))
	}
	return true
}

// planesOf is how many bytes the largest number needs.
func planesOf(numbers []uint64) byte {
	var all uint64
	for _, n := range numbers {
		all |= n
	}
	return byte((bits.Len64(all) + 7) / 8)
}

// appendPlaneParts appends a part for each byte of the numbers.
func appendPlaneParts(b []byte, numbers []uint64, planes byte) []byte {
	for w := range planes {
		b = appendPartOf(b, len(numbers), func(raw []byte) {
			for i, n := range numbers {
				raw[i] = byte(n >> (8 * w))
			}
		})
	}
	return b
}

// minPacked is the least that is worth a zstd frame.
const minPacked = 24

// appendPart appends a part, packed if that makes it smaller.
func appendPart(b, raw []byte) []byte {
	return appendPartOf(b, len(raw), func(room []byte) { copy(room, raw) })
}

func appendRawPart(b, raw []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(raw)))
	b = append(b, 0)
	return append(b, raw...)
}

// random says that bytes look like those of ids or of the low digits of numbers,
// which nothing makes smaller: as many of the first 256 are distinct as of
// random ones, where 162 give or take 6 are.
func random(b []byte) bool {
	if len(b) < 256 {
		return false
	}
	var seen [256]uint8
	for _, c := range b[:256] {
		seen[c] = 1
	}
	n := 0
	for _, s := range seen {
		n += int(s)
	}
	return n > 140 && n < 185
}

// appendPartOf has the raw bytes written behind b, where they stay if nothing
// is smaller.
func appendPartOf(b []byte, size int, write func([]byte)) []byte {
	b = binary.AppendUvarint(b, uint64(size))
	at := len(b)
	b = slices.Grow(b, size+binary.MaxVarintLen32)
	raw := b[at+1 : at+1+size]
	write(raw)
	if size >= minPacked && !random(raw) {
		end := at + 1 + size
		packed := zstdEncoder.EncodeAll(raw, b[end:end])
		if n := len(packed); n+2 < size {
			b = binary.AppendUvarint(b[:at], uint64(n))
			return append(b, packed...)
		}
	}
	b = b[:at+1+size]
	b[at] = 0
	return b
}
