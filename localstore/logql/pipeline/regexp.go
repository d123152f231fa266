package pipeline

import (
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	logql "github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// compileRegexp replaces an expression by something cheaper where it can: plain
// text by a search, an alternation of texts by several. Otherwise it finds a
// text that every match holds, so that most lines are refused by a search.
func compileRegexp(expr string) (lineFilter, []string, error) {
	re, err := logql.CompileLineRegexp(expr)
	if err != nil {
		return nil, nil, err
	}
	tree, err := syntax.Parse("(?s)"+expr, syntax.Perl)
	if err != nil {
		return nil, nil, err
	}
	tree = tree.Simplify()
	if texts, ok := literals(trimAny(tree)); ok {
		any := make(anyFilter, len(texts))
		for i, s := range texts {
			if s == "" {
				return everyLine{}, nil, nil
			}
			any[i] = containsFilter{[]byte(s)}
		}
		if len(texts) == 1 {
			return any[0], texts, nil
		}
		return any, nil, nil
	}
	needle := required(tree)
	f := regexpFilter{re: re, needle: []byte(needle)}
	if needle == "" {
		return f, nil, nil
	}
	return f, []string{needle}, nil
}

// trimAny drops a leading and a trailing .*, which change nothing in a search
// that is not anchored.
func trimAny(re *syntax.Regexp) *syntax.Regexp {
	if re.Op != syntax.OpConcat {
		return re
	}
	subs := re.Sub
	for len(subs) > 1 && isAny(subs[0]) {
		subs = subs[1:]
	}
	for len(subs) > 1 && isAny(subs[len(subs)-1]) {
		subs = subs[:len(subs)-1]
	}
	if len(subs) == 1 {
		return subs[0]
	}
	return &syntax.Regexp{Op: syntax.OpConcat, Sub: subs, Flags: re.Flags}
}

func isAny(re *syntax.Regexp) bool {
	return re.Op == syntax.OpStar && re.Sub[0].Op == syntax.OpAnyChar
}

const maxAlternatives = 64

// literals lists the texts that an expression matches, if they are few.
func literals(re *syntax.Regexp) ([]string, bool) {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return []string{""}, true
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return nil, false
		}
		return searchable(string(re.Rune))
	case syntax.OpCapture:
		return literals(re.Sub[0])
	case syntax.OpCharClass:
		var out []string
		for i := 0; i < len(re.Rune); i += 2 {
			if int(re.Rune[i+1]-re.Rune[i])+len(out) >= maxAlternatives {
				return nil, false
			}
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				out = append(out, string(r))
			}
		}
		return out, len(out) > 0
	case syntax.OpAlternate:
		var out []string
		for _, sub := range re.Sub {
			texts, ok := literals(sub)
			if out = append(out, texts...); !ok || len(out) > maxAlternatives {
				return nil, false
			}
		}
		return out, true
	case syntax.OpConcat:
		out := []string{""}
		for _, sub := range re.Sub {
			texts, ok := literals(sub)
			if !ok || len(out)*len(texts) > maxAlternatives {
				return nil, false
			}
			var next []string
			for _, head := range out {
				for _, tail := range texts {
					next = append(next, head+tail)
				}
			}
			out = next
		}
		return out, true
	}
	return nil, false
}

// searchable refuses the replacement character: an expression finds it where a
// line has invalid bytes, a search does not.
func searchable(s string) ([]string, bool) {
	return []string{s}, !strings.ContainsRune(s, utf8.RuneError)
}

// required is the longest text found that every match must hold.
func required(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			if s, ok := searchable(string(re.Rune)); ok {
				return s[0]
			}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		best := ""
		for _, sub := range re.Sub {
			if s := required(sub); len(s) > len(best) {
				best = s
			}
		}
		return best
	}
	return ""
}
