package pipeline

import (
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// stage is one step; it may replace the line, change the labels, or drop the
// entry by returning false.
type stage interface {
	process(line []byte, s *Set) ([]byte, bool)
}

// Options say what the caller will do with the entries.
type Options struct {
	// Wanted are the labels that the caller looks at; AllLabels means any.
	Wanted    []string
	AllLabels bool
	// Now is the clock that templates may ask.
	Now func() time.Time
	// JSONPaths, if not nil, is filled with where in documents `| json` found
	// what it made labels of, by the label.
	JSONPaths map[string][]string
	// plain leaves out what spares work, for those who compare.
	plain bool
}

// Pipeline is the compiled form of a query's stages.
type Pipeline struct {
	first    []lineFilter // stand before all else and need no labels
	rest     []stage
	set      Set
	rendered *renderer
	needles  []string
	having   []labels.Label

	record *logstore.Record
	loaded bool
	value  float64
}

// New compiles the stages.
func New(stages []syntax.Stage, o Options) (*Pipeline, error) {
	p := &Pipeline{rendered: &renderer{}, having: having(stages)}
	var n needed
	if !o.AllLabels {
		n = need(stages, o.Wanted)
	}
	if o.Now == nil {
		o.Now = func() time.Time { return time.Time{} }
	}
	lineChanged := false
	for i, s := range stages {
		if f, ok := s.(*syntax.LineFilter); ok {
			one, needles, err := compileLineFilter(f)
			if err != nil {
				return nil, err
			}
			if !lineChanged {
				p.needles = append(p.needles, needles...)
			}
			if len(p.rest) == 0 {
				p.first = append(p.first, one)
			} else {
				p.rest = append(p.rest, lineStage{one})
			}
			continue
		}
		if n != nil && len(n) == 0 && parses(s) {
			continue // nobody looks at what it would find, nor at its faults
		}
		var behind []syntax.Stage
		if !o.plain {
			behind = stages[i+1:]
		}
		if _, ok := s.(*syntax.Regexp); ok {
			p.rest = append(p.rest, foretold(behind)...)
		}
		one, err := p.compile(s, behind, n, o)
		if err != nil {
			return nil, err
		}
		switch s.(type) {
		case *syntax.LineFormat, *syntax.Decolorize, *syntax.Unpack:
			lineChanged = true
		}
		p.rest = append(p.rest, one)
	}
	return p, nil
}

// lastOfEach keeps the last of several keys for one label that is needed.
func lastOfEach(exprs []syntax.Extraction, n needed) []syntax.Extraction {
	var out []syntax.Extraction
	for _, x := range exprs {
		if !n.has(x.Label) {
			continue
		}
		out = slices.DeleteFunc(out, func(o syntax.Extraction) bool { return o.Label == x.Label })
		out = append(out, x)
	}
	return out
}

// parses says whether a stage does nothing but make labels.
func parses(s syntax.Stage) bool {
	switch s.(type) {
	case *syntax.JSON, *syntax.Logfmt, *syntax.Regexp, *syntax.Pattern:
		return true
	}
	return false
}

func (p *Pipeline) compile(s syntax.Stage, behind []syntax.Stage, n needed, o Options) (stage, error) {
	switch s := s.(type) {
	case *syntax.JSON:
		if len(s.Exprs) > 0 {
			return newJSONFields(s.Exprs, n)
		}
		c, err := earlyChecks(behind)
		return &jsonStage{names: names{needed: n, checks: c}, paths: o.JSONPaths}, err
	case *syntax.Logfmt:
		c, err := earlyChecks(behind)
		return &logfmtStage{strict: s.Strict, keepEmpty: s.KeepEmpty, all: len(s.Exprs) == 0, fields: lastOfEach(s.Exprs, n), names: names{needed: n, checks: c}}, err
	case *syntax.Regexp:
		return newRegexpStage(s.Expr, n)
	case *syntax.Pattern:
		return newPatternStage(s.Expr, n)
	case *syntax.Unpack:
		return &unpackStage{}, nil
	case *syntax.LabelFilter:
		c, err := compileCond(s.Cond)
		return labelFilter{c}, err
	case *syntax.LineFormat:
		t, err := p.rendered.parse("line", s.Template, o.Now)
		return &lineFormat{r: p.rendered, t: t}, err
	case *syntax.LabelFormat:
		f := &labelFormat{r: p.rendered}
		for _, it := range s.Items {
			item := labelFormatItem{dst: it.Dst, src: it.Src}
			if !it.Rename {
				var err error
				if item.t, err = p.rendered.parse("label", it.Src, o.Now); err != nil {
					return nil, err
				}
			}
			f.items = append(f.items, item)
		}
		return f, nil
	case *syntax.Decolorize:
		return decolorize{}, nil
	case *syntax.LabelSelect:
		if s.Keep {
			return keepLabels{s.Items}, nil
		}
		return dropLabels{s.Items}, nil
	case *syntax.Unwrap:
		return &unwrapStage{p: p, label: s.Label, read: unwrapReader(s.Func)}, nil
	}
	return nil, fmt.Errorf("unknown stage %T", s)
}

type lineStage struct{ lineFilter }

func (f lineStage) process(line []byte, _ *Set) ([]byte, bool) { return line, f.match(line) }

// Contains lists texts that every entry that passes holds in its stored line.
func (p *Pipeline) Contains() []string { return p.needles }

// Having lists values that every entry that passes has in its metadata or its
// stream's labels.
func (p *Pipeline) Having() []labels.Label { return p.having }

// Process runs an entry through the stages. The line and the labels are valid
// until the next call, and no longer than the record.
func (p *Pipeline) Process(r *logstore.Record) (line []byte, keep bool) {
	line = r.Line
	for _, f := range p.first {
		if !f.match(line) {
			return nil, false
		}
	}
	p.record, p.loaded = r, false
	if len(p.rest) == 0 {
		return line, true
	}
	p.rendered.time = r.Timestamp
	s := p.Set()
	for _, one := range p.rest {
		var ok bool
		if line, ok = one.process(line, s); !ok {
			return nil, false
		}
	}
	return line, true
}

// Set holds the labels of the entry that Process kept. They are put together
// only when somebody asks.
func (p *Pipeline) Set() *Set {
	if !p.loaded {
		p.set.reset(p.record.Stream, p.record.Metadata)
		p.loaded = true
	}
	return &p.set
}

// Value is what unwrap found.
func (p *Pipeline) Value() float64 { return p.value }

const errSample = "SampleExtractionErr"

// unwrapStage reads the sample's value. A label that is not there, or empty,
// drops the entry; one that cannot be read marks it. The label leaves the set: it would
// make a series for every value.
type unwrapStage struct {
	p     *Pipeline
	label string
	read  func(string) (float64, error)
}

func (u *unwrapStage) process(line []byte, s *Set) ([]byte, bool) {
	text, ok := s.Get(u.label)
	if !ok || text == "" {
		return line, false
	}
	v, err := u.read(text)
	if err != nil {
		s.setError(errSample, err.Error())
		v = 0
	}
	u.p.value = v
	s.del(u.label)
	return line, true
}

func unwrapReader(convert string) func(string) (float64, error) {
	switch convert {
	case "bytes":
		return func(s string) (float64, error) {
			v, err := syntax.ParseBytes(s)
			return float64(v), err
		}
	case "duration", "duration_seconds":
		return func(s string) (float64, error) {
			d, err := time.ParseDuration(s)
			return d.Seconds(), err
		}
	}
	return readFloat
}

// Loaded says whether the labels of the entry have been put together, which a
// stage may have needed. If not, they are the record's own.
func (p *Pipeline) Loaded() bool { return p.loaded }
