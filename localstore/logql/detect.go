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
}

// DetectFields looks at the newest entries of a log query, p.Limit of them, and
// tells what could be asked of them.
func (e *Engine) DetectFields(ctx context.Context, expr *syntax.LogExpr, p Params) ([]Field, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, e.opts.Timeout, ErrTimeout)
	defer cancel()
	o := pipeline.Options{AllLabels: true, Now: e.opts.Now}
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
		Contains: asJSON.Contains(), Having: asJSON.Having(),
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
	return d.result(), err
}

type detection struct{ fields map[string]*detected }

type detected struct {
	kind    string
	values  map[string]bool
	parsers map[string]bool
}

func (d *detection) add(set *pipeline.Set, parser string) {
	for _, l := range set.Sorted() {
		if l.Category == pipeline.Stream || l.Value == "" || strings.HasPrefix(l.Name, "__error") {
			continue
		}
		f := d.fields[l.Name]
		if f == nil {
			f = &detected{kind: kindOf(l.Value), values: map[string]bool{}, parsers: map[string]bool{}}
			d.fields[strings.Clone(l.Name)] = f
		} else if f.kind != kindOf(l.Value) {
			f.kind = "string"
		}
		f.values[strings.Clone(l.Value)] = true
		if l.Category == pipeline.Parsed {
			f.parsers[parser] = true
		}
	}
}

func (d *detection) result() []Field {
	out := make([]Field, 0, len(d.fields))
	for name, f := range d.fields {
		out = append(out, Field{Name: name, Type: f.kind, Values: keys(f.values), Parsers: keys(f.parsers)})
	}
	slices.SortFunc(out, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return out
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
