package pipeline

import (
	"strings"
)

// names turns keys of a document into names of labels, and remembers them: by
// their text, and by their place in the line, since the lines of a stream mostly
// have the same keys in the same order.
type names struct {
	needed needed
	checks map[string]refusers
	known  map[string]*keyName
	buf    []byte
	places []*keyName
	at     int // the place of the next key
}

// keyName is a key as it stands below its prefix, its label's name, whether
// anybody wants that, and the filters that its value must pass.
type keyName struct {
	prefix, key, name string
	// member and pair are the key as JSON and logfmt spell it, up to the colon
	// and the equals sign; member is empty if the document has it escaped.
	member, pair string
	wanted       bool
	refusers
}

const (
	// maxNames bounds what one query remembers; keys can be anything.
	maxNames = 10_000
	// maxPlaces bounds the keys of a line that are guessed by their place.
	maxPlaces = 256
)

// begin is called before every line.
func (n *names) begin() { n.at = 0 }

// expect compares a document with the key that stood at this place in the line
// before. If it stands here again, next is where its value begins.
func (n *names) expect(prefix string, d []byte, i int) (k *keyName, next int) {
	if n.at >= len(n.places) {
		return nil, i
	}
	k = n.places[n.at]
	i = skipSpace(d, i)
	if k.member == "" || !hasWord(d[i:], k.member) || k.prefix != prefix {
		return nil, i
	}
	if i = skipSpace(d, i+len(k.member)); i >= len(d) {
		return nil, i
	}
	n.at++
	return k, i
}

// expectPair does so for logfmt.
func (n *names) expectPair(d []byte, i int) (k *keyName, next int) {
	if n.at >= len(n.places) || !hasWord(d[i:], n.places[n.at].pair) {
		return nil, i
	}
	k = n.places[n.at]
	n.at++
	return k, i + len(k.pair)
}

// label sanitises prefix_key: what a label's name cannot hold becomes _.
func (n *names) label(prefix string, key []byte, escaped bool) *keyName {
	place := n.at
	n.at++
	if place < len(n.places) {
		if k := n.places[place]; k.key == string(key) && k.prefix == prefix {
			return k
		}
	}
	k := n.find(prefix, key, escaped)
	switch {
	case place < len(n.places):
		n.places[place] = k
	case place == len(n.places) && place < maxPlaces:
		n.places = append(n.places, k)
	}
	return k
}

func (n *names) find(prefix string, key []byte, escaped bool) *keyName {
	// A byte that no UTF-8 has keeps a and b_c from meeting a_b and c.
	n.buf = append(append(append(n.buf[:0], prefix...), 0xff), key...)
	if k, ok := n.known[string(n.buf)]; ok {
		k.spell(escaped)
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
	k.spell(escaped)
	k.pair = k.key + "="
	k.wanted, k.refusers = n.needed.has(k.name), n.checks[k.name]
	n.known[raw] = k
	return k
}

func (k *keyName) spell(escaped bool) {
	if !escaped && k.member == "" {
		k.member = `"` + k.key + `":`
	}
}
