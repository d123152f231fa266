package logstore

import "context"

// Scan visits the selected records stream by stream, each stream in the order
// of time, whatever Selection.Backward says. It is the fastest way to see
// them all: no merge between streams, each block decoded once into buffers that
// are used again. Blocks are read ahead on Options.Workers processors; visit is
// called by the caller's goroutine alone. It stops at the first error of visit
// and returns it.
func (s *Store) Scan(ctx context.Context, sel Selection, visit func(*Record) error) error {
	sel.Backward = false
	q := s.newQuery(ctx, sel)
	defer q.end()
	parts := q.parts()
	var jobs []*job
	for _, p := range parts {
		jobs = append(jobs, jobsOf(p.ss, p.sources)...)
	}
	if q.ahead = q.lookAhead(jobs); q.ahead != nil {
		q.ahead.start()
	}
	for _, p := range parts {
		if err := q.visit(p, visit); err != nil {
			return err
		}
	}
	return nil
}

// scanOne visits a source that shares no instant with another.
func (q *query) scanOne(ss *streamSelection, src source, visit func(*Record) error) error {
	if err := q.ctx.Err(); err != nil {
		return err
	}
	c, ok, err := q.open(src, ss)
	if !ok || err != nil {
		return err
	}
	defer c.close()
	r := Record{Stream: ss.labels}
	for ok := true; ok; ok = c.next() {
		c.fill(&r)
		if err := visit(&r); err != nil {
			return err
		}
	}
	return nil
}

func (q *query) scanOverlapping(ss *streamSelection, src []source, visit func(*Record) error) error {
	it := newStreamIter(q, ss, src)
	defer it.close()
	for {
		ok, err := it.step()
		if !ok || err != nil {
			return err
		}
		if err := visit(it.record()); err != nil {
			return err
		}
	}
}
