package logql

import (
	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql/pipeline"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// column is a series with one value a step; absent marks steps without one.
type column struct {
	metric labels.Labels
	values []float64
}

// rangeAggregation computes a range aggregation at every step. by, if not nil,
// is a sum around it: counts can be added up while reading, which saves a series
// for every set of labels in the logs.
func (q *query) rangeAggregation(e *syntax.RangeAggregation, by *syntax.Grouping, st steps) ([]column, error) {
	keep := by
	if keep == nil {
		keep = e.Grouping
	}
	o := pipeline.Options{Now: q.opts.Now, AllLabels: keep == nil || keep.Without}
	if keep != nil {
		o.Wanted = keep.Labels
	}
	if e.Op == syntax.OpAbsentOverTime {
		keep, o.AllLabels = &syntax.Grouping{}, false
	}
	pipe, err := pipeline.New(e.Log.Stages, o)
	if err != nil {
		return nil, &EvalError{err}
	}
	w := newWindows(st, e.Range, e.Offset)
	a := &aggregator{
		q: q, e: e, pipe: pipe, windows: w,
		group:     newGrouper(pipe, keep, by == nil),
		unwrapped: e.Unwrap() != nil,
		bytes:     e.Op == syntax.OpBytesOverTime || e.Op == syntax.OpBytesRate,
	}
	from, to := w.bounds()
	sel := logstore.Selection{Matchers: e.Log.Matchers, From: from, To: to, Contains: pipe.Contains(), Having: pipe.Having(), Stats: &q.scanned}
	if err := q.src.Scan(q.ctx, sel, a.visit); err != nil {
		return nil, err
	}
	return a.columns()
}

// aggregator takes entries in and keeps what the aggregation needs of them.
type aggregator struct {
	q         *query
	e         *syntax.RangeAggregation
	pipe      *pipeline.Pipeline
	windows   *windows
	group     *grouper
	series    []series
	unwrapped bool
	bytes     bool
}

// series holds either differences between steps, so that an entry costs two
// additions however many windows it lies in, or, when values are not whole
// numbers, the samples themselves.
type series struct {
	metric  labels.Labels
	counts  []int64
	bytes   []int64
	samples []sample
}

type sample struct {
	ts int64
	v  float64
}

func (a *aggregator) visit(r *logstore.Record) error {
	if err := a.q.read(r.Line); err != nil {
		return err
	}
	line, keep := a.pipe.Process(r)
	if !keep {
		return nil
	}
	a.q.stats.Kept++
	i, err := a.group.of(r)
	if err != nil {
		return err
	}
	if i == len(a.series) {
		if err := a.addSeries(); err != nil {
			return err
		}
	}
	s := &a.series[i]
	if a.unwrapped {
		s.samples = append(s.samples, sample{r.Timestamp, a.pipe.Value()})
		return a.q.hold(16)
	}
	first, last := a.windows.of(r.Timestamp)
	if first > last {
		return nil
	}
	s.counts[first]++
	s.counts[last+1]--
	if a.bytes {
		s.bytes[first] += int64(len(line))
		s.bytes[last+1] -= int64(len(line))
	}
	return nil
}

func (a *aggregator) addSeries() error {
	s := series{metric: a.group.metric()}
	size := 128 + s.metric.ByteSize()
	n := uint64(a.windows.n + 1)
	if !a.unwrapped {
		s.counts = make([]int64, n)
		size += 8 * n
	}
	if a.bytes {
		s.bytes = make([]int64, n)
		size += 8 * n
	}
	a.series = append(a.series, s)
	return a.q.hold(int(size))
}
