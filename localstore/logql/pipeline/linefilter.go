package pipeline

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/grafana/regexp"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// lineFilter says whether a line matches. Filters keep no state.
type lineFilter interface{ match(line []byte) bool }

type (
	containsFilter struct{ text []byte }
	regexpFilter   struct {
		re     *regexp.Regexp
		needle []byte // every match holds it; cheaper to look for first
	}
	patternFilter struct{ pattern syntax.PatternExpr }
	ipFilter      struct{ ip syntax.IPRange }
	anyFilter     []lineFilter
	notFilter     struct{ lineFilter }
	everyLine     struct{}
)

func (f containsFilter) match(line []byte) bool { return bytes.Contains(line, f.text) }

func (f regexpFilter) match(line []byte) bool {
	return (len(f.needle) == 0 || bytes.Contains(line, f.needle)) && f.re.Match(line)
}

func (f notFilter) match(line []byte) bool { return !f.lineFilter.match(line) }
func (everyLine) match([]byte) bool        { return true }

func (f anyFilter) match(line []byte) bool {
	for _, one := range f {
		if one.match(line) {
			return true
		}
	}
	return false
}

// match takes each literal where it comes first after the one before, and never
// goes back, as Loki does. A capture stands for one byte at least; nothing may be
// left behind the last literal, while before the first one anything may stand.
func (f patternFilter) match(line []byte) bool {
	rest, gap := view(line), false
	for _, part := range f.pattern {
		if part.Capture {
			gap = true
			continue
		}
		at := strings.Index(rest, part.Text)
		if at < 0 || gap && at == 0 {
			return false
		}
		rest, gap = rest[at+len(part.Text):], false
	}
	return gap == (rest != "")
}

// match looks for an address of the range anywhere in the line.
func (f ipFilter) match(line []byte) bool {
	for i := 0; i < len(line); i++ {
		if !addressByte(line[i]) || i > 0 && addressByte(line[i-1]) {
			continue
		}
		n := i
		for n < len(line) && addressByte(line[n]) {
			n++
		}
		word := bytes.TrimRight(line[i:n], ".:")
		if a, err := netip.ParseAddr(view(word)); err == nil && f.ip.Contains(a) {
			return true
		}
		// 10.0.0.1:80 is an address with a port.
		if colon := bytes.IndexByte(word, ':'); colon > 0 && bytes.IndexByte(word[:colon], '.') > 0 {
			if a, err := netip.ParseAddr(view(word[:colon])); err == nil && f.ip.Contains(a) {
				return true
			}
		}
		i = n
	}
	return false
}

func addressByte(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' || c == '.' || c == ':'
}

// compileLineFilter also returns texts that every line that passes holds.
func compileLineFilter(f *syntax.LineFilter) (lineFilter, []string, error) {
	var terms anyFilter
	var needles []string
	for _, t := range f.Terms {
		one, needle, err := compileLineTerm(f.Op, t)
		if err != nil {
			return nil, nil, err
		}
		terms = append(terms, one)
		needles = append(needles, needle...)
	}
	var out lineFilter = terms
	if len(terms) == 1 {
		out = terms[0]
	}
	if f.Op.Negative() {
		return notFilter{out}, nil, nil
	}
	if len(terms) > 1 {
		needles = nil // one of them is enough, so none of them must be there
	}
	return out, needles, nil
}

func compileLineTerm(op syntax.LineOp, t syntax.LineTerm) (lineFilter, []string, error) {
	switch {
	case t.IP:
		ip, err := syntax.ParseIP(t.Text)
		return ipFilter{ip}, nil, err
	case op == syntax.LineContains || op == syntax.LineNotContains:
		if t.Text == "" {
			return everyLine{}, nil, nil
		}
		return containsFilter{[]byte(t.Text)}, []string{t.Text}, nil
	case op == syntax.LinePattern || op == syntax.LineNotPattern:
		p, err := syntax.ParsePattern(t.Text)
		var needles []string
		for _, part := range p {
			if !part.Capture {
				needles = append(needles, part.Text)
			}
		}
		return patternFilter{p}, needles, err
	}
	return compileRegexp(t.Text)
}
