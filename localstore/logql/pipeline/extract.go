package pipeline

import (
	"strings"

	"github.com/grafana/regexp"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// regexpStage makes the named groups of an expression labels.
type regexpStage struct {
	re     *regexp.Regexp
	groups []string // by index; empty where nobody needs the group
}

func newRegexpStage(expr string, n needed) (*regexpStage, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	groups := re.SubexpNames()
	for i, name := range groups {
		if !n.has(name) {
			groups[i] = ""
		}
	}
	return &regexpStage{re: re, groups: groups}, nil
}

func (p *regexpStage) process(line []byte, s *Set) ([]byte, bool) {
	at := p.re.FindSubmatchIndex(line)
	if at == nil {
		return line, true
	}
	for i, name := range p.groups {
		if name == "" {
			continue
		}
		value := ""
		if at[2*i] >= 0 {
			value = view(line[at[2*i]:at[2*i+1]])
		}
		s.extract(name, value)
	}
	return line, true
}

// patternStage makes the captures of a pattern labels. At the first literal that
// the line lacks, the capture before it takes all the rest, and that is the end.
type patternStage struct{ pattern syntax.PatternExpr }

func newPatternStage(expr string, n needed) (*patternStage, error) {
	pattern, err := syntax.ParsePattern(expr)
	for i, part := range pattern {
		if part.Capture && !n.has(part.Text) {
			pattern[i].Text = "_"
		}
	}
	return &patternStage{pattern}, err
}

func (p *patternStage) process(line []byte, s *Set) ([]byte, bool) {
	rest := view(line)
	parts := p.pattern
	if !parts[0].Capture {
		if !strings.HasPrefix(rest, parts[0].Text) {
			return line, true
		}
		rest = rest[len(parts[0].Text):]
		parts = parts[1:]
	}
	for len(parts) > 0 {
		value := rest
		if len(parts) > 1 {
			n := strings.Index(rest, parts[1].Text)
			if n < 0 {
				parts = parts[:1]
			} else {
				value = rest[:n]
				rest = rest[n+len(parts[1].Text):]
			}
		}
		if len(parts) == 1 && value == "" {
			return line, true
		}
		if name := parts[0].Text; name != "_" {
			s.extract(name, value)
		}
		parts = parts[min(2, len(parts)):]
	}
	return line, true
}
