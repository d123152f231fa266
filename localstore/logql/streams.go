package logql

import (
	"math"
	"sort"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql/pipeline"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

const defaultLimit = 100

// streams answers a log query: start is inclusive, end is not.
func (q *query) streams(expr *syntax.LogExpr) (Value, error) {
	p := q.params
	if p.Instant {
		return nil, ErrInstantLog
	}
	limit := p.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	if limit < 0 || limit > q.opts.MaxEntries {
		return nil, entriesLimit(limit, q.opts.MaxEntries)
	}
	pipe, err := pipeline.New(expr.Stages, pipeline.Options{AllLabels: true, Now: q.opts.Now})
	if err != nil {
		return nil, &EvalError{err}
	}
	g := gathered{q: q, byKey: map[string]int{}}
	it := q.src.Iterate(q.ctx, logstore.Selection{
		Matchers: expr.Matchers,
		From:     p.Start.UnixNano(),
		To:       p.End.UnixNano(),
		Backward: p.Direction == Backward,
		Contains: pipe.Contains(),
		Having:   pipe.Having(),
		Admit:    q.admit,
		Stats:    &q.scanned,
	})
	next := int64(math.MinInt64)
	if p.Direction == Backward {
		next = math.MaxInt64
	}
	for g.count < limit && it.Next() {
		r := it.At()
		if err := q.read(r.Line); err != nil {
			_ = it.Close()
			return nil, err
		}
		if p.Interval > 0 && (p.Direction == Backward && r.Timestamp > next || p.Direction == Forward && r.Timestamp < next) {
			continue
		}
		line, keep := pipe.Process(r)
		if !keep {
			continue
		}
		next = r.Timestamp + int64(p.Interval)
		if p.Direction == Backward {
			next = r.Timestamp - int64(p.Interval)
		}
		if err := g.add(r.Timestamp, line, pipe.Set()); err != nil {
			_ = it.Close()
			return nil, err
		}
	}
	err = it.Err()
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	q.stats.Kept, q.stats.Returned = int64(g.count), int64(g.count)
	return g.streams(), nil
}

// gathered groups entries by their labels.
type gathered struct {
	q     *query
	byKey map[string]int
	found []Stream
	count int
	key   []byte
	part  [3][]pipeline.Label
}

func (g *gathered) add(ts int64, line []byte, set *pipeline.Set) error {
	all := set.Sorted()
	e := Entry{Timestamp: ts, Line: string(line)}
	identity := all
	if g.q.params.Categorize {
		for i := range g.part {
			g.part[i] = g.part[i][:0]
		}
		for _, l := range all {
			g.part[l.Category] = append(g.part[l.Category], l)
		}
		identity = g.part[pipeline.Stream]
		e.Metadata = pipeline.Labels(g.part[pipeline.Metadata])
		e.Parsed = pipeline.Labels(g.part[pipeline.Parsed])
	}
	g.key = appendKey(g.key[:0], identity)
	i, ok := g.byKey[string(g.key)]
	if !ok {
		i = len(g.found)
		g.byKey[string(g.key)] = i
		g.found = append(g.found, Stream{Labels: pipeline.Labels(identity)})
	}
	g.found[i].Entries = append(g.found[i].Entries, e)
	g.count++
	return g.q.hold(len(line) + 2*len(g.key) + 64)
}

// appendKey writes labels so that different sets give different bytes.
func appendKey(b []byte, ls []pipeline.Label) []byte {
	for _, l := range ls {
		b = append(b, l.Name...)
		b = append(b, 0xff)
		b = append(b, l.Value...)
		b = append(b, 0xfe)
	}
	return b
}

func (g *gathered) streams() Streams {
	names := make([]string, len(g.found))
	order := make([]int, len(g.found))
	for i := range g.found {
		names[i], order[i] = g.found[i].Labels.String(), i
	}
	sort.Slice(order, func(a, b int) bool { return names[order[a]] < names[order[b]] })
	out := make(Streams, len(order))
	for i, from := range order {
		out[i] = g.found[from]
	}
	return out
}

// emptyLabels is the label set of a vector without labels.
var emptyLabels = labels.EmptyLabels()
