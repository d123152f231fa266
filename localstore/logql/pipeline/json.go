package pipeline

import (
	"errors"
	"slices"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

const errJSON = "JSONParserErr"

// These end the reading of a line of which nobody wants more, or that a filter
// refuses already. Faults behind that are nobody's business.
var (
	errFoundAll = errors.New("all is found")
	errRefused  = errors.New("a filter refuses the value")
)

// jsonStage makes every field of an object a label: nested keys joined by _,
// arrays left out. With needed set, other labels are not made.
type jsonStage struct {
	names   names
	key     []byte
	missing int // labels that are still to be found; negative: read all
	// paths and stack are for those who ask where labels come from.
	paths map[string][]string
	stack []string
}

func (p *jsonStage) process(line []byte, s *Set) ([]byte, bool) {
	p.names.begin()
	p.missing = p.names.needed.missing(s)
	i := skipSpace(line, 0)
	var err error = errJSONObject
	if i < len(line) && line[i] == '{' {
		_, err = p.object(line, i, 0, "", s)
	}
	switch err {
	case nil, errFoundAll:
	case errRefused:
		return line, false
	default:
		s.setError(errJSON, err.Error())
	}
	return line, true
}

func (p *jsonStage) object(d []byte, i, depth int, prefix string, s *Set) (int, error) {
	if depth > maxJSONDepth {
		return i, errJSONBroken
	}
	i++
	for first := true; ; first = false {
		label, next := p.names.expect(prefix, d, i)
		if label == nil {
			key, escaped, more, after, err := memberKey(d, i, first)
			if !more || err != nil {
				return after, err
			}
			if escaped {
				var ok bool
				if p.key, ok = unescape(p.key[:0], key); !ok {
					return after, errJSONEscape
				}
				key = p.key
			}
			label, next = p.names.label(prefix, key, escaped), after
		}
		if p.paths != nil {
			p.stack = append(p.stack[:depth], label.key)
		}
		next, err := p.member(d, next, depth, label, s)
		if err != nil {
			return next, err
		}
		if next < len(d) && d[next] == ',' {
			i = next + 1
			continue
		}
		var more bool
		if more, i, err = afterMember(d, next); !more || err != nil {
			return i, err
		}
	}
}

func (p *jsonStage) member(d []byte, i, depth int, label *keyName, s *Set) (int, error) {
	switch d[i] {
	case '{':
		before := len(s.cur)
		next, err := p.object(d, i, depth+1, label.name, s)
		if err != nil && err != errFoundAll && err != errRefused && depth == 0 {
			// An object without its end has no members.
			if _, whole := skipBlock(d, i); !whole {
				s.cur = s.cur[:min(before, len(s.cur))]
				return next, errJSONObject
			}
		}
		return next, err
	case '[':
		next, ok := skipBlock(d, i)
		if !ok {
			return next, errJSONArray
		}
		return next, nil
	case '"':
		if !label.wanted {
			return skipString(d, i)
		}
	}
	v, next, err := scanScalar(d, i)
	if err != nil || v.kind == jsonNull || !label.wanted {
		return next, err
	}
	if p.paths != nil && p.paths[label.name] == nil && len(p.paths) < maxNames {
		p.paths[label.name] = slices.Clone(p.stack)
	}
	text := s.text(v)
	as := s.extract(label.name, text)
	if as == "" {
		return next, nil
	}
	if as == label.name && label.refuses(text) {
		return next, errRefused
	}
	if p.missing--; p.missing == 0 {
		return next, errFoundAll
	}
	return next, nil
}

// text is the value as a label holds it.
func (s *Set) text(v jsonValue) string {
	if !v.escaped {
		return view(v.raw)
	}
	return s.unescaped(v.raw)
}

// unescaped keeps the text in the arena. A grown arena leaves the old one to
// the strings that point into it. A string that cannot be read is empty.
func (s *Set) unescaped(raw []byte) string {
	start := len(s.arena)
	var ok bool
	if s.arena, ok = unescape(s.arena, raw); !ok {
		s.arena = s.arena[:start]
	}
	return view(s.arena[start:])
}

// jsonFields takes single fields by their paths.
type jsonFields struct{ fields []jsonField }

// jsonField is a label and where its value may stand; of several that are there
// the last one in the document is taken.
type jsonField struct {
	label string
	paths [][]syntax.Step
}

// newJSONFields leaves out labels that nobody needs.
func newJSONFields(exprs []syntax.Extraction, n needed) (*jsonFields, error) {
	p := &jsonFields{}
	for _, x := range exprs {
		path, err := syntax.ParsePath(x.Path)
		if err != nil {
			return nil, err
		}
		if !n.has(x.Label) {
			continue
		}
		i := slices.IndexFunc(p.fields, func(f jsonField) bool { return f.label == x.Label })
		if i < 0 {
			i = len(p.fields)
			p.fields = append(p.fields, jsonField{label: x.Label})
		}
		p.fields[i].paths = append(p.fields[i].paths, path)
	}
	return p, nil
}

// process sets the label of a field that is not there to nothing, as Loki does.
// It reads no further than it must, so that a line that is cut off behind the
// fields is as good as a whole one.
func (p *jsonFields) process(line []byte, s *Set) ([]byte, bool) {
	i := skipSpace(line, 0)
	if i >= len(line) || line[i] != '{' && line[i] != '[' && line[i] != '"' {
		s.setError(errJSON, "")
		return line, true
	}
	for _, f := range p.fields {
		value, last := "", -1
		for _, path := range f.paths {
			v, at, err := lookup(line, i, path)
			switch {
			case err != nil:
				s.setError(errJSON, err.Error())
			case v.kind != jsonNull && at > last:
				value, last = s.text(v), at
			}
		}
		s.extract(f.label, value)
	}
	return line, true
}

var notThere = jsonValue{kind: jsonNull}

// lookup follows a path through a document to where a value begins. Only faults of
// the value itself are errors.
func lookup(d []byte, i int, path []syntax.Step) (v jsonValue, at int, err error) {
	for _, step := range path {
		next := -1
		switch {
		case i >= len(d):
		case d[i] == '{' && !step.IsIndex:
			next = findMember(d, i, step.Key)
		case d[i] == '[' && step.IsIndex:
			next = findElement(d, i, step.Index)
		}
		if next < 0 {
			return notThere, i, nil
		}
		i = next
	}
	v, _, err = skipValue(d, i)
	return v, i, err
}

// findMember is where the value of the first member with this key begins, or -1.
func findMember(d []byte, i int, want string) int {
	i++
	for first := true; ; first = false {
		key, escaped, more, next, err := memberKey(d, i, first)
		if !more || err != nil {
			return -1
		}
		if escaped {
			key, _ = unescape(nil, key)
		}
		if string(key) == want {
			return next
		}
		if _, next, err = skipValue(d, next); err != nil {
			return -1
		}
		if more, i, err = afterMember(d, next); !more || err != nil {
			return -1
		}
	}
}

// findElement is where an element begins, or -1.
func findElement(d []byte, i, want int) int {
	i = skipSpace(d, i+1)
	for index := 0; i < len(d) && d[i] != ']'; index++ {
		if index == want {
			return i
		}
		_, next, err := skipValue(d, i)
		next = skipSpace(d, next)
		if err != nil || next >= len(d) || d[next] != ',' {
			return -1
		}
		i = skipSpace(d, next+1)
	}
	return -1
}

// unpackStage makes the string fields of an object labels and takes the line
// from its field _entry. An object without one is left as it is.
type unpackStage struct {
	names names
	key   []byte
}

func (p *unpackStage) process(line []byte, s *Set) ([]byte, bool) {
	i := skipSpace(line, 0)
	if i >= len(line) || line[i] != '{' {
		s.setError(errJSON, "expecting json object(6), but it is not")
		return line, true
	}
	p.names.begin()
	before := len(s.cur)
	entry, err := p.object(line, i, s)
	if err != nil {
		s.setError(errJSON, err.Error())
	}
	if entry == nil || err != nil {
		// Nobody packed this: it is a line that happens to look so.
		s.cur = s.cur[:min(before, len(s.cur))]
		return line, true
	}
	return entry, true
}

func (p *unpackStage) object(line []byte, i int, s *Set) ([]byte, error) {
	var entry []byte
	i++
	for first := true; ; first = false {
		key, escaped, more, next, err := memberKey(line, i, first)
		if !more || err != nil {
			return entry, err
		}
		if escaped {
			var ok bool
			if p.key, ok = unescape(p.key[:0], key); !ok {
				return entry, errJSONEscape
			}
			key = p.key
		}
		v, next, err := skipValue(line, next)
		switch {
		case err != nil:
			return entry, err
		case v.kind != jsonString:
		case string(key) == "_entry":
			entry = append([]byte{}, s.text(v)...)
		default:
			s.extract(p.names.label("", key, escaped).name, s.text(v))
		}
		if more, i, err = afterMember(line, next); !more || err != nil {
			return entry, err
		}
	}
}
