package syntax

import (
	"math"
	"strconv"
	"time"

	"github.com/grafana/regexp"
)

// expr reads operands and the operators between them that hold at least as
// tightly as least (precedence climbing). ^ alone groups from the right.
func (p *parser) expr(least int) (Expr, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	for {
		t := p.tok()
		op := BinOp(t.text)
		if t.kind == kIdent {
			op = BinOp(t.word)
		}
		strength := binding[op]
		if (t.kind != kPunct && t.kind != kIdent) || strength == 0 || strength < least {
			return left, nil
		}
		b := &Binary{Op: op, Pos: left.Position()}
		var ok bool
		if b.Left, ok = left.(Metric); !ok {
			return nil, p.unexpected()
		}
		p.next()
		if err := p.binaryModifiers(b); err != nil {
			return nil, err
		}
		above := strength + 1
		if op == "^" {
			above = strength
		}
		at := p.tok()
		right, err := p.expr(above)
		if err != nil {
			return nil, err
		}
		if b.Right, ok = right.(Metric); !ok {
			return nil, p.errorf(at.pos, "syntax error: unexpected "+at.name())
		}
		if left, err = checkBinary(b); err != nil {
			return nil, err
		}
	}
}

func checkBinary(b *Binary) (Metric, *Error) {
	if b.Op.IsSet() {
		if l, ok := b.Left.(*Literal); ok {
			return nil, whole("unexpected literal for left leg of logical/set binary operation (%s): %s", b.Op, l)
		}
		if r, ok := b.Right.(*Literal); ok {
			return nil, whole("unexpected literal for right leg of logical/set binary operation (%s): %s", b.Op, r)
		}
		if b.Matching != nil && b.Matching.Group != "" {
			return nil, whole("no grouping allowed for %q operation", b.Op)
		}
	}
	if b.Bool && !b.Op.IsComparison() {
		return nil, whole("bool modifier can only be used on comparison operators")
	}
	l, ok1 := b.Left.(*Literal)
	r, ok2 := b.Right.(*Literal)
	if ok1 && ok2 {
		return &Literal{Value: compute(b.Op, l.Value, r.Value), Pos: b.Pos}, nil
	}
	return b, nil
}

func (p *parser) binaryModifiers(b *Binary) *Error {
	b.Bool = p.acceptWord("bool")
	on := p.isWord("on")
	if !on && !p.isWord("ignoring") {
		return nil
	}
	p.next()
	m := &Matching{On: on}
	var err *Error
	if m.Labels, err = p.labelList(); err != nil {
		return err
	}
	if p.isWord("group_left") || p.isWord("group_right") {
		m.Group = p.next().word
		if p.is("(") {
			if m.Include, err = p.labelList(); err != nil {
				return err
			}
		}
	}
	b.Matching = m
	return nil
}

func (p *parser) operand() (Expr, *Error) {
	t := p.tok()
	switch {
	case p.is("{"):
		return p.logExpr()
	case p.is("("):
		if err := p.enter(); err != nil {
			return nil, err
		}
		defer p.leave()
		p.next()
		e, err := p.expr(0)
		if err != nil {
			return nil, err
		}
		return e, p.expect(")")
	case t.kind == kNumber, p.is("-"), p.is("+"):
		v, err := p.signed()
		if err != nil {
			return nil, err
		}
		return &Literal{Value: v, Pos: t.pos}, nil
	case p.isWord("nan"), p.isWord("inf"):
		p.next()
		v, _ := strconv.ParseFloat(t.text, 64) // these two it reads
		return &Literal{Value: v, Pos: t.pos}, nil
	case t.kind == kIdent:
		if _, ok := rangeOps[RangeOp(t.word)]; ok {
			return p.rangeAggregation()
		}
		if _, ok := vectorOps[VectorOp(t.word)]; ok {
			return p.vectorAggregation()
		}
		switch t.word {
		case "vector":
			return p.vector()
		case "label_replace":
			return p.labelReplace()
		}
	}
	return nil, p.unexpected()
}

// signed reads a number with signs before it.
func (p *parser) signed() (float64, *Error) {
	negative := false
	for p.is("-") || p.is("+") {
		if p.next().text == "-" {
			negative = !negative
		}
	}
	t, err := p.take(kNumber)
	if err != nil {
		return 0, err
	}
	if negative {
		return -t.num, nil
	}
	return t.num, nil
}

func (p *parser) rangeAggregation() (Expr, *Error) {
	t := p.next()
	e := &RangeAggregation{Op: RangeOp(t.word), Pos: t.pos}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if rangeOps[e.Op].param {
		at := p.tok()
		t, err := p.take(kNumber)
		if err != nil {
			return nil, err
		}
		if math.IsNaN(t.num) {
			return nil, p.errorf(at.pos, "invalid parameter")
		}
		e.Param = &t.num
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
	if err := p.logRange(e); err != nil {
		return nil, err
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	var err *Error
	e.Grouping, err = p.grouping()
	return e, err
}

// logRange reads a log expression with its [range], which stands after the
// selector or after the pipeline, and an optional offset behind it.
func (p *parser) logRange(e *RangeAggregation) *Error {
	if p.is("(") {
		if err := p.enter(); err != nil {
			return err
		}
		defer p.leave()
		p.next()
		if err := p.logRange(e); err != nil {
			return err
		}
		if err := p.expect(")"); err != nil {
			return err
		}
	} else {
		log, err := p.selector()
		if err != nil {
			return err
		}
		e.Log = log
	}
	for {
		switch {
		case p.is("["):
			if e.Range != 0 {
				return p.unexpected()
			}
			if err := p.rangeAndOffset(e); err != nil {
				return err
			}
		case p.stageBegins():
			if err := p.stages(e.Log); err != nil {
				return err
			}
		default:
			// A bracketed selector may get its range outside of the brackets.
			if e.Range == 0 && !p.is(")") {
				return p.unexpected()
			}
			return nil
		}
	}
}

func (p *parser) rangeAndOffset(e *RangeAggregation) *Error {
	p.next()
	t, err := p.take(kDuration)
	if err != nil {
		return err
	}
	if t.dur <= 0 {
		return p.errorf(t.pos, "range must be positive")
	}
	e.Range = t.dur
	if err := p.expect("]"); err != nil {
		return err
	}
	if !p.acceptWord("offset") {
		return nil
	}
	negative := p.accept("-")
	if t, err = p.take(kDuration); err != nil {
		return err
	}
	e.Offset = t.dur
	if negative {
		e.Offset = -t.dur
	}
	return nil
}

func (p *parser) grouping() (*Grouping, *Error) {
	without := p.isWord("without")
	if !without && !p.isWord("by") {
		return nil, nil
	}
	p.next()
	names, err := p.labelList()
	return &Grouping{Without: without, Labels: names}, err
}

func (p *parser) labelList() ([]string, *Error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var names []string
	for !p.is(")") {
		if len(names) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		t, err := p.take(kIdent)
		if err != nil {
			return nil, err
		}
		names = append(names, t.text)
	}
	p.next()
	return names, nil
}

func (p *parser) vectorAggregation() (Expr, *Error) {
	t := p.next()
	e := &VectorAggregation{Op: VectorOp(t.word), Pos: t.pos}
	var err *Error
	if e.Grouping, err = p.grouping(); err != nil {
		return nil, err
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if vectorOps[e.Op] {
		at := p.tok()
		k, err := p.signed()
		if err != nil {
			return nil, err
		}
		if k < 1 || k != math.Trunc(k) || k > math.MaxInt32 {
			return nil, whole("invalid parameter (must be greater than 0) %s(%s", e.Op, p.in[at.pos:p.tok().pos])
		}
		e.Param = int(k)
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
	at := p.tok()
	inner, err := p.expr(0)
	if err != nil {
		return nil, err
	}
	var ok bool
	if e.Expr, ok = inner.(Metric); !ok {
		return nil, p.errorf(at.pos, "syntax error: unexpected "+at.name())
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	if p.isWord("by") || p.isWord("without") {
		if e.Grouping != nil {
			return nil, p.unexpected()
		}
		if e.Grouping, err = p.grouping(); err != nil {
			return nil, err
		}
	}
	if _, ok := e.Expr.(*Literal); ok {
		return nil, whole("unexpected literal in %s: it takes a vector", e.Op)
	}
	if e.Grouping != nil && !e.Grouping.Without && len(e.Grouping.Labels) == 0 {
		e.Grouping = nil // by no label is what no grouping means
	}
	if e.Grouping != nil && (e.Op == OpSort || e.Op == OpSortDesc || e.Op == OpApproxTopK) {
		return nil, whole("grouping not allowed for %s aggregation", e.Op)
	}
	return e, nil
}

func (p *parser) vector() (Expr, *Error) {
	e := &Vector{Pos: p.next().pos}
	err := p.expect("(")
	if err != nil {
		return nil, err
	}
	t, err := p.take(kNumber)
	if err != nil {
		return nil, err
	}
	e.Value = t.num
	return e, p.expect(")")
}

func (p *parser) labelReplace() (Expr, *Error) {
	e := &LabelReplace{Pos: p.next().pos}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	at := p.tok()
	inner, err := p.expr(0)
	if err != nil {
		return nil, err
	}
	var ok bool
	if e.Expr, ok = inner.(Metric); !ok {
		return nil, p.errorf(at.pos, "syntax error: unexpected "+at.name())
	}
	for _, arg := range []*string{&e.Dst, &e.Replacement, &e.Src, &e.Regex} {
		if err := p.expect(","); err != nil {
			return nil, err
		}
		t, err := p.take(kString)
		if err != nil {
			return nil, err
		}
		*arg = t.text
	}
	if _, ok := e.Expr.(*Literal); ok {
		return nil, whole("unexpected literal in label_replace: it takes a vector")
	}
	if _, err := regexp.Compile("^(?s:" + e.Regex + ")$"); err != nil {
		return nil, whole("invalid regex in label_replace: %s", err)
	}
	return e, p.expect(")")
}

// ParseStep reads a step or an interval: a number of seconds or a duration.
func ParseStep(s string) (time.Duration, bool) {
	toks, err := lex(s)
	if err != nil || len(toks) != 2 {
		return 0, false
	}
	switch t := toks[0]; t.kind {
	case kDuration:
		return t.dur, true
	case kNumber:
		if ns := t.num * float64(time.Second); ns < math.MaxInt64 {
			return time.Duration(ns), true
		}
	}
	return 0, false
}
