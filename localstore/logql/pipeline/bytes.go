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

// names turns keys of a document into names of labels, and remembers them: by
// their text, and by their place in the line, since the lines of a stream mostly
// have the same keys in the same order.
type names struct {
	needed needed
	known  map[string]*keyName
	buf    []byte
	places []*keyName
	at     int // the place of the next key
}

// keyName is a key as it stands below its prefix, its label's name, and whether
// anybody wants that.
type keyName struct {
	prefix, key, name string
	wanted            bool
}

const (
	// maxNames bounds what one query remembers; keys can be anything.
	maxNames = 10_000
	// maxPlaces bounds the keys of a line that are guessed by their place.
	maxPlaces = 256
)

// begin is called before every line.
func (n *names) begin() { n.at = 0 }

// label sanitises prefix_key: what a label's name cannot hold becomes _.
func (n *names) label(prefix string, key []byte) (name string, wanted bool) {
	place := n.at
	n.at++
	if place < len(n.places) {
		if k := n.places[place]; k.key == string(key) && k.prefix == prefix {
			return k.name, k.wanted
		}
	}
	k := n.find(prefix, key)
	switch {
	case place < len(n.places):
		n.places[place] = k
	case place == len(n.places) && place < maxPlaces:
		n.places = append(n.places, k)
	}
	return k.name, k.wanted
}

func (n *names) find(prefix string, key []byte) *keyName {
	// A byte that no UTF-8 has keeps a and b_c from meeting a_b and c.
	n.buf = append(append(append(n.buf[:0], prefix...), 0xff), key...)
	if k, ok := n.known[string(n.buf)]; ok {
		return k
	}
	if n.known == nil || len(n.known) >= maxNames {
		n.known = map[string]*keyName{}
	}
	raw := string(n.buf)
	k := &keyName{prefix: raw[:len(prefix)], key: raw[len(prefix)+1:], name: prefix}
	if trimmed := strings.TrimSpace(k.key); trimmed != "" {
		if prefix != "" {
			trimmed = prefix + "_" + trimmed
		}
		k.name = sanitise(trimmed)
	}
	k.name = strings.Clone(k.name)
	k.wanted = n.needed.has(k.name)
	n.known[raw] = k
	return k
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
