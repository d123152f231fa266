package logstore

import (
	"container/heap"
	"context"
)

// Iterate walks the selected records in the order of time over all streams;
// at one instant, streams in the order of their labels. It decodes a block when
// its turn comes and no earlier, so a query that stops after a hundred records
// pays for these. When the selection asks for texts or values, so that many
// blocks may hold none, blocks after the first few are read ahead. The caller
// must call Close.
func (s *Store) Iterate(ctx context.Context, sel Selection) Iterator {
	q := s.newQuery(ctx, sel)
	it := &mergeIter{}
	var jobs []*job
	if len(q.needles) > 0 || len(sel.Having) > 0 {
		order := make(map[*streamSelection]int, len(q.streams))
		for i, ss := range q.streams {
			order[ss] = i
			jobs = append(jobs, jobsOf(ss, ss.sources)...)
		}
		q.mergeOrder(jobs, order)
		q.ahead = q.lookAhead(jobs)
	}
	for i, ss := range q.streams {
		si := newStreamIter(q, ss, ss.sources)
		if ts, _, more := si.peek(); more {
			it.streams = append(it.streams, mergeItem{si, i, ts})
		}
	}
	it.q = q
	heap.Init(it)
	return it
}

// alone is how many times a walk reads by itself before others read ahead.
const alone = 3

// mergeIter is a heap of the streams by their next instant, which may be a
// bound until the stream comes to the top.
type mergeIter struct {
	q       *query
	streams []mergeItem
	started bool // the top stream stands on the current record
	opened  int
	rec     *Record
	err     error
}

type mergeItem struct {
	it    *streamIter
	order int
	ts    int64
}

func (m *mergeIter) Len() int      { return len(m.streams) }
func (m *mergeIter) Swap(i, j int) { m.streams[i], m.streams[j] = m.streams[j], m.streams[i] }
func (m *mergeIter) Push(x any)    { m.streams = append(m.streams, x.(mergeItem)) }
func (m *mergeIter) Pop() any {
	n := len(m.streams) - 1
	x := m.streams[n]
	m.streams = m.streams[:n]
	return x
}

func (m *mergeIter) Less(i, j int) bool {
	a, b := &m.streams[i], &m.streams[j]
	if m.q.sel.Backward {
		a, b = b, a
	}
	return a.ts < b.ts || a.ts == b.ts && a.order < b.order
}

// Next moves to the next record.
func (m *mergeIter) Next() bool {
	m.rec = nil
	if m.err != nil {
		return false
	}
	if m.err = m.q.ctx.Err(); m.err != nil {
		return false
	}
	if m.started {
		m.started = false
		top := m.streams[0].it
		top.leave()
		m.fix(top)
	}
	for len(m.streams) > 0 {
		top := m.streams[0].it
		if _, exact, _ := top.peek(); !exact {
			if m.opened++; m.opened == alone && m.q.ahead != nil {
				m.q.ahead.start()
			}
			if m.err = top.settle(); m.err != nil {
				return false
			}
			m.fix(top)
			continue
		}
		if _, m.err = top.step(); m.err != nil {
			return false
		}
		m.started = true
		m.rec = top.record()
		return true
	}
	return false
}

// fix puts the top stream in its place after its next instant has changed.
func (m *mergeIter) fix(top *streamIter) {
	ts, _, more := top.peek()
	if !more {
		top.close()
		heap.Pop(m)
		return
	}
	m.streams[0].ts = ts
	heap.Fix(m, 0)
}

// At is the current record.
func (m *mergeIter) At() *Record { return m.rec }

// Err is what ended the walk early.
func (m *mergeIter) Err() error { return m.err }

// Close releases what the walk holds.
func (m *mergeIter) Close() error {
	for _, s := range m.streams {
		s.it.close()
	}
	m.streams = nil
	m.q.end()
	return nil
}
