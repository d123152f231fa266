package syntax

import (
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

const (
	maxInput = 128 << 10 // bytes of text, as Loki's own bound
	maxDepth = 200       // brackets in brackets; keeps the recursion off the stack's end
)

// Parse reads a whole query.
func Parse(query string) (Expr, error) {
	e, err := parse(query)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// ParseLog reads a query for log entries.
func ParseLog(query string) (*LogExpr, error) {
	e, err := Parse(query)
	if err != nil {
		return nil, err
	}
	l, ok := e.(*LogExpr)
	if !ok {
		return nil, whole("only log selector is supported")
	}
	return l, nil
}

// ParseMatchers reads a stream selector and refuses anything after it. A
// selector that matches everything is an error unless all is set.
func ParseMatchers(query string, all bool) ([]*labels.Matcher, error) {
	p, perr := newParser(query)
	if perr != nil {
		return nil, perr
	}
	e, perr := p.logExpr()
	if perr != nil {
		return nil, perr
	}
	if p.tok().kind != kEnd {
		return nil, p.unexpected()
	}
	if len(e.Stages) > 0 {
		return nil, errOnlyMatchers
	}
	if !all {
		if err := selective(e); err != nil {
			return nil, err
		}
	}
	return e.Matchers, nil
}

func parse(query string) (Expr, *Error) {
	p, err := newParser(query)
	if err != nil {
		return nil, err
	}
	e, err := p.expr(0)
	if err != nil {
		return nil, err
	}
	if p.tok().kind != kEnd {
		return nil, p.unexpected()
	}
	if err := validate(e); err != nil {
		return nil, err
	}
	return e, nil
}

type parser struct {
	in    string
	toks  []token
	at    int
	depth int
}

func newParser(query string) (*parser, *Error) {
	if len(query) > maxInput {
		return nil, whole("input size too long (%d > %d)", len(query), maxInput)
	}
	toks, err := lex(query)
	if err != nil {
		return nil, err
	}
	return &parser{in: query, toks: toks}, nil
}

func (p *parser) tok() token { return p.toks[p.at] }

func (p *parser) peek() token { return p.toks[min(p.at+1, len(p.toks)-1)] }

func (p *parser) next() token {
	t := p.toks[p.at]
	if p.at < len(p.toks)-1 {
		p.at++
	}
	return t
}

// is and isWord look at the current token; accept and acceptWord also take it.
func (p *parser) is(text string) bool     { return p.tok().kind == kPunct && p.tok().text == text }
func (p *parser) isWord(text string) bool { return p.tok().kind == kIdent && p.tok().word == text }

func (p *parser) accept(text string) bool {
	if p.is(text) {
		p.next()
		return true
	}
	return false
}

func (p *parser) acceptWord(text string) bool {
	if p.isWord(text) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(text string) *Error {
	if !p.accept(text) {
		return p.unexpected(text)
	}
	return nil
}

func (p *parser) take(k kind) (token, *Error) {
	if p.tok().kind != k {
		return token{}, p.unexpected(token{kind: k}.name())
	}
	return p.next(), nil
}

func (p *parser) unexpected(expecting ...string) *Error {
	msg := "syntax error: unexpected " + p.tok().name()
	if len(expecting) > 0 {
		msg += ", expecting " + strings.Join(expecting, " or ")
	}
	return errorAt(p.in, p.tok().pos, msg)
}

func (p *parser) errorf(at Pos, msg string) *Error { return errorAt(p.in, at, msg) }

// enter bounds the recursion; every rule that can contain itself calls it.
func (p *parser) enter() *Error {
	if p.depth++; p.depth > maxDepth {
		return p.errorf(p.tok().pos, "expression nests too deeply")
	}
	return nil
}

func (p *parser) leave() { p.depth-- }
