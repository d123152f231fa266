package lokipush

import (
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON tokens off a buffer that it owns. Strings alias the
// buffer: escapes are resolved in place, which can only shorten a string, so
// that a line of JSON inside JSON costs no memory either.
type scanner struct {
	buf []byte
	pos int
}

func (s *scanner) malformed(what string) error { return malformed(what, s.pos) }

func (s *scanner) space() {
	for s.pos < len(s.buf) {
		switch s.buf[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek is the next byte that is not white space, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.pos >= len(s.buf) {
		return 0
	}
	return s.buf[s.pos]
}

func (s *scanner) expect(c byte, what string) error {
	if s.peek() != c || s.pos >= len(s.buf) {
		return s.malformed(what)
	}
	s.pos++
	return nil
}

// object calls member with each key; member reads the value.
func (s *scanner) object(member func(key string) error) error {
	if err := s.expect('{', "want an object"); err != nil {
		return err
	}
	if s.peek() == '}' {
		s.pos++
		return nil
	}
	for {
		key, err := s.str()
		if err != nil {
			return err
		}
		if err := s.expect(':', "want a colon"); err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return nil
		default:
			return s.malformed("object not closed")
		}
	}
}

// array calls element for each element, which it reads.
func (s *scanner) array(element func() error) error {
	if err := s.expect('[', "want an array"); err != nil {
		return err
	}
	if s.peek() == ']' {
		s.pos++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return nil
		default:
			return s.malformed("array not closed")
		}
	}
}

func (s *scanner) literal(word string) error {
	if len(s.buf)-s.pos < len(word) || string(s.buf[s.pos:s.pos+len(word)]) != word {
		return s.malformed("want a value")
	}
	s.pos += len(word)
	return nil
}

// number passes over a number: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
func (s *scanner) number() error {
	digits := func() bool {
		start := s.pos
		for s.pos < len(s.buf) && '0' <= s.buf[s.pos] && s.buf[s.pos] <= '9' {
			s.pos++
		}
		return s.pos > start
	}
	at := func(set string) bool {
		if s.pos < len(s.buf) {
			for i := 0; i < len(set); i++ {
				if s.buf[s.pos] == set[i] {
					s.pos++
					return true
				}
			}
		}
		return false
	}
	at("-")
	if !at("0") && !digits() {
		return s.malformed("want a value")
	}
	if at(".") && !digits() {
		return s.malformed("number")
	}
	if at("eE") {
		at("+-")
		if !digits() {
			return s.malformed("number")
		}
	}
	return nil
}

// str reads a string. Bytes that are not UTF-8 stay as they are.
func (s *scanner) str() (string, error) {
	if err := s.expect('"', "want a string"); err != nil {
		return "", err
	}
	start := s.pos
	for i := start; i < len(s.buf); i++ {
		switch c := s.buf[i]; {
		case c == '"':
			s.pos = i + 1
			return alias(s.buf[start:i]), nil
		case c == '\\':
			return s.escaped(start, i)
		case c < ' ':
			s.pos = i
			return "", s.malformed("control character in a string")
		}
	}
	s.pos = len(s.buf)
	return "", s.malformed("string not closed")
}

// escaped goes on at the first backslash: r reads, w writes, w never passes r.
func (s *scanner) escaped(start, r int) (string, error) {
	b, w := s.buf, r
	fail := func(what string) (string, error) {
		s.pos = min(r, len(b))
		return "", s.malformed(what)
	}
	for r < len(b) {
		c := b[r]
		switch {
		case c == '"':
			s.pos = r + 1
			return alias(b[start:w]), nil
		case c < ' ':
			return fail("control character in a string")
		case c != '\\':
			b[w] = c
			w++
			r++
			continue
		}
		if r+1 >= len(b) {
			return fail("string not closed")
		}
		e := b[r+1]
		switch e {
		case '"', '\\', '/':
			b[w] = e
		case 'b':
			b[w] = '\b'
		case 'f':
			b[w] = '\f'
		case 'n':
			b[w] = '\n'
		case 'r':
			b[w] = '\r'
		case 't':
			b[w] = '\t'
		case 'u':
			u, ok := hex4(b, r+2)
			if !ok {
				return fail("escape")
			}
			r += 6
			if utf16.IsSurrogate(u) {
				// A second half that does not fit is read again on
				// its own, as encoding/json does.
				if r+1 < len(b) && b[r] == '\\' && b[r+1] == 'u' {
					if low, ok := hex4(b, r+2); ok {
						if both := utf16.DecodeRune(u, low); both != utf8.RuneError {
							u = both
							r += 6
						}
					}
				}
			}
			// EncodeRune turns half a pair into U+FFFD: three bytes
			// of the six that were read.
			w += utf8.EncodeRune(b[w:w+4:w+4], u)
			continue
		default:
			return fail("escape")
		}
		w++
		r += 2
	}
	return fail("string not closed")
}

func hex4(b []byte, at int) (rune, bool) {
	if at+4 > len(b) {
		return 0, false
	}
	var u rune
	for _, c := range b[at : at+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		u = u<<4 | rune(c)
	}
	return u, true
}
