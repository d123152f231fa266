package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// both compiles the stages as they are run and without what spares work.
func both(t *rapid.T, stages string, o Options) (quick, plain *Pipeline) {
	e, err := syntax.Parse(`count_over_time({a="b"} ` + stages + `[1m])`)
	if err != nil {
		t.Fatalf("%s: %v", stages, err)
	}
	ast := e.(*syntax.RangeAggregation).Log.Stages
	if quick, err = New(ast, o); err != nil {
		t.Fatal(err)
	}
	o.plain = true
	if plain, err = New(ast, o); err != nil {
		t.Fatal(err)
	}
	return quick, plain
}

var (
	fieldNames  = []string{"x", "y", "z", "x_z"}
	fieldValues = []string{"1", "20", "300", "abc", "5s", "true", `q\"t`, `\u0031`, `\u0061bc`, "", "a b"}
)

// drawLine makes a line of fields in an order that repeats, now and then
// broken in its last byte or behind it.
func drawLine(t *rapid.T, json bool) string {
	var fields []string
	for range rapid.IntRange(0, 5).Draw(t, "fields") {
		k, v := rapid.SampledFrom(fieldNames).Draw(t, "key"), rapid.SampledFrom(fieldValues).Draw(t, "value")
		quoted := rapid.IntRange(0, 2).Draw(t, "quoted") > 0 || strings.ContainsAny(v, `\ `)
		switch {
		case json && k == "x_z":
			fields = append(fields, fmt.Sprintf(`"x": {"z": "%s"}`, v))
		case json && (quoted || v == "" || v == "abc" || v == "5s"):
			fields = append(fields, fmt.Sprintf(`"%s":"%s"`, k, v))
		case json:
			fields = append(fields, fmt.Sprintf(`"%s":%s`, k, v))
		case quoted:
			fields = append(fields, fmt.Sprintf(`%s="%s"`, k, v))
		default:
			fields = append(fields, k+"="+v)
		}
	}
	if json {
		return "{" + strings.Join(fields, rapid.SampledFrom([]string{",", ", "}).Draw(t, "comma")) + "}"
	}
	return strings.Join(fields, " ")
}

func drawFilter(t *rapid.T) string {
	name := rapid.SampledFrom(append(fieldNames, "x", "x_extracted")).Draw(t, "label")
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return name + rapid.SampledFrom([]string{` > 5`, ` <= 20`, ` == 1`, ` != 300`}).Draw(t, "number")
	case 1:
		return name + ` >= 2s`
	case 2:
		return name + rapid.SampledFrom([]string{`=~"a.*"`, `!="1"`, `!~"[0-9]+"`, `=""`}).Draw(t, "text")
	case 3:
		return fmt.Sprintf(`(%s="1" or y > 2)`, name)
	case 4:
		return name + ` = ip("10.0.0.0/8")`
	}
	return fmt.Sprintf("%s=%q", name, rapid.SampledFrom([]string{"1", "20", "abc", "a b", `q"t`, "5s"}).Draw(t, "equal"))
}

// What is decided early is what the filters would decide, and what is read is
// what would be read, whichever lines came before.
func TestEarlyDecisionsAreThoseOfTheFilters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		json := rapid.Bool().Draw(t, "json")
		stages := "| logfmt"
		switch rapid.IntRange(0, 3).Draw(t, "parser") {
		case 0:
			stages = "| logfmt --strict --keep-empty"
		case 1:
			stages = "| regexp `x.{1,2}(?P<x>[0-9a-z]+)` | regexp `y.{1,2}(?P<y>[^\",]*)`"
		case 2:
			stages = "| drop y"
		}
		if json && strings.HasPrefix(stages, "| logfmt") {
			stages = "| json"
		}
		if stages == "| drop y" {
			stages += map[bool]string{true: " | json", false: " | logfmt"}[json]
		}
		for range rapid.IntRange(1, 3).Draw(t, "filters") {
			stages += " | " + drawFilter(t)
		}
		o := Options{AllLabels: rapid.Bool().Draw(t, "all"), Wanted: []string{"z"}}
		quick, plain := both(t, stages, o)
		stream := labels.FromStrings("a", "b", "y", "20")
		meta := labels.FromStrings("x", rapid.SampledFrom([]string{"", "1", "7"}).Draw(t, "metadata"))
		if meta.Get("x") == "" {
			meta = labels.EmptyLabels()
		}
		for range rapid.IntRange(1, 12).Draw(t, "lines") {
			r := &logstore.Record{Stream: stream, Metadata: meta, Line: []byte(drawLine(t, json))}
			_, want := plain.Process(r)
			_, got := quick.Process(r)
			if got != want {
				t.Fatalf("%s keeps %s: %v, and with nothing spared %v", stages, r.Line, got, want)
			}
			if !got {
				continue
			}
			if o.AllLabels {
				require.Equal(t, Labels(plain.Set().Sorted()), Labels(quick.Set().Sorted()), "%s on %s", stages, r.Line)
				continue
			}
			for _, name := range []string{"z", ErrorLabel} {
				a, _ := plain.Set().Get(name)
				b, _ := quick.Set().Get(name)
				require.Equal(t, a, b, "%s of %s on %s", name, stages, r.Line)
			}
		}
	})
}

// A line that is broken behind the value that a filter refuses is refused, as by
// Loki; one that is broken before it carries its error.
func TestBehindARefusedValueNobodyReads(t *testing.T) {
	for _, c := range []struct {
		stages, line string
		kept         bool
	}{
		{`| json | x >= 500`, `{"x":200,"y":`, false},
		{`| json | x >= 500`, `{"x":500,"y":`, true},
		{`| json | x != "500"`, `{"y":,"x":500}`, true},
		{`| json | x = "500"`, `{"y":,"x":200}`, false},
		{`| json | y > 1 | x >= 500`, `{"x":200,"y":"abc"}`, false},
		{`| json | x != ip("10.0.0.0/8")`, `{"x":"10.0.0.1","y":`, false},
		{`| json | x != ip("10.0.0.0/8")`, `{"y":`, true}, // only comparisons with addresses let an error pass
		{`| json | x > 1`, `{"y":`, false},
		{`| json | x >= 500 or y = "1"`, `{"x":200,"y":"1"}`, true},
		{`| logfmt --strict | x >= 500`, `x=200 y="`, false},
		{`| logfmt --strict | x != "200"`, `y=" x=200`, true},
	} {
		_, kept := run(compile(t, c.stages, Options{AllLabels: true}), c.line)
		require.Equal(t, c.kept, kept, "%s on %s", c.stages, c.line)
	}
}

// A value that hides behind a label of the stream is not the one that the filter
// looks at.
func TestOnlyTheLabelItselfIsRefusedEarly(t *testing.T) {
	for stages, line := range map[string]string{
		`| json | a = "b"`:      `{"a":"other"}`,
		`| json | a !~ "oth.*"`: `{"a":"other"}`,
		`| logfmt | a = "b"`:    `a=other`,
	} {
		got, kept := run(compile(t, stages, Options{AllLabels: true}), line)
		require.True(t, kept, stages)
		require.Equal(t, "other", got["a_extracted"], stages)
	}
}

// The keys of the line before are a guess, and no more.
func TestAKeyIsReadWhereItStands(t *testing.T) {
	p := compile(t, "| json", Options{AllLabels: true})
	for _, c := range []struct {
		line string
		want map[string]string
	}{
		{`{"x":{"z":1},"y":2}`, map[string]string{"x_z": "1", "y": "2"}},
		{`{"x":3,"z":1,"y":2}`, map[string]string{"x": "3", "z": "1", "y": "2"}},
		{`{"x":{"z":1},"z":4}`, map[string]string{"x_z": "1", "z": "4"}},
		{`{"x": {"z": 1}, "zz": 4}`, map[string]string{"x_z": "1", "zz": "4"}},
		{`{"x" :{"\u007a":5},"z":6}`, map[string]string{"x_z": "5", "z": "6"}},
		{`{"x":{"z":7},"z":8}`, map[string]string{"x_z": "7", "z": "8"}},
		{`{"x":`, map[string]string{ErrorLabel: errJSON, ErrorDetailsLabel: errJSONBroken.Error()}},
	} {
		got, _ := run(p, c.line)
		delete(got, "a")
		require.Equal(t, c.want, got, c.line)
	}
}

// Whatever two lines hold: what spares work keeps the same entries with the same
// labels, but for those that are broken behind a value that a filter refuses.
func FuzzSparingWorkChangesNoEntry(f *testing.F) {
	for _, l := range append(hotLines, `{"x":1,"y":{"x":2}}`, `{"x" : "1", "y": 3}`, `{"x":9,"y":`, `x=1 y=2s`, `x="1 y=2`, `y= x=20`, `{"\u0078":1}`, `{"x":"\u0031"}`) {
		f.Add([]byte(`{"x":1,"y":2}`), []byte(l))
		f.Add([]byte(`x=1 y=2`), []byte(l))
	}
	f.Add([]byte(`{"x":{"y":1},"y":2}`), []byte(`{"x":1,"y":2}`))
	f.Add([]byte(`{"x":"abc"}`), []byte(`x=abc y=abc`))
	type pair struct{ quick, plain *Pipeline }
	var all []pair
	for _, stages := range []string{
		`| json | x > 5`, `| json | x="1" | y_x!="2"`, `| json | y=~"[23].*" | x <= 1KB`, `| json | x != ip("10.0.0.0/8") | a="b"`, `| json | json | x=1`,
		`| json | x=1 or y=2`, `| logfmt | x > 5`, `| logfmt | x="1" | y < 5s`, `| logfmt --strict --keep-empty | x <= 20 | y!=""`, "| regexp `(?P<x>[0-9]+)` | x=\"1\"",
	} {
		all = append(all, pair{compile(f, stages, Options{AllLabels: true}), compile(f, stages, Options{AllLabels: true, plain: true})})
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for n, p := range all {
			for _, line := range [][]byte{first, second, first} {
				r := &logstore.Record{Stream: labels.FromStrings("a", "b"), Line: line}
				_, want := p.plain.Process(r)
				_, got := p.quick.Process(r)
				switch {
				case got && !want, want && !got && p.plain.Set().Err() != errJSON && p.plain.Set().Err() != errLogfmt:
					t.Fatalf("pipeline %d keeps %q: %v, and with nothing spared %v", n, line, got, want)
				case got:
					if a, b := Labels(p.quick.Set().Sorted()), Labels(p.plain.Set().Sorted()); !labels.Equal(a, b) {
						t.Fatalf("pipeline %d on %q: %s, and with nothing spared %s", n, line, a, b)
					}
				}
			}
		}
	})
}
