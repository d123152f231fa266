package pipeline

import (
	"bytes"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

//lint:file-ignore ST1005 the messages are Loki's words

// The messages end up in __error_details__; they are worded as people who know
// Loki expect them.
var (
	errJSONObject = errors.New("Value looks like object, but can't find closing '}' symbol")
	errJSONArray  = errors.New("Value is array, but can't find closing ']' symbol")
	errJSONString = errors.New("Value is string, but can't find closing '\"' symbol")
	errJSONValue  = errors.New("Unknown value type")
	errJSONBroken = errors.New("Malformed JSON error")
	errJSONEscape = errors.New("Encountered an invalid escape sequence in a string")
)

const maxJSONDepth = 128

type jsonKind uint8

const (
	jsonString jsonKind = iota
	jsonNumber
	jsonBool
	jsonNull
	jsonObject
	jsonArray
)

// jsonValue is a value as it stands in the document; of a string, what is
// between the quotes.
type jsonValue struct {
	kind    jsonKind
	raw     []byte
	escaped bool
}

func skipSpace(d []byte, i int) int {
	for i < len(d) && (d[i] == ' ' || d[i] == '\t' || d[i] == '\n' || d[i] == '\r') {
		i++
	}
	return i
}

// scanString takes the index of the opening quote.
func scanString(d []byte, i int) (raw []byte, escaped bool, next int, err error) {
	start := i + 1
	i = start
	for {
		n := bytes.IndexByte(d[i:], '"')
		if n < 0 {
			return nil, false, len(d), errJSONString
		}
		i += n
		back := i
		for back > start && d[back-1] == '\\' {
			back--
		}
		if (i-back)%2 == 0 {
			raw = d[start:i]
			return raw, bytes.IndexByte(raw, '\\') >= 0, i + 1, nil
		}
		i++
	}
}

// skipString goes behind a string of which nobody wants the text.
func skipString(d []byte, i int) (next int, err error) {
	n := bytes.IndexByte(d[i+1:], '"')
	if n >= 0 && d[i+n] != '\\' {
		return i + n + 2, nil
	}
	_, _, next, err = scanString(d, i)
	return next, err
}

// scanScalar reads any value but an object or an array.
func scanScalar(d []byte, i int) (jsonValue, int, error) {
	switch c := d[i]; {
	case c == '"':
		raw, escaped, next, err := scanString(d, i)
		return jsonValue{kind: jsonString, raw: raw, escaped: escaped}, next, err
	case c == '-' || isDigit(c):
		n := i + 1
		for n < len(d) && !endsToken(d[n]) {
			n++
		}
		return jsonValue{kind: jsonNumber, raw: d[i:n]}, n, nil
	case hasWord(d[i:], "true"):
		return jsonValue{kind: jsonBool, raw: d[i : i+4]}, i + 4, nil
	case hasWord(d[i:], "false"):
		return jsonValue{kind: jsonBool, raw: d[i : i+5]}, i + 5, nil
	case hasWord(d[i:], "null"):
		return jsonValue{kind: jsonNull, raw: d[i : i+4]}, i + 4, nil
	}
	return jsonValue{}, i, errJSONValue
}

// endsToken says where a number ends; what it looks like until then is for
// those who read it.
func endsToken(c byte) bool { return c <= ' ' || c == ',' || c == '}' || c == ']' }

func hasWord(d []byte, w string) bool { return len(d) >= len(w) && string(d[:len(w)]) == w }

// skipValue reads any value and keeps only where it stood.
func skipValue(d []byte, i int) (jsonValue, int, error) {
	if i >= len(d) {
		return jsonValue{}, i, errJSONValue
	}
	kind, fault := jsonObject, errJSONObject
	switch d[i] {
	case '[':
		kind, fault = jsonArray, errJSONArray
	case '{':
	default:
		return scanScalar(d, i)
	}
	next, ok := skipBlock(d, i)
	if !ok {
		return jsonValue{}, len(d), fault
	}
	return jsonValue{kind: kind, raw: d[i:next]}, next, nil
}

// skipBlock finds the end of what a bracket at i opens, by its brackets and
// strings alone; what else is in it is nobody's business.
func skipBlock(d []byte, i int) (next int, ok bool) {
	open, shut := d[i], d[i]+2 // [ ] and { } are two apart
	level := 0
	for i < len(d) {
		switch d[i] {
		case '"':
			_, _, after, err := scanString(d, i)
			if err != nil {
				return i, false
			}
			i = after
			continue
		case open:
			level++
		case shut:
			if level--; level == 0 {
				return i + 1, true
			}
		}
		i++
	}
	return i, false
}

// memberKey reads a key and the colon behind it, from i, which is behind the
// opening bracket or a comma; more is false at the end of the object. next is
// where the value begins, or what follows the object.
func memberKey(d []byte, i int, first bool) (key []byte, escaped, more bool, next int, err error) {
	i = skipSpace(d, i)
	switch {
	case i >= len(d) && first:
		return nil, false, false, i, errJSONBroken
	case i >= len(d):
		return nil, false, false, i, errJSONArray
	case d[i] == '}':
		return nil, false, false, i + 1, nil
	case d[i] != '"':
		return nil, false, false, i, errJSONObject
	}
	key, escaped, i, err = scanString(d, i)
	if err != nil {
		return nil, false, false, i, errJSONBroken
	}
	i = skipSpace(d, i)
	if i >= len(d) || d[i] != ':' {
		return nil, false, false, i, errJSONBroken
	}
	if i = skipSpace(d, i+1); i >= len(d) {
		return nil, false, false, i, errJSONBroken
	}
	return key, escaped, true, i, nil
}

// afterMember takes the comma behind a value, or the end of the object.
func afterMember(d []byte, i int) (more bool, next int, err error) {
	i = skipSpace(d, i)
	switch {
	case i >= len(d):
		return false, i, errJSONArray
	case d[i] == '}':
		return false, i + 1, nil
	case d[i] != ',':
		return false, i, errJSONObject
	}
	return true, i + 1, nil
}

// unescape appends the text of a JSON string to out. It fails on an escape that
// JSON does not know, and on half a pair of surrogates.
func unescape(out, raw []byte) ([]byte, bool) {
	for {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return append(out, raw...), true
		}
		if n+1 >= len(raw) {
			return out, false
		}
		out = append(out, raw[:n]...)
		c := raw[n+1]
		raw = raw[n+2:]
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'u':
			r, used := unescapeRune(raw)
			if used == 0 {
				return out, false
			}
			out = utf8.AppendRune(out, r)
			raw = raw[used:]
		default:
			return out, false
		}
	}
}

// unescapeRune reads what follows \u, with the second half of a pair. It uses
// nothing of what it cannot read.
func unescapeRune(raw []byte) (rune, int) {
	r, ok := hex4(raw)
	if !ok {
		return utf8.RuneError, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 4
	}
	if len(raw) >= 10 && raw[4] == '\\' && raw[5] == 'u' {
		if low, ok := hex4(raw[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 10
			}
		}
	}
	return utf8.RuneError, 0
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		r <<= 4
		switch {
		case isDigit(c):
			r |= rune(c - '0')
		case c >= 'a' && c <= 'f':
			r |= rune(c-'a') + 10
		case c >= 'A' && c <= 'F':
			r |= rune(c-'A') + 10
		default:
			return 0, false
		}
	}
	return r, true
}
