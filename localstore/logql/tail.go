package logql

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql/pipeline"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

const (
	// tailLate is how much later than its own time an entry may arrive and still
	// be followed.
	tailLate = 10 * time.Second
	// tailAhead is how far senders' clocks may be ahead.
	tailAhead = time.Minute
	// maxTailed bounds the entries that one look may give.
	maxTailed = 1000
	// maxTailSeen bounds what is remembered as given already.
	maxTailSeen = 100_000
)

// Tail follows a log query: every look gives what has arrived since the last
// one. It looks into the store again and again, a little into the past each
// time since entries arrive late, and leaves out what it has given before.
//
// It promises bounded memory: entries beyond what one look may give are not
// kept for later but named as dropped, the oldest first. One goroutine uses it.
type Tail struct {
	e      *Engine
	expr   *syntax.LogExpr
	params Params
	pipe   *pipeline.Pipeline
	from   time.Time
	seed   maphash.Seed
	seen   map[uint64]int64 // entries given, by their hash, with their times
	buf    []byte
}

// Dropped names an entry that a tail left out.
type Dropped struct {
	Timestamp int64
	Labels    labels.Labels
}

// Tail begins to follow entries that are not older than p.Start.
func (e *Engine) Tail(expr *syntax.LogExpr, p Params) (*Tail, error) {
	pipe, err := pipeline.New(expr.Stages, pipeline.Options{AllLabels: true, Now: e.opts.Now})
	if err != nil {
		return nil, &EvalError{err}
	}
	return &Tail{e: e, expr: expr, params: p, pipe: pipe, from: p.Start, seed: maphash.MakeSeed(), seen: map[uint64]int64{}}, nil
}

// Next looks once. The streams are those of a query forward.
func (t *Tail) Next(ctx context.Context) (Streams, []Dropped, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.e.opts.Timeout, ErrTimeout)
	defer cancel()
	now := t.e.opts.Now()
	q := t.e.newQuery(ctx, t.params)
	g := gathered{q: q, byKey: map[string]int{}}
	var dropped []Dropped
	it := t.e.src.Iterate(ctx, logstore.Selection{
		Matchers: t.expr.Matchers, From: t.from.UnixNano(), To: now.Add(tailAhead).UnixNano(),
		Backward: true, // so that what is too much is the oldest
		Contains: t.pipe.Contains(), Having: t.pipe.Having(), Admit: q.admit,
	})
	for it.Next() {
		r := it.At()
		if err := q.read(r.Line); err != nil {
			_ = it.Close()
			return nil, nil, err
		}
		line, keep := t.pipe.Process(r)
		if !keep || !t.fresh(r) {
			continue
		}
		if g.count >= maxTailed {
			if len(dropped) < maxTailed {
				dropped = append(dropped, Dropped{r.Timestamp, pipeline.Labels(t.pipe.Set().Sorted())})
			}
			continue
		}
		if err := g.add(r.Timestamp, line, t.pipe.Set()); err != nil {
			_ = it.Close()
			return nil, nil, err
		}
	}
	err := it.Err()
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, nil, err
	}
	t.forget(now.Add(-tailLate))
	out := g.streams()
	for i := range out {
		slices.Reverse(out[i].Entries)
	}
	return out, dropped, nil
}

// fresh says whether an entry is seen for the first time.
func (t *Tail) fresh(r *logstore.Record) bool {
	t.buf = r.Stream.Bytes(t.buf[:0])
	t.buf = binary.LittleEndian.AppendUint64(t.buf, uint64(r.Timestamp))
	t.buf = append(t.buf, r.Line...)
	h := maphash.Bytes(t.seed, t.buf)
	if _, ok := t.seen[h]; ok {
		return false
	}
	if len(t.seen) < maxTailSeen {
		t.seen[h] = r.Timestamp
	}
	return true
}

// forget moves on: nothing before from is looked at again.
func (t *Tail) forget(from time.Time) {
	if len(t.seen) >= maxTailSeen {
		from = t.e.opts.Now() // too much to remember: better to miss than to repeat
	}
	if from.Before(t.from) {
		return
	}
	t.from = from
	for h, ts := range t.seen {
		if ts < from.UnixNano() {
			delete(t.seen, h)
		}
	}
}
