package pipeline

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

const errLogfmt = "LogfmtParserErr"

// logfmtStage makes key=value pairs labels: all of them, or those that fields
// names, under the names given there.
type logfmtStage struct {
	strict, keepEmpty bool
	fields            []syntax.Extraction
	names             names
	needed            needed
}

func (p *logfmtStage) process(line []byte, s *Set) ([]byte, bool) {
	if len(p.fields) > 0 {
		// A field that the line lacks is an empty label.
		for _, f := range p.fields {
			if p.needed.has(f.Label) {
				if name := s.parsedName(f.Label); !s.parsedAlready(name) {
					s.put(name, "")
				}
			}
		}
	}
	p.names.begin()
	missing := p.needed.missing(s)
	for i := 0; ; {
		pair, next, fault := scanPair(line, i)
		i = next
		if fault != "" {
			if p.strict {
				s.setError(errLogfmt, fault)
				return line, true
			}
			continue
		}
		if pair.key == nil {
			return line, true
		}
		if p.set(pair, s) {
			if missing--; missing == 0 {
				return line, true
			}
		}
	}
}

// set says whether a label came to be that stays as it is.
func (p *logfmtStage) set(pair logfmtPair, s *Set) bool {
	if len(p.fields) > 0 {
		for _, f := range p.fields {
			if f.Path == view(pair.key) && p.needed.has(f.Label) {
				s.put(s.parsedName(f.Label), s.pairText(pair)) // the last one stays
			}
		}
		return false
	}
	if len(pair.value) == 0 && !p.keepEmpty {
		return false
	}
	name, wanted := p.names.label("", pair.key)
	return wanted && s.extract(name, s.pairText(pair))
}

func (s *Set) pairText(p logfmtPair) string {
	if !p.escaped {
		return view(p.value)
	}
	return s.unescaped(p.value)
}

type logfmtPair struct {
	key, value []byte
	escaped    bool
}

// scanPair reads the next pair at or after i. A fault is a pair that is not
// well formed; next then lies behind it. No key and no fault is the end.
func scanPair(d []byte, i int) (pair logfmtPair, next int, fault string) {
	for i < len(d) && d[i] <= ' ' {
		i++
	}
	if i >= len(d) {
		return logfmtPair{}, i, ""
	}
	start := i
	for i < len(d) && d[i] > ' ' && d[i] != '=' && d[i] != '"' {
		i++
	}
	pair.key = d[start:i]
	switch {
	case i < len(d) && d[i] == '"':
		return logfmtPair{}, skipWord(d, i), syntaxFault(i, d[i])
	case i == start: // a value without a key
		return logfmtPair{}, skipWord(d, i), syntaxFault(i, d[i])
	case !utf8.Valid(pair.key):
		return logfmtPair{}, skipWord(d, i), fmt.Sprintf("logfmt syntax error at pos %d : invalid key", start+1)
	case i >= len(d) || d[i] != '=':
		return pair, i, "" // a key alone
	}
	i++
	if i < len(d) && d[i] == '"' {
		raw, escaped, next, err := scanString(d, i)
		if err != nil {
			return logfmtPair{}, len(d), fmt.Sprintf("logfmt syntax error at pos %d : unterminated quoted value", len(d)+1)
		}
		pair.value, pair.escaped = raw, escaped
		return pair, next, ""
	}
	start = i
	for i < len(d) && d[i] > ' ' {
		if d[i] == '=' || d[i] == '"' {
			return logfmtPair{}, skipWord(d, i), syntaxFault(i, d[i])
		}
		i++
	}
	pair.value = d[start:i]
	return pair, i, ""
}

func syntaxFault(at int, c byte) string {
	return fmt.Sprintf("logfmt syntax error at pos %d : unexpected %s", at+1, strconv.QuoteRune(rune(c)))
}

// skipWord goes on to the next blank.
func skipWord(d []byte, i int) int {
	for i < len(d) && d[i] > ' ' {
		i++
	}
	return i
}
