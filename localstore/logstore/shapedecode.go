package logstore

import (
	"encoding/hex"
	"math/bits"
	"slices"
)

// unshaper is the inverse of shaper.
type unshaper struct {
	head, rows, part []byte
	shapes           []rowShape
	// arena has the texts and the values of all columns; refs are places in
	// it: of each shape's texts, and place by place of its values.
	arena   []byte
	refs    []span
	numbers []uint64
	looseN  []uint64
	loose   []byte
	kinds   []columnKind
	dict    []span

	// What shapeselect.go finds out: wanted rows of all shapes; of the shape
	// it looks at, sights and whether it decides, by place; of all words,
	// whether they are denied.
	wanted          []uint32
	sights          []sight
	decides, denied []bool
}

// rowShape is a shape as a reader has it.
type rowShape struct {
	rows, next    int
	places        int
	texts, values int // where they begin in refs
	kinds         int // where they begin in kinds
	// wanted are the rows, counted within the shape, whose lines are put
	// together: nil is all, unless there are none.
	wanted []uint32
	none   bool
	seen   int // rows of it that came by
}

// kept is how many lines of the shape are put together.
func (sh *rowShape) kept() int {
	switch {
	case sh.none:
		return 0
	case sh.wanted != nil:
		return len(sh.wanted)
	}
	return sh.rows
}

type columnKind struct {
	kind, planes, digits byte
	size                 int // kind 3: bytes; kind 1: strings
	dict                 int // kind 1: where they begin in dict
}

// arenaRoom is free behind the arena and the lines, so that short texts can be
// copied by sixteen bytes.
const arenaRoom = 16

// decode writes the lines of a section into out, which it may replace, and
// their ends. They must be rawSize bytes. With needles, it writes nothing for
// lines that need not be put together to see that they lack one.
func (u *unshaper) decode(section, out []byte, ends []uint32, rows, rawSize int, needles []*needle) ([]byte, []uint32, error) {
	d := decoder{b: section}
	u.head = d.part(u.head, maxSection)
	u.rows = d.part(u.rows, rows)
	if d.err != nil || len(u.rows) != rows {
		return out, ends, errCorrupt
	}
	h := decoder{b: u.head}
	loosePlanes := u.readHead(&h)
	if h.err != nil || len(h.b) > 0 || !u.countRows(rawSize) {
		return out, ends, errCorrupt
	}
	u.wanted = u.wanted[:0]
	for i := range u.shapes {
		sh := &u.shapes[i]
		sh.none = len(needles) > 0 && !u.want(d, sh, needles)
		u.columns(&d, sh, rawSize)
	}
	loose := 0
	for _, id := range u.rows {
		if id == 0 {
			loose++
		}
	}
	u.looseN, u.part = d.planeParts(u.looseN, u.part, loose, nil, loosePlanes)
	u.loose = d.part(u.loose, rawSize)
	if d.err != nil || len(d.b) > 0 {
		return out, ends, errCorrupt
	}
	u.arena = slices.Grow(u.arena, arenaRoom)
	out = slices.Grow(out[:0], rawSize+arenaRoom)
	ends, size, ok := u.assemble(out[:rawSize+arenaRoom], ends[:0], rawSize)
	if !ok || len(needles) == 0 && size != rawSize {
		return out, ends, errCorrupt
	}
	return out[:size], ends, nil
}

// readHead returns the planes of the loose lines' lengths.
func (u *unshaper) readHead(h *decoder) byte {
	u.shapes, u.refs, u.kinds, u.dict, u.arena = u.shapes[:0], u.refs[:0], u.kinds[:0], u.dict[:0], u.arena[:0]
	n := h.count()
	if n > maxShapes {
		h.fail()
	}
	for ; n > 0 && h.err == nil; n-- {
		sh := rowShape{places: h.count(), texts: len(u.refs), kinds: len(u.kinds)}
		for range sh.places + 1 {
			u.refs = append(u.refs, u.keep(h.bytes()))
			if h.err != nil {
				return 0
			}
		}
		for range sh.places {
			k := columnKind{kind: h.byte()}
			switch k.kind {
			case columnDictionary:
				k.size, k.dict = h.count(), len(u.dict)
				for range k.size {
					u.dict = append(u.dict, u.keep(h.bytes()))
				}
				k.planes = h.byte()
			case columnPlain:
				k.planes = h.byte()
			case columnHex:
				size := h.uvarint()
				if size == 0 || size > maxHex/2 {
					h.fail()
				}
				k.size = int(size)
			case columnNumber:
				k.digits, k.planes = h.byte(), h.byte()
				if k.digits > maxDigits {
					h.fail()
				}
			default:
				h.fail()
			}
			if h.err != nil {
				return 0
			}
			u.kinds = append(u.kinds, k)
		}
		u.shapes = append(u.shapes, sh)
	}
	return h.byte()
}

func (u *unshaper) keep(b []byte) span {
	s := span{uint32(len(u.arena)), uint32(len(b))}
	u.arena = append(u.arena, b...)
	return s
}

// countRows gives each shape its rows. A writer makes no more values than the
// lines have bytes.
func (u *unshaper) countRows(rawSize int) bool {
	for _, id := range u.rows {
		if int(id) > len(u.shapes) {
			return false
		}
		if id > 0 {
			u.shapes[id-1].rows++
		}
	}
	values := 0
	for i := range u.shapes {
		values += u.shapes[i].rows * u.shapes[i].places
	}
	return values <= rawSize
}

// columns decodes the values of a shape's wanted rows.
func (u *unshaper) columns(d *decoder, sh *rowShape, rawSize int) {
	sh.values = len(u.refs)
	for _, k := range u.kinds[sh.kinds : sh.kinds+sh.places] {
		if d.err != nil || len(u.arena) > maxSection {
			d.fail()
			return
		}
		if sh.none {
			d.skipColumn(k)
			continue
		}
		switch k.kind {
		case columnDictionary:
			u.numbers, u.part = d.planeParts(u.numbers, u.part, sh.rows, sh.wanted, k.planes)
			words := u.dict[k.dict : k.dict+k.size]
			for _, n := range u.numbers {
				if n >= uint64(len(words)) {
					d.fail()
					return
				}
				u.refs = append(u.refs, words[n])
			}
		case columnNumber:
			u.numbers, u.part = d.planeParts(u.numbers, u.part, sh.rows, sh.wanted, k.planes)
			for _, n := range u.numbers {
				at := len(u.arena)
				u.arena = appendDecimal(u.arena, n, int(k.digits))
				u.refs = append(u.refs, span{uint32(at), uint32(len(u.arena) - at)})
			}
		case columnHex:
			u.part = d.part(u.part, sh.rows*k.size)
			if len(u.part) != sh.rows*k.size {
				d.fail()
				return
			}
			at := len(u.arena)
			if sh.wanted == nil {
				u.arena = hex.AppendEncode(u.arena, u.part)
			}
			for _, row := range sh.wanted {
				u.arena = hex.AppendEncode(u.arena, u.part[int(row)*k.size:int(row+1)*k.size])
			}
			for range sh.kept() {
				u.refs = append(u.refs, span{uint32(at), uint32(2 * k.size)})
				at += 2 * k.size
			}
		case columnPlain:
			u.numbers, u.part = d.planeParts(u.numbers, u.part, sh.rows, nil, k.planes)
			at := uint64(len(u.arena))
			u.part = d.part(u.part, rawSize)
			u.arena = append(u.arena, u.part...)
			first := len(u.refs)
			for _, n := range u.numbers {
				if n > uint64(len(u.arena))-at {
					d.fail()
					return
				}
				u.refs = append(u.refs, span{uint32(at), uint32(n)})
				at += n
			}
			if at != uint64(len(u.arena)) {
				d.fail()
				return
			}
			if sh.wanted != nil {
				for i, row := range sh.wanted {
					u.refs[first+i] = u.refs[first+int(row)]
				}
				u.refs = u.refs[:first+len(sh.wanted)]
			}
		}
	}
}

// assemble writes the wanted lines and the loose ones into out, which has
// arenaRoom bytes more than they need, and returns their size.
func (u *unshaper) assemble(out []byte, ends []uint32, size int) (_ []uint32, used int, ok bool) {
	arena := u.arena[:len(u.arena)+arenaRoom]
	at, loose := 0, u.loose
	looseN := u.looseN
	for _, id := range u.rows {
		if id == 0 {
			n := looseN[0]
			looseN = looseN[1:]
			if n > uint64(len(loose)) || int(n) > size-at {
				return ends, 0, false
			}
			copy(out[at:], loose[:n])
			loose = loose[n:]
			at += int(n)
			ends = append(ends, uint32(at))
			continue
		}
		sh := &u.shapes[id-1]
		kept, row := sh.kept(), sh.seen
		sh.seen++
		if sh.next == kept || sh.wanted != nil && int(sh.wanted[sh.next]) != row {
			ends = append(ends, uint32(at))
			continue
		}
		texts := u.refs[sh.texts : sh.texts+sh.places+1]
		value := sh.values + sh.next
		sh.next++
		for i, t := range texts {
			if i > 0 {
				v := u.refs[value]
				value += kept
				if v.size <= arenaRoom {
					*(*[arenaRoom]byte)(out[at:]) = *(*[arenaRoom]byte)(arena[v.at:])
				} else {
					copy(out[at:], arena[v.at:v.at+v.size])
				}
				if at += int(v.size); at > size {
					return ends, 0, false
				}
			}
			if t.size <= arenaRoom {
				*(*[arenaRoom]byte)(out[at:]) = *(*[arenaRoom]byte)(arena[t.at:])
			} else {
				copy(out[at:], arena[t.at:t.at+t.size])
			}
			if at += int(t.size); at > size {
				return ends, 0, false
			}
		}
		ends = append(ends, uint32(at))
	}
	return ends, at, len(loose) == 0
}

// pairs has 00 to 99.
var pairs = func() (p [200]byte) {
	for i := range 100 {
		p[2*i], p[2*i+1] = byte('0'+i/10), byte('0'+i%10)
	}
	return p
}()

// appendDecimal writes n with so many digits, or with as many as it needs if
// that is 0 or too few.
func appendDecimal(b []byte, n uint64, digits int) []byte {
	digits = max(digits, decimals(n))
	at := len(b) + digits
	b = slices.Grow(b, digits)[:at]
	w := b[at-digits:]
	i := digits
	for i >= 2 {
		q := n / 100
		r := 2 * (n - 100*q)
		i -= 2
		w[i], w[i+1] = pairs[r], pairs[r+1]
		n = q
	}
	if i == 1 {
		w[0] = byte('0' + n%10)
	}
	return b
}

var powers = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = 10 * p[i-1]
	}
	return p
}()

// decimals is how many digits n has.
func decimals(n uint64) int {
	if n == 0 {
		return 1
	}
	guess := bits.Len64(n) * 1233 >> 12
	if n >= powers[guess] {
		guess++
	}
	return guess
}

// part is the inverse of appendPart. It uses buf's memory and fails beyond most
// bytes.
func (d *decoder) part(buf []byte, most int) []byte {
	size, packed := d.uvarint(), d.uvarint()
	if size > uint64(most) || size > maxSection {
		d.fail()
		return buf[:0]
	}
	if packed == 0 {
		return append(buf[:0], d.take(size)...)
	}
	b := d.take(packed)
	if d.err != nil {
		return buf[:0]
	}
	out, err := unzip(buf, b, uint32(size))
	if err != nil {
		d.fail()
	}
	return out
}

// planeParts is the inverse of appendPlaneParts. Of count numbers it returns
// those of the rows, or all.
func (d *decoder) planeParts(numbers []uint64, part []byte, count int, rows []uint32, planes byte) ([]uint64, []byte) {
	if planes > 8 {
		d.fail()
		return numbers[:0], part
	}
	size := count
	if rows != nil {
		size = len(rows)
	}
	numbers = slices.Grow(numbers[:0], size)[:size]
	clear(numbers)
	for w := range planes {
		part = d.part(part, count)
		if d.err != nil || len(part) != count {
			d.fail()
			return numbers[:0], part
		}
		if rows == nil {
			for i, c := range part {
				numbers[i] |= uint64(c) << (8 * w)
			}
		}
		for i, row := range rows {
			numbers[i] |= uint64(part[row]) << (8 * w)
		}
	}
	return numbers, part
}
