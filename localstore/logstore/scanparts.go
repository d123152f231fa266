package logstore

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
)

// ScanParts is Scan on as many goroutines as there are functions, the caller's
// among them. The selected records are visited in parts: whole blocks, or blocks
// that overlap in time, of one stream. Parts are numbered in the order in which
// Scan comes to them. One function visits a part from its beginning to its end,
// is never called twice at one time, and gets its parts in increasing order; so
// who notes the number of the part can put everything into Scan's order.
//
// It returns the error of the lowest part that has one: all parts before that
// have been visited to their ends, as Scan would have done.
func (s *Store) ScanParts(ctx context.Context, sel Selection, visit ...func(part int, r *Record) error) error {
	sel.Backward = false
	q := s.newQuery(ctx, sel)
	defer q.end()
	w := &partWalk{parts: q.parts()}
	w.lowest = len(w.parts)
	var others sync.WaitGroup
	for i := 1; i < min(len(visit), len(w.parts)); i++ {
		others.Go(func() { w.work(q, visit[i]) })
	}
	w.work(q, visit[0])
	others.Wait()
	if p, ok := w.err.(*visitPanic); ok {
		panic(p) // on the caller's goroutine, as if it had visited alone
	}
	return w.err
}

// part is sources of one stream that share instants, or a single one.
type part struct {
	ss      *streamSelection
	sources []source
}

// parts sorts all that is selected, stream by stream.
func (q *query) parts() []part {
	var out []part
	for _, ss := range q.streams {
		slices.SortStableFunc(ss.sources, func(a, b source) int { return cmp.Compare(a.minT, b.minT) })
		for src := ss.sources; len(src) > 0; {
			n, maxT := 1, src[0].maxT
			for n < len(src) && src[n].minT <= maxT {
				maxT = max(maxT, src[n].maxT)
				n++
			}
			out = append(out, part{ss, src[:n]})
			src = src[n:]
		}
	}
	return out
}

// visit walks a part in the order of time.
func (q *query) visit(p part, visit func(*Record) error) error {
	if len(p.sources) == 1 {
		return q.scanOne(p.ss, p.sources[0], visit)
	}
	return q.scanOverlapping(p.ss, p.sources, visit)
}

// partWalk deals out parts, the lowest first, until there are no more or one
// has failed.
type partWalk struct {
	parts []part

	mu     sync.Mutex
	next   int
	lowest int // part that failed
	err    error
}

func (w *partWalk) work(q *query, visit func(part int, r *Record) error) {
	for {
		w.mu.Lock()
		n := w.next
		w.next++
		w.mu.Unlock()
		if n >= len(w.parts) {
			return
		}
		if err := w.one(q, n, visit); err != nil {
			w.fail(n, err)
			return
		}
	}
}

func (w *partWalk) one(q *query, n int, visit func(part int, r *Record) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &visitPanic{p, debug.Stack()}
		}
	}()
	return q.visit(w.parts[n], func(r *Record) error { return visit(n, r) })
}

func (w *partWalk) fail(n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = len(w.parts)
	if n < w.lowest {
		w.lowest, w.err = n, err
	}
}

// visitPanic carries a panic to the caller's goroutine.
type visitPanic struct {
	value any
	stack []byte
}

func (p *visitPanic) Error() string { return fmt.Sprintf("%v\n%s", p.value, p.stack) }
