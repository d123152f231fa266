package pipeline

import (
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
