package logstore

import (
	"cmp"
	"context"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// Volume is how much of a stream lies in one step of time.
type Volume struct {
	Step           int64 // its number, that of Selection.From being 0
	Entries, Bytes int64 // the bytes of their lines
}

// Volumes tells how much a selection holds, by its matchers and its time alone:
// stream by stream, and for each step in any number of parts. Steps of a length
// begin where a whole number of them has passed since the epoch; a length of zero
// is one step for all.
//
// It says what a Scan would count, and reads only the blocks that reach over an
// edge of the range or of a step, or that share time with another file, where an
// equal entry may lie. A damaged block is counted until somebody reads it.
func (s *Store) Volumes(ctx context.Context, sel Selection, length int64, visit func(stream labels.Labels, v Volume)) error {
	sel.Backward, sel.Contains, sel.Having = false, nil, nil
	q := s.newQuery(ctx, sel)
	defer q.end()
	first := stepOf(sel.From, length)
	known := make([][]source, len(q.streams))
	for i, ss := range q.streams {
		ss.sources = slices.DeleteFunc(ss.sources, func(src source) bool { return src.block != nil && src.block.bad.Load() })
		known[i], ss.sources = divide(ss.sources, func(src source) bool { return q.indexed(src, length) })
	}
	parts := q.parts() // of what is to be read
	var jobs []*job
	for _, p := range parts {
		jobs = append(jobs, jobsOf(p.ss, p.sources)...)
	}
	if q.ahead = q.lookAhead(jobs); q.ahead != nil {
		q.ahead.start()
	}
	for i, ss := range q.streams {
		for _, src := range known[i] {
			b := src.block
			visit(ss.labels, Volume{stepOf(b.minT, length) - first, int64(b.count), int64(b.raw)})
		}
		var v Volume
		for ; len(parts) > 0 && parts[0].ss == ss; parts = parts[1:] {
			err := q.visit(parts[0], func(r *Record) error {
				step := stepOf(r.Timestamp, length) - first
				if step != v.Step && v.Entries > 0 {
					visit(ss.labels, v)
					v = Volume{}
				}
				v = Volume{step, v.Entries + 1, v.Bytes + int64(len(r.Line))}
				return nil
			})
			if err != nil {
				return err
			}
		}
		if v.Entries > 0 {
			visit(ss.labels, v)
		}
	}
	return nil
}

// stepOf numbers the step of an instant.
func stepOf(t, length int64) int64 {
	if length <= 0 {
		return 0
	}
	n := t / length
	if t%length < 0 {
		n--
	}
	return n
}

// indexed says whether a block lies within the range and one step.
func (q *query) indexed(src source, length int64) bool {
	b := src.block
	return b != nil && src.minT == b.minT && src.maxT == b.maxT && stepOf(b.minT, length) == stepOf(b.maxT, length)
}

// divide parts a stream's sources, in the order of time, into those of which the
// index says enough and those to read: what is not indexed, and what shares time
// with another file or with the head, where an equal entry may lie. One file holds
// no two equal entries of a stream.
func divide(src []source, indexed func(source) bool) (known, read []source) {
	slices.SortStableFunc(src, func(a, b source) int { return cmp.Compare(a.minT, b.minT) })
	shares := make([]bool, len(src))
	// The latest source so far, and the latest one of another file.
	last, other := -1, -1
	for i := range src {
		for _, j := range [2]int{last, other} {
			if j >= 0 && !sameFile(src[i], src[j]) && src[j].maxT >= src[i].minT {
				shares[i] = true
			}
		}
		switch {
		case last < 0 || src[i].maxT >= src[last].maxT:
			if last >= 0 && !sameFile(src[i], src[last]) {
				other = last
			}
			last = i
		case !sameFile(src[i], src[last]) && (other < 0 || src[i].maxT > src[other].maxT):
			other = i
		}
	}
	// Those before which share time with a later one.
	next := len(src) // the first later one of another file
	for i := len(src) - 1; i >= 0; i-- {
		if i+1 < len(src) && !sameFile(src[i], src[i+1]) {
			next = i + 1
		}
		shares[i] = shares[i] || next < len(src) && src[next].minT <= src[i].maxT
	}
	for i := range src {
		if !shares[i] && indexed(src[i]) {
			known = append(known, src[i])
		} else {
			read = append(read, src[i])
		}
	}
	return known, read
}

func sameFile(a, b source) bool {
	return a.block != nil && b.block != nil && a.block.file == b.block.file
}
