package syntax

import (
	"github.com/prometheus/prometheus/model/labels"
)

// How tightly the words between conditions bind.
const (
	condOr  = 1
	condAnd = 2
)

// cond reads conditions with and binding tighter than or; a line filter or a
// pipe ends them. A comma, or nothing at all, means and too, but takes all that
// follows for its right side: `a, b or c` is `a and (b or c)`.
func (p *parser) cond(least int) (Cond, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	left, err := p.condOperand()
	if err != nil {
		return nil, err
	}
	for {
		word := p.tok().word
		switch {
		case p.isWord("or") && least <= condOr, p.isWord("and") && least <= condAnd:
			p.next()
			above := condAnd
			if word == "and" {
				above = condAnd + 1
			}
			right, err := p.cond(above)
			if err != nil {
				return nil, err
			}
			left = &CondPair{Or: word == "or", Left: left, Right: right}
		default:
			return left, nil
		}
	}
}

// condOperand reads one condition and what a comma or nothing joins to it.
func (p *parser) condOperand() (Cond, *Error) {
	left, err := p.condAtom()
	if err != nil {
		return nil, err
	}
	if !p.accept(",") && !p.is("(") && (p.tok().kind != kIdent || p.isWord("or") || p.isWord("and")) {
		return left, nil
	}
	right, err := p.cond(0)
	if err != nil {
		return nil, err
	}
	return &CondPair{Left: left, Right: right}, nil
}

func (p *parser) condAtom() (Cond, *Error) {
	if p.is("(") {
		p.next()
		c, err := p.cond(0)
		if err != nil {
			return nil, err
		}
		return c, p.expect(")")
	}
	name, err := p.take(kIdent)
	if err != nil {
		return nil, err
	}
	if !comparing(p.tok()) {
		return nil, p.unexpected("=", "!=", "=~", "!~", ">", ">=", "<", "<=")
	}
	op := p.next()
	at := p.tok()
	if p.isWord("ip") {
		return p.condIP(name.text, op)
	}
	if at.kind == kString {
		typ, ok := matchTypes[op.text]
		if !ok {
			return nil, p.unexpected("NUMBER", "DURATION", "BYTES")
		}
		m, err := p.newMatcher(typ, name.text, p.next())
		if err != nil {
			return nil, err
		}
		return &CondString{Matcher: m}, nil
	}
	compare := BinOp(op.text)
	if compare == "=" {
		compare = "=="
	}
	if _, ok := binding[compare]; !ok {
		return nil, p.unexpected("STRING")
	}
	switch at.kind {
	case kDuration:
		p.next()
		return &CondDuration{Label: name.text, Op: compare, Value: at.dur}, nil
	case kBytes:
		p.next()
		return &CondBytes{Label: name.text, Op: compare, Value: at.size}, nil
	}
	if at.kind != kNumber && !p.is("-") && !p.is("+") {
		return nil, p.unexpected("STRING", "NUMBER", "DURATION", "BYTES")
	}
	v, err := p.signed()
	if err != nil {
		return nil, err
	}
	return &CondNumber{Label: name.text, Op: compare, Value: v}, nil
}

func (p *parser) condIP(name string, op token) (Cond, *Error) {
	at := p.tok()
	text, err := p.call("ip")
	if err != nil {
		return nil, err
	}
	if err := CheckIP(text); err != nil {
		return nil, p.errorf(at.pos, err.Error())
	}
	typ, ok := matchTypes[op.text]
	if op.text == "==" {
		typ, ok = labels.MatchEqual, true
	}
	if !ok || typ == labels.MatchRegexp || typ == labels.MatchNotRegexp {
		return nil, p.errorf(op.pos, "syntax error: unexpected "+op.text+", expecting = or !=")
	}
	return &CondIP{Label: name, Not: typ == labels.MatchNotEqual, Value: text}, nil
}
