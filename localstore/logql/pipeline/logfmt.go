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
	all               bool
	fields            []syntax.Extraction // the needed ones, unless all are made
	names             names
}

func (p *logfmtStage) process(line []byte, s *Set) ([]byte, bool) {
	// A field that the line lacks is an empty label.
	for _, f := range p.fields {
		if name := s.parsedName(f.Label); !s.parsedAlready(name) {
			s.put(name, "")
		}
	}
	p.names.begin()
	missing := p.names.needed.missing(s)
	for i := 0; ; {
		i = skipBlanks(line, i)
		label, value := p.names.expectPair(line, i)
		if label != nil && !label.wanted && !p.strict && (value == len(line) || line[value] != '"') {
			i = skipWord(line, value) // well formed or not
			continue
		}
		pair, next, fault := scanPair(line, i, value)
		i = next
		switch {
		case fault != "" && p.strict:
			s.setError(errLogfmt, fault)
			return line, true
		case fault != "":
			continue
		case pair.key == nil:
			return line, true
		}
		if !p.all {
			p.setFields(pair, s)
			continue
		}
		if len(pair.value) == 0 && !p.keepEmpty {
			continue
		}
		if label == nil {
			label = p.names.label("", pair.key, false)
		}
		if !label.wanted {
			continue
		}
		text := s.pairText(pair)
		switch as := s.extract(label.name, text); {
		case as == "":
		case as == label.name && label.refuses(text):
			return line, false
		default:
			if missing--; missing == 0 {
				return line, true
			}
		}
	}
}

// setFields keeps the last of several values.
func (p *logfmtStage) setFields(pair logfmtPair, s *Set) {
	for _, f := range p.fields {
		if f.Path == view(pair.key) {
			s.put(s.parsedName(f.Label), s.pairText(pair))
		}
	}
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

// scanPair reads the pair at i, where no blank is. If value is greater than i it
// is where the pair's value begins, behind a key that is known. A fault is a pair
// that is not well formed; next then lies behind it. No key and no fault is
// the end.
func scanPair(d []byte, i, value int) (pair logfmtPair, next int, fault string) {
	if i >= len(d) {
		return logfmtPair{}, i, ""
	}
	if value > i {
		pair.key = d[i : value-1]
		i = value
	} else if pair.key, i, fault = scanKey(d, i); fault != "" || i == len(d) || d[i] != '=' {
		return pair, i, fault
	} else {
		i++
	}
	if i < len(d) && d[i] == '"' {
		raw, escaped, next, err := scanString(d, i)
		if err != nil {
			return logfmtPair{}, len(d), fmt.Sprintf("logfmt syntax error at pos %d : unterminated quoted value", len(d)+1)
		}
		pair.value, pair.escaped = raw, escaped
		return pair, next, ""
	}
	start := i
	for i < len(d) && d[i] > ' ' {
		if d[i] == '=' || d[i] == '"' {
			return logfmtPair{}, skipWord(d, i), syntaxFault(i, d[i])
		}
		i++
	}
	pair.value = d[start:i]
	return pair, i, ""
}

// scanKey reads up to the equals sign, or to the end of a key that stands alone.
func scanKey(d []byte, i int) (key []byte, next int, fault string) {
	start := i
	for i < len(d) && d[i] > ' ' && d[i] != '=' && d[i] != '"' {
		i++
	}
	switch {
	case i < len(d) && d[i] == '"', i == start: // a value without a key
		return nil, skipWord(d, i), syntaxFault(i, d[i])
	case !utf8.Valid(d[start:i]):
		return nil, skipWord(d, i), fmt.Sprintf("logfmt syntax error at pos %d : invalid key", start+1)
	}
	return d[start:i], i, ""
}

func syntaxFault(at int, c byte) string {
	return fmt.Sprintf("logfmt syntax error at pos %d : unexpected %s", at+1, strconv.QuoteRune(rune(c)))
}

func skipBlanks(d []byte, i int) int {
	for i < len(d) && d[i] <= ' ' {
		i++
	}
	return i
}

// skipWord goes on to the next blank.
func skipWord(d []byte, i int) int {
	for i < len(d) && d[i] > ' ' {
		i++
	}
	return i
}
