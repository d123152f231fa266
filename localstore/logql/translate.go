package logql

import (
	"math"
	"strconv"
	"strings"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// leafLabel names the pseudo-metrics that the PromQL engine selects.
const leafLabel = "__leaf__"

// translation writes a metric query as PromQL over leaves: columns that are
// computed beforehand.
type translation struct {
	q      *query
	steps  steps
	leaves [][]column
	known  map[string]int // what a leaf was computed from → its number
}

func (tr *translation) leaf(cols []column) string {
	tr.leaves = append(tr.leaves, cols)
	return leafName(len(tr.leaves) - 1)
}

func leafName(i int) string { return "{" + leafLabel + `="` + strconv.Itoa(i) + `"}` }

// additive are the aggregations whose sum over series is the aggregation over
// the series' entries together.
var additive = map[syntax.RangeOp]bool{
	syntax.OpCountOverTime: true, syntax.OpRate: true,
	syntax.OpBytesOverTime: true, syntax.OpBytesRate: true,
	syntax.OpSumOverTime: true,
}

func (tr *translation) rangeLeaf(e *syntax.RangeAggregation, by *syntax.Grouping) (string, error) {
	key := e.String()
	if by != nil {
		key += "\x00" + by.String()
	}
	if i, ok := tr.known[key]; ok {
		return leafName(i), nil
	}
	cols, err := tr.q.rangeAggregation(e, by, tr.steps)
	if err != nil {
		return "", err
	}
	tr.known[key] = len(tr.leaves)
	return tr.leaf(cols), nil
}

func (tr *translation) expr(e syntax.Metric) (string, error) {
	if v, ok := fold(e); ok {
		return promNumber(v), nil
	}
	switch e := e.(type) {
	case *syntax.RangeAggregation:
		return tr.rangeLeaf(e, nil)
	case *syntax.Vector:
		return "vector(" + promNumber(e.Value) + ")", nil
	case *syntax.LabelReplace:
		inner, err := tr.expr(e.Expr)
		if err != nil {
			return "", err
		}
		args := []string{inner, strconv.Quote(e.Dst), strconv.Quote(e.Replacement), strconv.Quote(e.Src), strconv.Quote(e.Regex)}
		return "label_replace(" + strings.Join(args, ",") + ")", nil
	case *syntax.VectorAggregation:
		return tr.aggregation(e)
	case *syntax.Binary:
		return tr.binary(e)
	}
	return "", &EvalError{errUnknown(e)}
}

func (tr *translation) aggregation(e *syntax.VectorAggregation) (string, error) {
	if v, ok := fold(e.Expr); ok {
		return "", &EvalError{errNotVector(v)}
	}
	var inner string
	var err error
	if r, ok := e.Expr.(*syntax.RangeAggregation); ok && e.Op == syntax.OpSum && additive[r.Op] {
		by := e.Grouping
		if by == nil {
			by = &syntax.Grouping{}
		}
		inner, err = tr.rangeLeaf(r, by)
	} else {
		inner, err = tr.expr(e.Expr)
	}
	if err != nil {
		return "", err
	}
	switch e.Op {
	case syntax.OpSort, syntax.OpSortDesc:
		return string(e.Op) + "(" + inner + ")", nil
	case syntax.OpTopK, syntax.OpApproxTopK:
		return "topk" + promGrouping(e.Grouping) + "(" + strconv.Itoa(e.Param) + "," + inner + ")", nil
	case syntax.OpBottomK:
		return "bottomk" + promGrouping(e.Grouping) + "(" + strconv.Itoa(e.Param) + "," + inner + ")", nil
	}
	return string(e.Op) + promGrouping(e.Grouping) + "(" + inner + ")", nil
}

func promGrouping(g *syntax.Grouping) string {
	switch {
	case g == nil:
		return ""
	case g.Without:
		return " without " + promLabels(g.Labels)
	}
	return " by " + promLabels(g.Labels)
}

// promLabels quotes the names: some are keywords of PromQL.
func promLabels(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return "(" + strings.Join(quoted, ",") + ")"
}

func (tr *translation) binary(e *syntax.Binary) (string, error) {
	left, err := tr.expr(e.Left)
	if err != nil {
		return "", err
	}
	right, err := tr.expr(e.Right)
	if err != nil {
		return "", err
	}
	if e.Op == "/" {
		if right, err = tr.divisor(e.Right, right); err != nil {
			return "", err
		}
	}
	op := string(e.Op)
	if e.Bool {
		op += " bool"
	}
	if m := e.Matching; m != nil {
		if m.On {
			op += " on" + promLabels(m.Labels)
		} else {
			op += " ignoring" + promLabels(m.Labels)
		}
		if m.Group != "" {
			op += " " + m.Group + promLabels(m.Include)
		}
	}
	return "(" + left + " " + op + " " + right + ")", nil
}

// divisor evaluates what is divided by, so that dividing by zero gives NaN as in
// Loki and not an infinity as in Prometheus.
func (tr *translation) divisor(e syntax.Metric, text string) (string, error) {
	if v, ok := fold(e); ok {
		if v == 0 {
			return promNumber(math.NaN()), nil
		}
		return text, nil
	}
	cols, err := tr.run(text, false)
	if err != nil {
		return "", err
	}
	for _, c := range cols {
		for i, v := range c.values {
			if v == 0 {
				c.values[i] = math.NaN()
			}
		}
	}
	return tr.leaf(cols), nil
}
