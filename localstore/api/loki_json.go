package api

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql"
)

// answer is JSON that is being written. Answers are large and flat; reflection
// would cost more than the query.
type answer []byte

func success(data func(answer) answer) answer {
	a := answer(`{"status":"success","data":`)
	return append(data(a), '}')
}

const hexDigits = "0123456789abcdef"

// str writes a string; bytes that are no UTF-8 become the replacement character.
func (a answer) str(s string) answer {
	a = append(a, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				a = append(append(a, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		a = append(a, s[start:i]...)
		switch c {
		case '"', '\\':
			a = append(a, '\\', c)
		case '\n':
			a = append(a, '\\', 'n')
		case '\r':
			a = append(a, '\\', 'r')
		case '\t':
			a = append(a, '\\', 't')
		default:
			a = append(a, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(a, s[start:]...), '"')
}

func (a answer) strs(all []string) answer {
	a = append(a, '[')
	for i, s := range all {
		if i > 0 {
			a = append(a, ',')
		}
		a = a.str(s)
	}
	return append(a, ']')
}

func (a answer) labels(ls labels.Labels) answer {
	a = append(a, '{')
	first := true
	ls.Range(func(l labels.Label) {
		if !first {
			a = append(a, ',')
		}
		first = false
		a = append(a.str(l.Name), ':')
		a = a.str(l.Value)
	})
	return append(a, '}')
}

// point writes [seconds,"value"].
func (a answer) point(p logql.Point) answer {
	a = append(a, '[')
	a = strconv.AppendFloat(a, float64(p.T)/1000, 'f', -1, 64)
	a = append(a, `,"`...)
	a = strconv.AppendFloat(a, p.V, 'f', -1, 64)
	return append(a, `"]`...)
}

// queryAnswer writes the result of a query with its statistics.
func queryAnswer(res logql.Result, categorized bool) answer {
	return success(func(a answer) answer {
		a = append(a, `{"resultType":"`...)
		a = append(append(a, res.Value.Type()...), '"')
		if _, ok := res.Value.(logql.Streams); ok && categorized {
			a = append(a, `,"encodingFlags":["categorize-labels"]`...)
		}
		a = append(a, `,"result":`...)
		a = a.value(res.Value, categorized)
		a = append(a, `,"stats":`...)
		return append(a.json(lokiStats(res.Stats)), '}')
	})
}

func (a answer) value(v logql.Value, categorized bool) answer {
	if s, ok := v.(logql.Scalar); ok {
		return a.point(logql.Point(s))
	}
	a = append(a, '[')
	comma := func(i int) {
		if i > 0 {
			a = append(a, ',')
		}
	}
	switch v := v.(type) {
	case logql.Streams:
		for i, s := range v {
			comma(i)
			a = a.stream(s, categorized)
		}
	case logql.Matrix:
		for i, s := range v {
			comma(i)
			a = append(a, `{"metric":`...)
			a = append(a.labels(s.Metric), `,"values":[`...)
			for k, p := range s.Points {
				comma(k)
				a = a.point(p)
			}
			a = append(a, `]}`...)
		}
	case logql.Vector:
		for i, s := range v {
			comma(i)
			a = append(a, `{"metric":`...)
			a = append(a.labels(s.Metric), `,"value":`...)
			a = append(a.point(s.Point), '}')
		}
	}
	return append(a, ']')
}

func (a answer) stream(s logql.Stream, categorized bool) answer {
	a = append(a, `{"stream":`...)
	a = append(a.labels(s.Labels), `,"values":[`...)
	for i, e := range s.Entries {
		if i > 0 {
			a = append(a, ',')
		}
		a = append(a, `["`...)
		a = strconv.AppendInt(a, e.Timestamp, 10)
		a = append(a, `",`...)
		a = a.str(e.Line)
		if categorized {
			a = append(a, `,{`...)
			if !e.Metadata.IsEmpty() {
				a = append(a, `"structuredMetadata":`...)
				a = a.labels(e.Metadata)
			}
			if !e.Parsed.IsEmpty() {
				if !e.Metadata.IsEmpty() {
					a = append(a, ',')
				}
				a = append(a, `"parsed":`...)
				a = a.labels(e.Parsed)
			}
			a = append(a, '}')
		}
		a = append(a, ']')
	}
	return append(a, `]}`...)
}

// json writes small things that are not worth a writer of their own.
func (a answer) json(v any) answer {
	b, err := json.Marshal(v)
	if err != nil {
		return append(a, "null"...)
	}
	return append(a, b...)
}
