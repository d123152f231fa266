package logstore

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Lines of one program have few shapes. A shape is what stands between a line's
// words, and what all words of one place have in common; what is left of the
// words of a place is a column, and a column of status codes, of durations or
// of trace ids packs far better than lines do. A section of lines by shape is
//
//	parts: head, shape of each row, the columns' parts, the loose lines' parts
//
// where a part is
//
//	+------------------+---------------------+------
//	| uvarint raw size | uvarint packed size | data     packed size 0: as it is, else a zstd frame
//	+------------------+---------------------+------
//
// and the head is
//
//	uvarint shapes, for each:
//	  uvarint places, places+1 strings: what stands before each place and after the last
//	  for each place: kind
//	    kind 1: uvarint n, n strings, planes byte   the columns' parts: planes of indexes into them
//	    kind 2: planes byte                         planes of lengths, and the values, one after another
//	    kind 3: uvarint n                           n bytes a value, which is 2n digits of lower-case hexadecimal
//	    kind 4: digits byte, planes byte            planes of numbers, written with so many digits, or with as many as they need if 0
//	planes byte                                     of the loose lines' lengths
//
// A row's shape is one byte, 1 for the first shape. 0 is a loose line, whose shape
// is too rare: it stands as it is. Planes are parts of one byte of each
// number, the lowest first: apart, since each is distributed in its own way.
const (
	columnNumber = 4 // kinds 1 to 3 are those of metadata

	// minShapeRows is how many rows a shape needs, and a block to be tried.
	minShapeRows = 8
	minShaped    = 32
	maxShapes    = 255
	maxPlaces    = 256
	// maxNodes and maxBranches bound the search for a line's shape.
	maxNodes    = 1 << 13
	maxBranches = 16
	// maxDistinct bounds a dictionary.
	maxDistinct = 1 << 11
	// maxDigits is what always fits into 64 bits.
	maxDigits = 18
)

// span is a place in the lines.
type span struct{ at, size uint32 }

// shape is what the rows of a shape have.
type shape struct {
	rows   int
	id     byte // 0 if it is rare
	row    span // the first
	places []place
}

// place collects the words of one place. As long as all are equal there are no
// values.
type place struct {
	first         span // the first row's
	values        []span
	before, after uint32 // bytes that all words begin and end with
}

// shapeNode is a step in a tree of what stands between words.
type shapeNode struct {
	text        uint64 // up to eight bytes
	step        uint16 // how many, and what comes then
	child, next uint32 // of a node that ends a line, child is its shape
}

const (
	stepWord = 0x100 // a word follows
	stepEnd  = 0x200 // the line ends
	stepOn   = 0x300 // the text goes on
)

// shaper finds the shapes of a block's lines; its buffers live as long as a
// flush.
type shaper struct {
	nodes  []shapeNode
	shapes []shape
	rowOf  []uint16 // each row's shape, counted from 1
	edges  edges
	words  [maxPlaces]span

	chosen        []*shape
	columns       []byte // their parts
	head          []byte
	pieces, kinds []byte // of one shape's head
	dict          dictionary
	numbers       []uint64
	text          []byte
	ids, loose    []byte
}

// edges are where the words of a line begin and end, in turn.
type edges [2*maxPlaces + 64]uint32

// find returns how many edges a line has, or more than the most that are of
// use. A word is a run of digits and of bytes from 40 (hexadecimal) on:
// letters, some signs, and all that is not ASCII. 64 bytes must be readable
// behind the line's end.
func (e *edges) find(lines []byte, from, to int) (n int) {
	var last uint64
	for base := from; base < to && n <= 2*maxPlaces; base += 64 {
		p := lines[base : base+64]
		var m uint64
		for i := range 8 {
			m |= gather(wordBytesOf(binary.LittleEndian.Uint64(p[8*i:]))) << (8 * i)
		}
		if left := to - base; left < 64 {
			m &= 1<<left - 1
		}
		x := m ^ (m<<1 | last)
		last = m >> 63
		for ; x != 0 && n < len(e); x &= x - 1 {
			e[n] = uint32(base + bits.TrailingZeros64(x))
			n++
		}
	}
	if n%2 == 1 { // the last word ends with the line, at a multiple of 64
		e[n] = uint32(to)
		n++
	}
	return n
}

// wordBytesOf marks the bytes that belong to words, as digitsOf does.
func wordBytesOf(w uint64) uint64 {
	l := w &^ tops
	return ((l+(0x80-'0')*every)&^(l+(0x80-'9'-1)*every) | l + (0x80-0x40)*every | w) & tops
}

// low has the lowest n bytes set.
var low = [9]uint64{0, 1<<8 - 1, 1<<16 - 1, 1<<24 - 1, 1<<32 - 1, 1<<40 - 1, 1<<48 - 1, 1<<56 - 1, 1<<64 - 1}

// find sorts the rows by their shapes. lines must have gramRoom bytes free
// behind its end.
func (s *shaper) find(lines []byte, sizes []uint64) {
	s.nodes = append(s.nodes[:0], shapeNode{})
	s.shapes, s.rowOf = s.shapes[:0], s.rowOf[:0]
	b := lines[:len(lines)+gramRoom]
	from := 0
	for _, size := range sizes {
		to := from + int(size)
		s.rowOf = append(s.rowOf, s.row(b, from, to))
		from = to
	}
}

// row returns the shape of a line, counted from 1, and gives it the line's
// words, or 0 if it has none.
func (s *shaper) row(b []byte, from, to int) uint16 {
	count := s.edges.find(b, from, to) / 2
	if count > maxPlaces {
		return 0
	}
	node, at := uint32(0), uint32(from)
	for i := range s.words[:count] {
		start, end := s.edges[2*i], s.edges[2*i+1]
		// Mostly this line goes the way of the first that came here.
		child := s.nodes[node].child
		if n, c := start-at, &s.nodes[child]; n <= 8 && c.step == stepWord+uint16(n) && c.text == binary.LittleEndian.Uint64(b[at:])&low[n] {
			node = child
		} else if node = s.walk(node, b, at, start, stepWord); node == 0 {
			return 0
		}
		s.words[i] = span{start, end - start}
		at = end
	}
	if node = s.walk(node, b, at, uint32(to), stepEnd); node == 0 {
		return 0
	}
	words := s.words[:count]
	n := &s.nodes[node]
	if n.child == 0 {
		if n.child = s.newShape(span{uint32(from), uint32(to - from)}, words); n.child == 0 {
			return 0
		}
	}
	sh := &s.shapes[n.child-1]
	places := sh.places[:count]
	for i, w := range words {
		p := &places[i]
		if len(p.values) == 0 {
			if sameText(b, w, p.first) {
				continue
			}
			for range sh.rows {
				p.values = append(p.values, p.first)
			}
		}
		p.values = append(p.values, w)
	}
	sh.rows++
	return uint16(n.child)
}

func sameText(b []byte, x, y span) bool {
	if x.size != y.size {
		return false
	}
	if x.size <= 8 {
		return (binary.LittleEndian.Uint64(b[x.at:])^binary.LittleEndian.Uint64(b[y.at:]))&low[x.size] == 0
	}
	return string(b[x.at:x.at+x.size]) == string(b[y.at:y.at+y.size])
}

// walk goes from a node along the text that ends before a word or the line's
// end and makes the nodes that are missing. 0 means that there are too many.
func (s *shaper) walk(node uint32, b []byte, from, to uint32, step uint16) uint32 {
	for ; to-from > 8; from += 8 {
		if node = s.branch(node, binary.LittleEndian.Uint64(b[from:]), stepOn); node == 0 {
			return 0
		}
	}
	n := to - from
	return s.branch(node, binary.LittleEndian.Uint64(b[from:])&low[n], step+uint16(n))
}

func (s *shaper) branch(node uint32, text uint64, step uint16) uint32 {
	link := &s.nodes[node].child
	for range maxBranches {
		if *link == 0 {
			if len(s.nodes) == maxNodes {
				return 0
			}
			at := uint32(len(s.nodes))
			*link = at
			s.nodes = append(s.nodes, shapeNode{text: text, step: step})
			return at
		}
		if n := &s.nodes[*link]; n.text == text && n.step == step {
			return *link
		} else {
			link = &n.next
		}
	}
	return 0
}

// newShape takes the current line for the first of a new shape, which it counts
// from 1.
func (s *shaper) newShape(row span, words []span) uint32 {
	if len(s.shapes) == 1<<12 {
		return 0
	}
	if len(s.shapes) < cap(s.shapes) {
		s.shapes = s.shapes[:len(s.shapes)+1]
	} else {
		s.shapes = append(s.shapes, shape{})
	}
	sh := &s.shapes[len(s.shapes)-1]
	sh.rows, sh.id, sh.row = 0, 0, row
	sh.places = slices.Grow(sh.places[:0], len(words))[:len(words)]
	for i, w := range words {
		sh.places[i] = place{first: w, values: sh.places[i].values[:0]}
	}
	return uint32(len(s.shapes))
}
