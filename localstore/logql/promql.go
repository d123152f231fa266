package logql

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// The PromQL engine runs in a time of its own: step i is at i+1 milliseconds.
// Its timestamps are milliseconds and those of log queries nanoseconds, and
// nothing that LogQL offers can read the clock. A look-back of one millisecond
// makes a step see its own value and no earlier one.
const lookback = time.Millisecond

// virtualTime is a step's time. Having a name of its own it also tells vet that
// Seek below is not io.Seeker's.
type virtualTime = int64

func virtual(i int) time.Time { return time.UnixMilli(int64(i) + 1) }

func newVectorEngine(o Options) *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		MaxSamples:    int(o.MaxMemory / 16),
		Timeout:       o.Timeout,
		LookbackDelta: lookback,
	})
}

func errUnknown(e syntax.Expr) error { return fmt.Errorf("cannot evaluate %T", e) }

func errNotVector(v float64) error {
	return fmt.Errorf("unexpected literal %v, expecting a vector", v)
}

// run evaluates PromQL over the leaves. An instant query keeps the order of the
// elements, which sort gives.
func (tr *translation) run(text string, ordered bool) ([]column, error) {
	opts := promql.NewPrometheusQueryOpts(false, lookback)
	var pq promql.Query
	var err error
	if tr.steps.n == 1 && ordered {
		pq, err = tr.q.prom.NewInstantQuery(tr.q.ctx, tr, opts, text, virtual(0))
	} else {
		pq, err = tr.q.prom.NewRangeQuery(tr.q.ctx, tr, opts, text, virtual(0), virtual(tr.steps.n-1), time.Millisecond)
	}
	if err != nil {
		return nil, &EvalError{err}
	}
	defer pq.Close()
	res := pq.Exec(tr.q.ctx)
	if res.Err != nil {
		return nil, tr.promError(res.Err)
	}
	return tr.columns(res)
}

func (tr *translation) promError(err error) error {
	var tooMany promql.ErrTooManySamples
	var timeout promql.ErrQueryTimeout
	switch {
	case errors.As(err, &tooMany):
		return memoryLimit(tr.q.opts.MaxMemory)
	case errors.As(err, &timeout):
		return ErrTimeout
	case tr.q.ctx.Err() != nil:
		return tr.q.ctx.Err()
	}
	return &EvalError{err}
}

func (tr *translation) columns(res *promql.Result) ([]column, error) {
	switch v := res.Value.(type) {
	case promql.Vector:
		out := make([]column, len(v))
		for i, s := range v {
			out[i] = column{metric: s.Metric, values: []float64{s.F}}
		}
		return out, nil
	case promql.Matrix:
		out := make([]column, len(v))
		for i, s := range v {
			if err := tr.q.hold(8 * tr.steps.n); err != nil {
				return nil, err
			}
			c := column{metric: s.Metric.Copy(), values: make([]float64, tr.steps.n)}
			for k := range c.values {
				c.values[k] = absent
			}
			for _, p := range s.Floats {
				c.values[p.T-1] = p.F
			}
			out[i] = c
		}
		return out, nil
	}
	return nil, &EvalError{fmt.Errorf("unexpected result of type %s", res.Value.Type())}
}

// Querier serves the leaves; the translation is a [storage.Queryable].
func (tr *translation) Querier(_, _ int64) (storage.Querier, error) { return leafQuerier{tr}, nil }

type leafQuerier struct{ tr *translation }

func (q leafQuerier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	for _, m := range matchers {
		if m.Name != leafLabel {
			continue
		}
		if i, err := strconv.Atoi(m.Value); err == nil && i < len(q.tr.leaves) {
			return &leafSet{cols: q.tr.leaves[i], at: -1}
		}
	}
	return storage.ErrSeriesSet(errors.New("no such leaf"))
}

func (leafQuerier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (leafQuerier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (leafQuerier) Close() error { return nil }

type leafSet struct {
	cols []column
	at   int
}

func (s *leafSet) Next() bool                        { s.at++; return s.at < len(s.cols) }
func (s *leafSet) At() storage.Series                { return &s.cols[s.at] }
func (s *leafSet) Err() error                        { return nil }
func (s *leafSet) Warnings() annotations.Annotations { return nil }

// Labels and Iterator make a column a [storage.Series].
func (c *column) Labels() labels.Labels { return c.metric }

func (c *column) Iterator(chunkenc.Iterator) chunkenc.Iterator {
	return &columnIterator{values: c.values, at: -1}
}

// columnIterator steps over the values that are there.
type columnIterator struct {
	values []float64
	at     int
}

func (it *columnIterator) Next() chunkenc.ValueType {
	for it.at++; it.at < len(it.values); it.at++ {
		if !isAbsent(it.values[it.at]) {
			return chunkenc.ValFloat
		}
	}
	return chunkenc.ValNone
}

func (it *columnIterator) Seek(t virtualTime) chunkenc.ValueType {
	if it.at >= 0 && it.at < len(it.values) && int64(it.at)+1 >= t {
		return chunkenc.ValFloat
	}
	it.at = max(it.at, int(t)-2)
	return it.Next()
}

func (it *columnIterator) At() (int64, float64) { return it.AtT(), it.values[it.at] }
func (it *columnIterator) AtT() int64           { return int64(it.at) + 1 }
func (it *columnIterator) AtST() int64          { return 0 }
func (it *columnIterator) Err() error           { return nil }

func (it *columnIterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) {
	return it.AtT(), nil
}

func (it *columnIterator) AtFloatHistogram(*histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	return it.AtT(), nil
}
