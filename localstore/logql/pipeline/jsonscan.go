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
	errJSONDepth  = errors.New("Malformed JSON error")
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
			return nil, false, i, errJSONString
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

// scanScalar reads any value but an object or an array.
func scanScalar(d []byte, i int) (jsonValue, int, error) {
	switch c := d[i]; {
	case c == '"':
		raw, escaped, next, err := scanString(d, i)
		return jsonValue{kind: jsonString, raw: raw, escaped: escaped}, next, err
	case c == '-' || isDigit(c):
		n := i + 1
		for n < len(d) && (isDigit(d[n]) || d[n] == '.' || d[n] == 'e' || d[n] == 'E' || d[n] == '+' || d[n] == '-') {
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

func hasWord(d []byte, w string) bool { return len(d) >= len(w) && string(d[:len(w)]) == w }

// skipValue reads any value and keeps only where it stood.
func skipValue(d []byte, i, depth int) (jsonValue, int, error) {
	if i >= len(d) {
		return jsonValue{}, i, errJSONValue
	}
	start := i
	switch d[i] {
	case '{':
		next, err := eachMember(d, i, depth, func(_ []byte, _ bool, at int) (int, error) {
			_, next, err := skipValue(d, at, depth+1)
			return next, err
		})
		if err != nil {
			return jsonValue{}, next, err
		}
		return jsonValue{kind: jsonObject, raw: d[start:next]}, next, nil
	case '[':
		next, err := eachElement(d, i, depth, func(_, at int) (int, error) {
			_, next, err := skipValue(d, at, depth+1)
			return next, err
		})
		if err != nil {
			return jsonValue{}, next, err
		}
		return jsonValue{kind: jsonArray, raw: d[start:next]}, next, nil
	}
	return scanScalar(d, i)
}

// eachMember walks an object that begins at i. visit gets a key and where its
// value begins, and returns where the value ends.
func eachMember(d []byte, i, depth int, visit func(key []byte, escaped bool, at int) (int, error)) (int, error) {
	if depth > maxJSONDepth {
		return i, errJSONDepth
	}
	i = skipSpace(d, i+1)
	if i < len(d) && d[i] == '}' {
		return i + 1, nil
	}
	for {
		if i >= len(d) || d[i] != '"' {
			return i, errJSONObject
		}
		key, escaped, next, err := scanString(d, i)
		if err != nil {
			return i, err
		}
		i = skipSpace(d, next)
		if i >= len(d) || d[i] != ':' {
			return i, errJSONObject
		}
		if i = skipSpace(d, i+1); i >= len(d) {
			return i, errJSONObject
		}
		if i, err = visit(key, escaped, i); err != nil {
			return i, err
		}
		i = skipSpace(d, i)
		switch {
		case i >= len(d):
			return i, errJSONObject
		case d[i] == '}':
			return i + 1, nil
		case d[i] != ',':
			return i, errJSONObject
		}
		i = skipSpace(d, i+1)
	}
}

// eachElement walks an array that begins at i.
func eachElement(d []byte, i, depth int, visit func(index, at int) (int, error)) (int, error) {
	if depth > maxJSONDepth {
		return i, errJSONDepth
	}
	i = skipSpace(d, i+1)
	if i < len(d) && d[i] == ']' {
		return i + 1, nil
	}
	for index := 0; ; index++ {
		if i >= len(d) {
			return i, errJSONArray
		}
		var err error
		if i, err = visit(index, i); err != nil {
			return i, err
		}
		i = skipSpace(d, i)
		switch {
		case i >= len(d):
			return i, errJSONArray
		case d[i] == ']':
			return i + 1, nil
		case d[i] != ',':
			return i, errJSONArray
		}
		i = skipSpace(d, i+1)
	}
}

// unescape appends the text of a JSON string to out. An escape that is not
// known stands for itself: a log line is better half readable than lost.
func unescape(out, raw []byte) []byte {
	for {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 || n+1 >= len(raw) {
			return append(out, raw...)
		}
		out = append(out, raw[:n]...)
		c := raw[n+1]
		raw = raw[n+2:]
		switch c {
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
			out = utf8.AppendRune(out, r)
			raw = raw[used:]
		default:
			out = append(out, c)
		}
	}
}

// unescapeRune reads what follows \u, with the second half of a pair.
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
	return utf8.RuneError, 4
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
