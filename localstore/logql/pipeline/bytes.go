package pipeline

import (
	"bytes"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// view reads bytes as a string without copying. The caller keeps the bytes
// unchanged for as long as the string is used: until the next entry.
func view(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

// names turns keys of a document into names of labels, and remembers them.
type names struct {
	known map[string]string
	buf   []byte
}

// maxNames bounds what one query remembers; keys can be anything.
const maxNames = 10_000

// label sanitises prefix_key: what a label's name cannot hold becomes _.
func (n *names) label(prefix string, key []byte) string {
	key = bytes.TrimSpace(key)
	n.buf = append(n.buf[:0], prefix...)
	if prefix != "" && len(key) > 0 {
		n.buf = append(n.buf, '_')
	}
	n.buf = append(n.buf, key...)
	if s, ok := n.known[string(n.buf)]; ok {
		return s
	}
	if n.known == nil || len(n.known) >= maxNames {
		n.known = map[string]string{}
	}
	raw := string(n.buf)
	name := sanitise(raw)
	n.known[raw] = name
	return name
}

func sanitise(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (isLetter(byte(r)) || isDigit(byte(r))) {
			return r
		}
		return '_'
	}, s)
	if s != "" && isDigit(s[0]) {
		return "_" + s
	}
	return s
}
