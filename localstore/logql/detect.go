package logql

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/localstore/logql/pipeline"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// Field is something that entries carry beside their stream's labels: a piece of
// structured metadata, or what a parser finds in the line.
type Field struct {
	Name    string
	Type    string   // boolean, bytes, duration, float, int or string
	Values  []string // sorted
	Parsers []string // json, logfmt; none for structured metadata
	// JSONPath is where in a JSON document the field stands.
	JSONPath []string
}

// DetectFields looks at the newest entries of a log query, p.Limit of them, and
// tells what could be asked of them.
func (e *Engine) DetectFields(ctx context.Context, expr *syntax.LogExpr, p Params) ([]Field, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, e.opts.Timeout, ErrTimeout)
	defer cancel()
	o := pipeline.Options{AllLabels: true, Now: e.opts.Now}
	paths := map[string][]string{}
	o.JSONPaths = paths
	asJSON, err := pipeline.New(append(slices.Clone(expr.Stages), &syntax.JSON{}), o)
	if err != nil {
		return nil, &EvalError{err}
	}
	asLogfmt, err := pipeline.New(append(slices.Clone(expr.Stages), &syntax.Logfmt{}), o)
	if err != nil {
		return nil, &EvalError{err}
	}
	it := e.src.Iterate(ctx, logstore.Selection{
		Matchers: expr.Matchers, From: p.Start.UnixNano(), To: p.End.UnixNano(), Backward: true,
		Contains: asJSON.Contains(), Having: asJSON.Having(), Admit: e.newQuery(ctx, p).admit,
	})
	d := detection{fields: map[string]*detected{}}
	for lines := 0; lines < p.Limit && it.Next(); {
		if err := ctx.Err(); err != nil {
			_ = it.Close()
			return nil, err
		}
		r := it.At()
		if _, keep := asJSON.Process(r); !keep {
			continue
		}
		lines++
		parser, set := "json", asJSON.Set()
		if set.Err() != "" {
			if _, keep := asLogfmt.Process(r); !keep {
				continue
			}
			parser, set = "logfmt", asLogfmt.Set()
		}
		d.add(set, parser)
	}
	err = it.Err()
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	return d.result(paths), err
}

type detection struct{ fields map[string]*detected }

type detected struct {
	kind    string
	values  map[string]bool
	parsers map[string]bool
}

func (d *detection) add(set *pipeline.Set, parser string) {
	for _, l := range set.Sorted() {
		if l.Category == pipeline.Stream || strings.HasPrefix(l.Name, "__error") {
			continue
		}
		f := d.fields[l.Name]
		if f == nil {
			f = &detected{kind: kindOf(l.Value), values: map[string]bool{}, parsers: map[string]bool{}}
			d.fields[strings.Clone(l.Name)] = f
		} else {
			f.kind = both(f.kind, kindOf(l.Value))
		}
		f.values[strings.Clone(l.Value)] = true
		if l.Category == pipeline.Parsed {
			f.parsers[parser] = true
		}
	}
}

func (d *detection) result(paths map[string][]string) []Field {
	out := make([]Field, 0, len(d.fields))
	for name, f := range d.fields {
		field := Field{Name: name, Type: f.kind, Values: keys(f.values), Parsers: keys(f.parsers)}
		if f.parsers["json"] {
			field.JSONPath = paths[strings.TrimSuffix(name, "_extracted")]
		}
		out = append(out, field)
	}
	slices.SortFunc(out, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// both is the type of a field that has values of two types.
func both(a, b string) string {
	switch {
	case a == b:
		return a
	case a == "int" && b == "float", a == "float" && b == "int":
		return "float"
	}
	return "string"
}

func keys(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func kindOf(v string) string {
	if _, err := strconv.ParseInt(v, 10, 64); err == nil {
		return "int"
	}
	if _, err := strconv.ParseFloat(v, 64); err == nil {
		return "float"
	}
	if v == "true" || v == "false" {
		return "boolean"
	}
	if _, err := time.ParseDuration(v); err == nil {
		return "duration"
	}
	if _, err := syntax.ParseBytes(v); err == nil {
		return "bytes"
	}
	return "string"
}
