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
// password is a password. The wider gives the name.
func (f *found) add(start, end int, family Family) {
	s := span{start, end, family}
	if f.grow {
		n := len(f.more)
		for ; n > 0 && f.more[n-1].end > s.start; n-- {
			s = union(s, f.more[n-1])
		}
		f.more = append(f.more[:n], s)
		return
	}
	n := f.n
	for ; n > 0 && f.room[n-1].end > s.start; n-- {
		s = union(s, f.room[n-1])
	}
	if n == len(f.room) {
		f.full = true
		return
	}
	f.room[n] = s
	f.n = n + 1
}

func union(s, earlier span) span {
	if earlier.end-earlier.start >= s.end-s.start {
		s.family = earlier.family
	}
	return span{min(s.start, earlier.start), max(s.end, earlier.end), s.family}
}

// insert takes a span that may lie anywhere, after all of add's.
func (f *found) insert(s span) {
	if !f.grow { // rare enough to start again
		f.full = true
		return
	}
	from := 0
	for from < len(f.more) && f.more[from].end <= s.start {
		from++
	}
	to := from
	for ; to < len(f.more) && f.more[to].start < s.end; to++ {
		s.start, s.end = min(s.start, f.more[to].start), max(s.end, f.more[to].end)
	}
	f.more = slices.Replace(f.more, from, to, s)
}
