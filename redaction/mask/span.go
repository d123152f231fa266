package mask

import "slices"

// span is a stretch of a line that is to be replaced.
type span struct {
	start, end int
	family     Family
}

// found is what the scan of one line knows. It lives on the stack: what is
// found goes into room, and only a line with more than that is looked at again
// with more.
type found struct {
	room [8]span // in order, apart from each other
	n    int
	full bool   // there was not enough room
	grow bool   // use more instead
	more []span // likewise

	// Where a family need not look again before: each stretch that a family
	// walks over is walked over once, which makes the whole linear.
	mailDone, ipDone, ipv6Done, jwtDone, tokenDone, basicDone, valueDone, pemDone int

	cloudDone [16]int // by the class that is walked over

	looked int // bytes that were looked at beside the scan itself
}

// nothing says that the line is clean.
func (f *found) nothing() bool { return f.n == 0 && len(f.more) == 0 && !f.full }

// add takes a span. What overlaps becomes one span: a card number inside a
// password is a password. The wider gives the name. Spans come nearly in order,
// so that the place is looked for from the end.
func (f *found) add(start, end int, family Family) {
	s := span{start, end, family}
	spans := f.more
	if !f.grow {
		spans = f.room[:f.n]
	}
	to := len(spans) // the first that comes after
	for to > 0 && spans[to-1].start >= s.end {
		to--
	}
	from := to // the first that overlaps
	for from > 0 && spans[from-1].end > s.start {
		from--
		s = union(s, spans[from])
	}
	if f.grow {
		f.more = slices.Replace(f.more, from, to, s)
		return
	}
	n := f.n + 1 - (to - from)
	if n > len(f.room) {
		f.full = true
		return
	}
	copy(f.room[from+1:], f.room[to:f.n])
	f.room[from] = s
	f.n = n
}

func union(s, earlier span) span {
	switch a, b := earlier.end-earlier.start, s.end-s.start; {
	case a > b:
		s.family = earlier.family
	case a == b: // a key's name says more than a shape
		s.family = max(s.family, earlier.family)
	}
	return span{min(s.start, earlier.start), max(s.end, earlier.end), s.family}
}
