package syntax

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Expr is a whole query or a part of one: a [*LogExpr] or a [Metric].
type Expr interface {
	String() string
	// Position is where the expression begins in the text it was parsed from.
	Position() Pos
}

// LogExpr selects streams and runs their entries through stages.
type LogExpr struct {
	Matchers []*labels.Matcher
	Stages   []Stage
	Pos      Pos
}

// Metric is an expression whose value is numbers.
type Metric interface {
	Expr
	metric()
}

// RangeAggregation computes one number a series from the entries of a range.
type RangeAggregation struct {
	Op       RangeOp
	Param    *float64 // quantile_over_time's φ
	Log      *LogExpr
	Range    time.Duration
	Offset   time.Duration
	Grouping *Grouping
	Pos      Pos
}

// Unwrap is the stage that makes a label the sample's value, or nil.
func (e *RangeAggregation) Unwrap() *Unwrap {
	for _, s := range e.Log.Stages {
		if u, ok := s.(*Unwrap); ok {
			return u
		}
	}
	return nil
}

// VectorAggregation merges the elements of a vector.
type VectorAggregation struct {
	Op       VectorOp
	Param    int // topk's k
	Expr     Metric
	Grouping *Grouping
	Pos      Pos
}

// Grouping is by (…) or without (…).
type Grouping struct {
	Without bool
	Labels  []string
}

// Binary is an operator between two metric expressions.
type Binary struct {
	Op          BinOp
	Bool        bool
	Matching    *Matching
	Left, Right Metric
	Pos         Pos
}

// Matching says which elements of two vectors belong together.
type Matching struct {
	On      bool // on (…) and not ignoring (…)
	Labels  []string
	Group   string // "", "group_left" or "group_right"
	Include []string
}

// Literal is a number.
type Literal struct {
	Value float64
	Pos   Pos
}

// Vector is vector(s): one element without labels.
type Vector struct {
	Value float64
	Pos   Pos
}

// LabelReplace is label_replace(v, dst, replacement, src, regex).
type LabelReplace struct {
	Expr                         Metric
	Dst, Replacement, Src, Regex string
	Pos                          Pos
}

func (e *LogExpr) Position() Pos           { return e.Pos }
func (e *RangeAggregation) Position() Pos  { return e.Pos }
func (e *VectorAggregation) Position() Pos { return e.Pos }
func (e *Binary) Position() Pos            { return e.Pos }
func (e *Literal) Position() Pos           { return e.Pos }
func (e *Vector) Position() Pos            { return e.Pos }
func (e *LabelReplace) Position() Pos      { return e.Pos }

func (*RangeAggregation) metric()  {}
func (*VectorAggregation) metric() {}
func (*Binary) metric()            {}
func (*Literal) metric()           {}
func (*Vector) metric()            {}
func (*LabelReplace) metric()      {}

// Walk calls visit for an expression and all below it, parents first.
func Walk(e Expr, visit func(Expr)) {
	visit(e)
	switch e := e.(type) {
	case *RangeAggregation:
		Walk(e.Log, visit)
	case *VectorAggregation:
		Walk(e.Expr, visit)
	case *LabelReplace:
		Walk(e.Expr, visit)
	case *Binary:
		Walk(e.Left, visit)
		Walk(e.Right, visit)
	}
}
