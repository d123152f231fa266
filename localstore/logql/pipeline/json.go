package pipeline

import (
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

const errJSON = "JSONParserErr"

// jsonStage makes every field of an object a label: nested keys joined by _,
// arrays left out. With needed set, other labels are not made.
//
// It walks by itself and not through eachMember: a closure for every object
// would be an allocation for every line.
type jsonStage struct {
	names  names
	key    []byte
	needed needed
}

func (p *jsonStage) process(line []byte, s *Set) ([]byte, bool) {
	i := skipSpace(line, 0)
	var err error = errJSONObject
	if i < len(line) && line[i] == '{' {
		_, err = p.object(line, i, 0, "", s)
	}
	if err != nil {
		s.setError(errJSON, err.Error())
	}
	return line, true
}

func (p *jsonStage) object(d []byte, i, depth int, prefix string, s *Set) (int, error) {
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
		if escaped {
			p.key = unescape(p.key[:0], key)
			key = p.key
		}
		i = skipSpace(d, next)
		if i >= len(d) || d[i] != ':' {
			return i, errJSONObject
		}
		if i = skipSpace(d, i+1); i >= len(d) {
			return i, errJSONObject
		}
		if i, err = p.member(d, i, depth, p.names.label(prefix, key), s); err != nil {
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

func (p *jsonStage) member(d []byte, i, depth int, name string, s *Set) (int, error) {
	switch d[i] {
	case '{':
		return p.object(d, i, depth+1, name, s)
	case '[':
		return skipArray(d, i, depth+1)
	}
	v, next, err := scanScalar(d, i)
	if err != nil || v.kind == jsonNull || !p.needed.has(name) {
		return next, err
	}
	s.extract(name, s.text(v))
	return next, nil
}

// skipArray finds the end of an array by its brackets; what is in it is nobody's
// business, as arrays make no labels.
func skipArray(d []byte, i, depth int) (int, error) {
	_, next, err := skipValue(d, i, depth)
	return next, err
}

// text is the value as a label holds it.
func (s *Set) text(v jsonValue) string {
	if !v.escaped {
		return view(v.raw)
	}
	return s.unescaped(v.raw)
}

// unescaped keeps the text in the arena. A grown arena leaves the old one to
// the strings that point into it.
func (s *Set) unescaped(raw []byte) string {
	start := len(s.arena)
	s.arena = unescape(s.arena, raw)
	return view(s.arena[start:])
}

// jsonFields takes single fields by their paths.
type jsonFields struct {
	fields []jsonField
	needed needed
}

type jsonField struct {
	label string
	path  []syntax.Step
}

func newJSONFields(exprs []syntax.Extraction, n needed) (*jsonFields, error) {
	p := &jsonFields{needed: n}
	for _, x := range exprs {
		path, err := syntax.ParsePath(x.Path)
		if err != nil {
			return nil, err
		}
		p.fields = append(p.fields, jsonField{label: x.Label, path: path})
	}
	return p, nil
}

// process sets the label of a field that is not there to nothing, as Loki does.
func (p *jsonFields) process(line []byte, s *Set) ([]byte, bool) {
	i := skipSpace(line, 0)
	doc, _, err := skipValue(line, i, 0)
	if err == nil && doc.kind != jsonObject && doc.kind != jsonArray {
		err = errJSONObject
	}
	if err != nil {
		s.setError(errJSON, err.Error())
		return line, true
	}
	for _, f := range p.fields {
		if !p.needed.has(f.label) {
			continue
		}
		value := ""
		if v, ok := lookup(line, i, f.path); ok && v.kind != jsonNull {
			value = s.text(v)
		}
		s.extract(f.label, value)
	}
	return line, true
}

// lookup follows a path through a document that is known to be well formed.
func lookup(d []byte, i int, path []syntax.Step) (jsonValue, bool) {
	if len(path) == 0 {
		v, _, err := skipValue(d, i, 0)
		return v, err == nil
	}
	found := -1
	step := path[0]
	switch {
	case i < len(d) && d[i] == '{' && !step.IsIndex:
		_, _ = eachMember(d, i, 0, func(key []byte, escaped bool, at int) (int, error) {
			if escaped {
				key = unescape(nil, key)
			}
			if found < 0 && string(key) == step.Key {
				found = at
			}
			_, next, err := skipValue(d, at, 0)
			return next, err
		})
	case i < len(d) && d[i] == '[' && step.IsIndex:
		_, _ = eachElement(d, i, 0, func(index, at int) (int, error) {
			if index == step.Index {
				found = at
			}
			_, next, err := skipValue(d, at, 0)
			return next, err
		})
	}
	if found < 0 {
		return jsonValue{}, false
	}
	return lookup(d, found, path[1:])
}

// unpackStage makes the string fields of an object labels and takes the line
// from its field _entry.
type unpackStage struct{ names names }

func (p *unpackStage) process(line []byte, s *Set) ([]byte, bool) {
	i := skipSpace(line, 0)
	if i >= len(line) || line[i] != '{' {
		s.setError(errJSON, "expecting json object(6), but it is not")
		return line, true
	}
	entry := line
	_, err := eachMember(line, i, 0, func(key []byte, escaped bool, at int) (int, error) {
		v, next, err := skipValue(line, at, 1)
		if err != nil || v.kind != jsonString {
			return next, err
		}
		if escaped {
			key = unescape(nil, key)
		}
		if string(key) == "_entry" {
			entry = []byte(s.text(v))
		} else {
			s.extract(p.names.label("", key), s.text(v))
		}
		return next, nil
	})
	if err != nil {
		s.setError(errJSON, err.Error())
		return line, true
	}
	return entry, true
}
