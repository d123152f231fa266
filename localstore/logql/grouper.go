package logql

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql/pipeline"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// grouper numbers the series that entries belong to.
type grouper struct {
	pipe *pipeline.Pipeline
	by   []string // sorted; with all set, the labels left out
	all  bool     // all labels but those in by
	// keepErrors keeps the error labels beside those in by, as range
	// aggregations do and vector aggregations do not.
	keepErrors bool
	// direct: labels in by are those of the record, so no set need be built.
	direct bool

	index map[string]int
	key   []byte
	kept  []pipeline.Label
	fresh string

	// The entry before, whose stream the next one most likely shares.
	lastStream labels.Labels
	last       int
}

func newGrouper(p *pipeline.Pipeline, g *syntax.Grouping, keepErrors bool) *grouper {
	out := &grouper{pipe: p, all: g == nil, keepErrors: keepErrors, index: map[string]int{}, last: -1}
	if g != nil {
		out.all = g.Without
		out.by = slices.Compact(slices.Sorted(slices.Values(g.Labels)))
	}
	out.direct = !out.all && !slices.ContainsFunc(out.by, func(name string) bool {
		return strings.HasSuffix(name, "_extracted") || strings.HasPrefix(name, pipeline.ErrorLabel)
	})
	return out
}

// of is the number of the entry's series; a number not seen before is the next
// one, and series then says which.
func (g *grouper) of(r *logstore.Record) (int, error) {
	plain := !g.pipe.Loaded()
	if plain && g.last >= 0 && (r.Metadata.IsEmpty() || len(g.by) == 0 && !g.all) && labels.Equal(r.Stream, g.lastStream) {
		return g.last, nil
	}
	if err := g.pipelineError(); err != nil {
		return 0, err
	}
	if plain && g.direct {
		g.fromRecord(r)
	} else {
		g.fromSet()
	}
	g.key = appendKey(g.key[:0], g.kept)
	i, ok := g.index[string(g.key)]
	if !ok {
		i = len(g.index)
		g.fresh = string(g.key)
		g.index[g.fresh] = i
	}
	g.last = -1
	if plain && (r.Metadata.IsEmpty() || len(g.by) == 0 && !g.all) {
		g.last, g.lastStream = i, r.Stream.Copy()
	}
	return i, nil
}

// series is the key of a series that is new, the same for all groupers of an
// aggregation, and what makes its labels.
func (g *grouper) series() (key string, metric func() labels.Labels) {
	return g.fresh, func() labels.Labels { return pipeline.Labels(g.kept) }
}

func (g *grouper) pipelineError() error {
	if !g.pipe.Loaded() {
		return nil
	}
	set := g.pipe.Set()
	if set.Err() == "" || set.ErrKept() {
		return nil
	}
	return &PipelineError{Name: set.Err(), Series: pipeline.Labels(set.Sorted())}
}

// fromRecord looks only for the labels that matter.
func (g *grouper) fromRecord(r *logstore.Record) {
	g.kept = g.kept[:0]
	for _, name := range g.by {
		v := r.Stream.Get(name)
		if v == "" {
			v = r.Metadata.Get(name)
		}
		if v != "" {
			g.kept = append(g.kept, pipeline.Label{Name: name, Value: v})
		}
	}
}

func (g *grouper) fromSet() {
	g.kept = g.kept[:0]
	set := g.pipe.Set()
	if !g.all && !set.Faulty() {
		for _, name := range g.by {
			if v, _ := set.Get(name); v != "" {
				g.kept = append(g.kept, pipeline.Label{Name: name, Value: v})
			}
		}
		return
	}
	for _, l := range set.Sorted() {
		_, named := slices.BinarySearch(g.by, l.Name)
		isError := l.Name == pipeline.ErrorLabel || l.Name == pipeline.ErrorDetailsLabel
		if named != g.all || isError && g.keepErrors {
			// Grouping by a label that is there and empty is as if it were not.
			if l.Value != "" || g.all {
				g.kept = append(g.kept, l)
			}
		}
	}
}
