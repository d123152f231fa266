package logql

import (
	"sync"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql/pipeline"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// aggregator keeps what a range aggregation needs of the entries. Several readers
// fill it at one time.
type aggregator struct {
	q         *query
	e         *syntax.RangeAggregation
	keep      *syntax.Grouping
	summed    bool // keep is that of a sum around the aggregation
	windows   *windows
	unwrapped bool
	bytes     bool

	mu     sync.Mutex
	index  map[string]*series // by their labels, as a grouper writes them
	series []*series
}

// series holds either differences between steps, so that an entry costs two
// additions however many windows it lies in, or, when values are not whole
// numbers, the samples themselves.
type series struct {
	metric  labels.Labels
	counts  []int64 // atomic while there are readers
	bytes   []int64 // so are these
	samples []sample
}

// sample is a value at a time. Those of one time and part of the logs stand in the
// logs' order.
type sample struct {
	ts   int64
	v    float64
	part int
}

const sampleBytes = 24

func newAggregator(q *query, e *syntax.RangeAggregation, by *syntax.Grouping, st steps) *aggregator {
	keep := by
	if keep == nil {
		keep = e.Grouping
	}
	if e.Op == syntax.OpAbsentOverTime {
		keep = &syntax.Grouping{}
	}
	return &aggregator{
		q: q, e: e, keep: keep, summed: by != nil,
		windows:   newWindows(st, e.Range, e.Offset),
		unwrapped: e.Unwrap() != nil,
		bytes:     e.Op == syntax.OpBytesOverTime || e.Op == syntax.OpBytesRate,
		index:     map[string]*series{},
	}
}

func (a *aggregator) pipeline() (*pipeline.Pipeline, error) {
	o := pipeline.Options{Now: a.q.opts.Now, AllLabels: a.keep == nil || a.keep.Without}
	if a.keep != nil {
		o.Wanted = a.keep.Labels
	}
	pipe, err := pipeline.New(a.e.Log.Stages, o)
	if err != nil {
		return nil, &EvalError{err}
	}
	return pipe, nil
}

// get finds a series or adds it.
func (a *aggregator) get(key string, metric func() labels.Labels) (*series, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.index[key]; s != nil {
		return s, nil
	}
	s := &series{metric: metric()}
	size := 256 + uint64(len(key)) + s.metric.ByteSize()
	n := uint64(a.windows.n + 1)
	if !a.unwrapped {
		s.counts = make([]int64, n)
		size += 8 * n
	}
	if a.bytes {
		s.bytes = make([]int64, n)
		size += 8 * n
	}
	a.index[key] = s
	a.series = append(a.series, s)
	return s, a.q.hold(int(size))
}
