package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Pos is a byte offset in the text of a query.
type Pos int

type kind uint8

const (
	kEnd kind = iota
	kIdent
	kString
	kNumber
	kDuration
	kBytes
	kFlag  // --strict
	kPunct // operators and brackets; the text tells them apart
)

// token is one word. Which identifiers are keywords, in capitals or not, depends
// on where they stand, so the lexer does not decide it: `json` may be a label's
// name.
type token struct {
	kind kind
	text string // as the parser compares it; for kString the unquoted value
	word string // kIdent: the text without regard to case, as keywords are read
	pos  Pos
	num  float64       // kNumber
	dur  time.Duration // kDuration
	size uint64        // kBytes
}

// name is how a token is called in a message; Loki's generated parser says
// $end, IDENTIFIER and so on.
func (t token) name() string {
	switch t.kind {
	case kEnd:
		return "$end"
	case kIdent:
		if keyword(t.word) {
			return t.text
		}
		return "IDENTIFIER"
	case kString:
		return "STRING"
	case kNumber:
		return "NUMBER"
	case kDuration:
		return "DURATION"
	case kBytes:
		return "BYTES"
	}
	return t.text
}

// Longest first: the first that fits is taken.
var puncts = []string{
	"|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=",
	"{", "}", "(", ")", "[", "]", ",", "|", "=", ">", "<", "+", "-", "*", "/", "%", "^",
}

type lexer struct {
	in   string
	pos  int
	toks []token
}

func lex(in string) ([]token, *Error) {
	l := lexer{in: in}
	for {
		l.space()
		if l.pos >= len(l.in) {
			l.toks = append(l.toks, token{kind: kEnd, pos: Pos(l.pos)})
			return l.toks, nil
		}
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		l.toks = append(l.toks, t)
	}
}

// space skips blanks and comments, which run from # to the end of the line.
func (l *lexer) space() {
	for l.pos < len(l.in) {
		switch l.in[l.pos] {
		case ' ', '\t', '\n', '\r':
			l.pos++
		case '#':
			if i := strings.IndexByte(l.in[l.pos:], '\n'); i >= 0 {
				l.pos += i + 1
			} else {
				l.pos = len(l.in)
			}
		default:
			return
		}
	}
}

func (l *lexer) next() (token, *Error) {
	start, rest := l.pos, l.in[l.pos:]
	c := rest[0]
	switch {
	case isIdentStart(c):
		n := 1
		for n < len(rest) && (isIdentStart(rest[n]) || isDigit(rest[n])) {
			n++
		}
		l.pos += n
		return token{kind: kIdent, text: rest[:n], word: strings.ToLower(rest[:n]), pos: Pos(start)}, nil
	case isDigit(c), c == '.' && len(rest) > 1 && isDigit(rest[1]):
		return l.number()
	case c == '"', c == '`':
		return l.quoted(c)
	case strings.HasPrefix(rest, "--") && len(rest) > 2 && isIdentStart(rest[2]):
		n := 2
		for n < len(rest) && (isIdentStart(rest[n]) || rest[n] == '-') {
			n++
		}
		l.pos += n
		return token{kind: kFlag, text: rest[:n], pos: Pos(start)}, nil
	}
	for _, p := range puncts {
		if strings.HasPrefix(rest, p) {
			l.pos += len(p)
			return token{kind: kPunct, text: p, pos: Pos(start)}, nil
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return token{}, errorAt(l.in, Pos(start), fmt.Sprintf("syntax error: unexpected character %q", r))
}

// number reads a number, a duration or a size: all begin with a digit.
func (l *lexer) number() (token, *Error) {
	start, rest := l.pos, l.in[l.pos:]
	n := 0
	hex := strings.HasPrefix(rest, "0x") || strings.HasPrefix(rest, "0X")
	for n < len(rest) {
		c := rest[n]
		exponent := !hex && n > 0 && (c == '+' || c == '-') && (rest[n-1] == 'e' || rest[n-1] == 'E') &&
			n+1 < len(rest) && isDigit(rest[n+1])
		if !isDigit(c) && !isIdentStart(c) && c != '.' && c < utf8.RuneSelf && !exponent {
			break
		}
		n++
	}
	text := rest[:n]
	l.pos += n
	t := token{text: text, pos: Pos(start)}
	if v, err := strconv.ParseFloat(text, 64); err == nil && !hex {
		t.kind, t.num = kNumber, v
		return t, nil
	}
	if v, err := strconv.ParseInt(text, 0, 64); err == nil && hex {
		t.kind, t.num = kNumber, float64(v)
		return t, nil
	}
	if d, err := ParseDuration(text); err == nil {
		t.kind, t.dur = kDuration, d
		return t, nil
	}
	if b, err := ParseBytes(text); err == nil {
		t.kind, t.size = kBytes, b
		return t, nil
	}
	return token{}, errorAt(l.in, t.pos, fmt.Sprintf("not a valid duration string: %q", text))
}

func (l *lexer) quoted(quote byte) (token, *Error) {
	start, rest := l.pos, l.in[l.pos:]
	n := 1
	for n < len(rest) && rest[n] != quote {
		if quote == '"' && rest[n] == '\n' {
			break
		}
		if quote == '"' && rest[n] == '\\' {
			n++
		}
		n++
	}
	if n >= len(rest) || rest[n] != quote {
		return token{}, errorAt(l.in, Pos(start), "literal not terminated")
	}
	l.pos += n + 1
	t := token{kind: kString, text: rest[1:n], pos: Pos(start)}
	if quote == '"' {
		s, err := strconv.Unquote(rest[:n+1])
		if err != nil {
			return token{}, errorAt(l.in, Pos(start), "invalid escape in string")
		}
		t.text = s
	}
	return t, nil
}

func isIdentStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// errorAt turns an offset into a line and a column, the column counted in runes.
func errorAt(in string, pos Pos, msg string) *Error {
	before := in[:min(int(pos), len(in))]
	line := 1 + strings.Count(before, "\n")
	col := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return &Error{Msg: msg, Line: line, Col: col}
}
