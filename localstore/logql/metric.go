package logql

import (
	"sort"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// metric answers a metric query: range aggregations are computed first, the rest
// is translated for the PromQL engine.
func (q *query) metric(e syntax.Metric) (Value, error) {
	st, err := q.steps()
	if err != nil {
		return nil, err
	}
	if v, ok := fold(e); ok {
		return q.number(v, st), nil
	}
	tr := &translation{q: q, steps: st, known: map[string]int{}}
	text, err := tr.expr(e)
	if err != nil {
		return nil, err
	}
	cols, err := tr.run(text, sorted(e))
	if err != nil {
		return nil, err
	}
	if len(cols) > q.opts.MaxSeries {
		return nil, seriesLimit(q.opts.MaxSeries)
	}
	if q.params.Instant {
		return q.vector(cols, st, sorted(e)), nil
	}
	return q.matrix(cols, st), nil
}

// number answers a query without any vector.
func (q *query) number(v float64, st steps) Value {
	if q.params.Instant {
		return Scalar{T: st.millis(0), V: v}
	}
	values := make([]float64, st.n)
	for i := range values {
		values[i] = v
	}
	return q.matrix([]column{{metric: emptyLabels, values: values}}, st)
}

func (q *query) vector(cols []column, st steps, ordered bool) Vector {
	out := make(Vector, 0, len(cols))
	for _, c := range cols {
		if !isAbsent(c.values[0]) {
			out = append(out, Sample{Metric: c.metric, Point: Point{T: st.millis(0), V: c.values[0]}})
		}
	}
	if !ordered {
		sort.SliceStable(out, func(i, j int) bool { return labels.Compare(out[i].Metric, out[j].Metric) < 0 })
	}
	q.stats.Returned = int64(len(out))
	return out
}

func (q *query) matrix(cols []column, st steps) Matrix {
	out := make(Matrix, 0, len(cols))
	for _, c := range cols {
		s := Series{Metric: c.metric}
		for i, v := range c.values {
			if !isAbsent(v) {
				s.Points = append(s.Points, Point{T: st.millis(i), V: v})
			}
		}
		if len(s.Points) > 0 {
			out = append(out, s)
			q.stats.Returned += int64(len(s.Points))
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return labels.Compare(out[i].Metric, out[j].Metric) < 0 })
	return out
}

// sorted says whether the order of an instant answer is the query's business.
func sorted(e syntax.Metric) bool {
	a, ok := e.(*syntax.VectorAggregation)
	return ok && (a.Op == syntax.OpSort || a.Op == syntax.OpSortDesc)
}

// fold is the value of a literal; the parser leaves no other numbers.
func fold(e syntax.Metric) (float64, bool) {
	l, ok := e.(*syntax.Literal)
	if !ok {
		return 0, false
	}
	return l.Value, true
}

// promNumber writes a number so that PromQL reads it as an operand.
func promNumber(v float64) string {
	return "(" + strconv.FormatFloat(v, 'g', -1, 64) + ")"
}
