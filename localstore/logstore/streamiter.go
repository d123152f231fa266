package logstore

import (
	"bytes"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/prometheus/model/labels"
)

// streamIter walks one stream in the order of time. It decodes a source only
// when no earlier record can come from elsewhere, and merges sources that
// overlap.
//
// Records of one instant keep the order of their arrival, backward the
// reverse. When several sources have that instant, its records are gathered
// so that equal ones can be found: then the earliest of them stands.
type streamIter struct {
	q        *query
	ss       *streamSelection
	unopened []source // the next to open is last
	open     []*cursor

	standing bool    // there is a current record:
	current  *cursor // this one's, or, if nil,
	group    []gathered
	at       int // this one
	rec      Record
}

// gathered is a copied record.
type gathered struct {
	line []byte
	meta labels.Labels
	ts   int64
}

// BUG: when more than this many bytes of one stream at one instant lie in
// several sources, equal records further apart than that are answered twice.
const maxGathered = 64 << 20

func newStreamIter(q *query, ss *streamSelection, sources []source) *streamIter {
	it := &streamIter{q: q, ss: ss, unopened: slices.Clone(sources)}
	slices.SortStableFunc(it.unopened, func(a, b source) int {
		// The one to open first comes last.
		if d := it.order(q.bound(b), b.order, q.bound(a), a.order); d != 0 {
			return d
		}
		return 0
	})
	it.rec.Stream = ss.labels
	return it
}

// bound is the first instant, in the query's direction, that a source may have.
func (q *query) bound(s source) int64 {
	if q.sel.Backward {
		return s.maxT
	}
	return s.minT
}

// order compares two positions in the query's direction.
func (it *streamIter) order(at int64, ao int, bt int64, bo int) int {
	c := 0
	switch {
	case at < bt, at == bt && ao < bo:
		c = -1
	case at > bt, ao > bo:
		c = 1
	}
	if it.q.sel.Backward {
		return -c
	}
	return c
}

// peek returns the instant of the next record, or a bound on it that needed no
// decoding; exact tells which. more is false at the end.
func (it *streamIter) peek() (ts int64, exact, more bool) {
	if it.at < len(it.group) {
		return it.group[it.at].ts, true, true
	}
	if c := it.first(); c != nil {
		ts, exact, more = c.ts, true, true
	}
	if n := len(it.unopened); n > 0 {
		b := it.q.bound(it.unopened[n-1])
		// At an equal instant the source must be opened first.
		if !more || it.order(b, 0, ts, 0) <= 0 {
			return b, false, true
		}
	}
	return ts, exact, more
}

// first is the open cursor whose record comes first.
func (it *streamIter) first() *cursor {
	var best *cursor
	for _, c := range it.open {
		if best == nil || it.order(c.ts, c.src.order, best.ts, best.src.order) < 0 {
			best = c
		}
	}
	return best
}

// settle opens sources until peek is exact.
func (it *streamIter) settle() error {
	for {
		_, exact, more := it.peek()
		if exact || !more {
			return nil
		}
		if err := it.q.ctx.Err(); err != nil {
			return err
		}
		n := len(it.unopened) - 1
		src := it.unopened[n]
		it.unopened = it.unopened[:n]
		c, ok, err := it.q.open(src, it.ss)
		if err != nil {
			return err
		}
		if ok {
			it.open = append(it.open, c)
		}
	}
}

// step makes the next record the current one. The one before is gone.
func (it *streamIter) step() (bool, error) {
	it.leave()
	if it.at < len(it.group) {
		it.standing = true
		return true, nil
	}
	it.group, it.at = it.group[:0], 0
	if err := it.settle(); err != nil {
		return false, err
	}
	c := it.first()
	if c == nil {
		return false, nil
	}
	it.standing = true
	if len(it.open) > 1 {
		for _, other := range it.open {
			if other != c && other.ts == c.ts {
				it.gather(c.ts)
				return true, nil
			}
		}
	}
	it.current = c
	return true, nil
}

// leave passes over the current record, so that peek speaks of the next.
func (it *streamIter) leave() {
	if !it.standing {
		return
	}
	it.standing = false
	if it.current != nil {
		it.advance(it.current)
		it.current = nil
		return
	}
	it.at++
}

func (it *streamIter) advance(c *cursor) {
	if !c.next() {
		c.close()
		it.open = slices.DeleteFunc(it.open, func(o *cursor) bool { return o == c })
	}
}

// gather takes all records of an instant out of the open cursors.
func (it *streamIter) gather(ts int64) {
	var r Record
	size := 0
	for c := it.first(); c != nil && c.ts == ts && size < maxGathered; c = it.first() {
		c.fill(&r)
		it.group = append(it.group, gathered{bytes.Clone(r.Line), r.Metadata.Copy(), ts})
		size += len(r.Line)
		it.advance(c)
	}
	if it.q.sel.Backward {
		slices.Reverse(it.group)
	}
	seen := make(map[uint64][]gathered, len(it.group))
	it.group = slices.DeleteFunc(it.group, func(g gathered) bool {
		h := xxhash.Sum64(g.line)
		for _, o := range seen[h] {
			if bytes.Equal(o.line, g.line) && labels.Equal(o.meta, g.meta) {
				return true
			}
		}
		seen[h] = append(seen[h], g)
		return false
	})
	if it.q.sel.Backward {
		slices.Reverse(it.group)
	}
}

// record is the current record, valid until the next step.
func (it *streamIter) record() *Record {
	if it.current != nil {
		it.current.fill(&it.rec)
	} else {
		g := it.group[it.at]
		it.rec.Timestamp, it.rec.Line, it.rec.Metadata = g.ts, g.line, g.meta
	}
	return &it.rec
}

func (it *streamIter) close() {
	for _, c := range it.open {
		c.close()
	}
	it.open, it.unopened, it.current, it.group = nil, nil, nil, nil
}
