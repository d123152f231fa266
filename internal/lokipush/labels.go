package lokipush

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// parseStreamLabels reads the label set of the protobuf form,
// `{name="value", other="value"}`. The form that every agent writes is read
// here, without allocations but the result's if no value holds an escape;
// anything else that could be a label set goes to Prometheus' own parser. (That
// one alone would not do: it refuses U+FFFD in quotes, which is what agents
// write where they repair a value.)
func (b *pairs) parseStreamLabels(s string, offset int) (labels.Labels, error) {
	if len(s) > maxLabelsBytes {
		return labels.EmptyLabels(), malformed("labels too long", offset)
	}
	if !utf8.ValidString(s) {
		return labels.EmptyLabels(), malformed("labels are not UTF-8", offset)
	}
	b.reset()
	if !b.scanPlain(s) {
		b.reset()
		parsed, err := parser.ParseMetric(s)
		if err != nil { // it quotes what it could not read
			return labels.EmptyLabels(), malformed("labels", offset)
		}
		parsed.Range(func(l labels.Label) { b.add(l.Name, l.Value) })
	}
	return b.stream(offset)
}

// scanPlain reads `{a="b", c="d"}`. It says false where it cannot tell.
func (b *pairs) scanPlain(s string) bool {
	if len(s) < 2 || s[0] != '{' || s[len(s)-1] != '}' {
		return false
	}
	s = s[1 : len(s)-1]
	for len(s) > 0 {
		eq := strings.IndexByte(s, '=')
		if eq <= 0 || eq+1 >= len(s) || s[eq+1] != '"' {
			return false
		}
		name, rest := s[:eq], s[eq+2:]
		end := strings.IndexAny(rest, "\"\\\n")
		if end < 0 || !isLabelName(name) {
			return false
		}
		value := rest[:end]
		if rest[end] == '"' {
			s = rest[end+1:]
		} else {
			quoted, err := strconv.QuotedPrefix(s[eq+1:])
			if err != nil {
				return false
			}
			if value, err = strconv.Unquote(quoted); err != nil {
				return false
			}
			s = s[eq+1+len(quoted):]
		}
		b.add(name, value)
		if s == "" {
			break
		}
		if s[0] != ',' {
			return false
		}
		s = strings.TrimLeft(s[1:], " ")
		if s == "" {
			return false
		}
	}
	return true
}

// isLabelName is Loki's rule for stream labels, which is Prometheus' older one.
func isLabelName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || i > 0 && '0' <= c && c <= '9' {
			continue
		}
		return false
	}
	return s != ""
}

// pairs gathers names and values and turns them into a label set. It is
// scratch memory of one request.
type pairs struct {
	list    []labels.Label
	builder labels.ScratchBuilder
}

func (b *pairs) reset() { b.list = b.list[:0] }
func (b *pairs) add(name, value string) {
	b.list = append(b.list, labels.Label{Name: name, Value: value})
}

func byName(x, y labels.Label) int { return strings.Compare(x.Name, y.Name) }

// stream makes the labels of a stream. An empty value means that there is no
// such label, as everywhere in Prometheus and Loki.
func (b *pairs) stream(offset int) (labels.Labels, error) {
	slices.SortStableFunc(b.list, byName)
	b.builder.Reset()
	n := 0
	for i, l := range b.list {
		switch {
		case !isLabelName(l.Name):
			return labels.EmptyLabels(), malformed("label name", offset)
		case i > 0 && b.list[i-1].Name == l.Name:
			return labels.EmptyLabels(), malformed("label given twice", offset)
		case len(l.Name)+len(l.Value) > maxLabelsBytes:
			return labels.EmptyLabels(), malformed("labels too long", offset)
		case !utf8.ValidString(l.Value):
			return labels.EmptyLabels(), malformed("label value is not UTF-8", offset)
		case l.Value == "":
			continue
		}
		b.builder.Add(l.Name, l.Value)
		n++
	}
	switch {
	case n == 0:
		return labels.EmptyLabels(), malformed("stream without labels", offset)
	case n > maxStreamLabels:
		return labels.EmptyLabels(), malformed("too many labels", offset)
	}
	return b.builder.Labels(), nil
}

// metadata makes the structured metadata of an entry. Of a name that occurs
// twice the last value stays; bytes that are not UTF-8 become U+FFFD, since
// one bad value should not cost its whole batch.
func (b *pairs) metadata(offset int) (labels.Labels, error) {
	if len(b.list) == 0 {
		return labels.EmptyLabels(), nil
	}
	if len(b.list) > maxMetadataPairs {
		return labels.EmptyLabels(), malformed("too much structured metadata", offset)
	}
	for i := range b.list {
		l := &b.list[i]
		switch {
		case l.Name == "":
			return labels.EmptyLabels(), malformed("structured metadata without a name", offset)
		case max(len(l.Name), len(l.Value)) > maxMetadataBytes:
			return labels.EmptyLabels(), malformed("structured metadata too long", offset)
		}
		l.Name = strings.ToValidUTF8(l.Name, "\uFFFD")
		l.Value = strings.ToValidUTF8(l.Value, "\uFFFD")
	}
	slices.SortStableFunc(b.list, byName)
	b.builder.Reset()
	for i, l := range b.list {
		if i+1 < len(b.list) && b.list[i+1].Name == l.Name {
			continue
		}
		b.builder.Add(l.Name, l.Value)
	}
	return b.builder.Labels(), nil
}
