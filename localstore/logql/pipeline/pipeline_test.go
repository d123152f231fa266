package pipeline

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

func compile(t testing.TB, stages string, o Options) *Pipeline {
	t.Helper()
	e, err := syntax.Parse(`count_over_time({a="b"} ` + stages + `[1m])`)
	require.NoError(t, err, stages)
	p, err := New(e.(*syntax.RangeAggregation).Log.Stages, o)
	require.NoError(t, err)
	return p
}

func run(p *Pipeline, line string) (map[string]string, bool) {
	_, keep := p.Process(&logstore.Record{Stream: labels.FromStrings("a", "b"), Line: []byte(line)})
	if !keep {
		return nil, false
	}
	out := map[string]string{}
	for _, l := range p.Set().Sorted() {
		out[l.Name] = l.Value
	}
	return out, true
}

// The cheaper forms of an expression must say what the expression says.
func TestRegexpFiltersAgreeWithTheExpression(t *testing.T) {
	exprs := []string{
		"a", "a|b|cd", "(ab|a)c", "a.*b", ".*ab.*", "ab?c", "(?i)AB", "[abc]b", "a+b", "(a|b)+c", "^a", "b$", "", "a||b",
		"x(a|b)y", "a{2,3}b", "(?:ab){2}", "\\.", "a\\b", "[^a]b", ".", ".*", "(|a)b", "(?-s)a.b", "\ufffd",
	}
	rapid.Check(t, func(t *rapid.T) {
		expr := rapid.SampledFrom(exprs).Draw(t, "expr")
		line := rapid.StringOfN(rapid.RuneFrom([]rune("abcdxyABC. \n\ufffd")), 0, 12, -1).Draw(t, "line")
		if rapid.Bool().Draw(t, "broken") {
			line += "\xff"
		}
		f, needles, err := compileRegexp(expr)
		if err != nil {
			t.Fatal(err)
		}
		want := regexp.MustCompile("(?s)" + expr).MatchString(line)
		if got := f.match([]byte(line)); got != want {
			t.Fatalf("%q on %q: %v", expr, line, got)
		}
		for _, n := range needles {
			if want && !strings.Contains(line, n) {
				t.Fatalf("%q matches %q, which lacks the needle %q", expr, line, n)
			}
		}
	})
}

// flatten is what `| json` has to make, the slow way.
func flatten(prefix string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			name := k
			if prefix != "" {
				name = prefix + "_" + k
			}
			flatten(name, x, out)
		}
	case string:
		out[prefix] = v
	case json.Number:
		out[prefix] = v.String()
	case bool:
		out[prefix] = map[bool]string{true: "true", false: "false"}[v]
	}
}

func TestJSONLabelsAgreeWithEncodingJSON(t *testing.T) {
	p := compile(t, "| json", Options{AllLabels: true})
	key := rapid.StringMatching(`[c-z][c-z0-9]{0,4}`)
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		leaves := []*rapid.Generator[any]{
			rapid.String().AsAny(), rapid.Int().AsAny(), rapid.Bool().AsAny(), rapid.Float64Range(-1e9, 1e9).AsAny(),
			rapid.SliceOfN(rapid.String(), 0, 3).AsAny(),
		}
		if depth < 3 {
			leaves = append(leaves, rapid.MapOfN(key, rapid.Deferred(func() *rapid.Generator[any] { return value(depth + 1) }), 0, 4).AsAny())
		}
		return rapid.OneOf(leaves...)
	}
	rapid.Check(t, func(t *rapid.T) {
		doc := rapid.MapOfN(key, value(0), 0, 5).Draw(t, "doc")
		line, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(strings.NewReader(string(line)))
		d.UseNumber()
		var back map[string]any
		if err := d.Decode(&back); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"a": "b"}
		flatten("", back, want)
		got, _ := run(p, string(line))
		if len(got) != len(want) {
			t.Fatalf("%s\ngot  %v\nwant %v", line, got, want)
		}
		for k, v := range want {
			if got[k] != v {
				t.Fatalf("%s: %s is %q, want %q", line, k, got[k], v)
			}
		}
	})
}

// Labels that nobody wants are not made, and the others do not notice.
func TestWantedLabelsDoNotDependOnTheOthers(t *testing.T) {
	for _, stages := range []string{
		"| json", "| logfmt", "| json | x=\"1\"", "| logfmt | x!=\"1\" | label_format z=x", "| json q=\"x\"", "| logfmt q=\"x\"",
		"| regexp `x=(?P<x>\\d+)`", "| pattern `<_>x=<x> <_>`", "| json | keep x", "| json | drop x=\"2\"", "| json | a_extracted=\"h\"",
	} {
		all, some := compile(t, stages, Options{AllLabels: true}), compile(t, stages, Options{Wanted: []string{"x", "a_extracted", "q", "z"}})
		for _, line := range []string{
			`{"x": 1, "y": {"x": 2}, "a": "h"}`, `x=1 y=2 a=h`, `y=1 x=2 `, `{"y": 1}`, `{"x": "\u0031", "y`, `plain`, ``,
		} {
			want, keep1 := run(all, line)
			got, keep2 := run(some, line)
			require.Equal(t, keep1, keep2, "%s on %s", stages, line)
			for _, name := range []string{"x", "a_extracted", "q", "z", ErrorLabel} {
				require.Equal(t, want[name], got[name], "%s of %s on %s", name, stages, line)
			}
		}
	}
}

// What each pattern finds among the words over a and b of at most four letters, as
// the real Loki answers.
func TestPatternFiltersTakeTheFirstPlace(t *testing.T) {
	var words []string
	for n := range 4 {
		for i := range 2 << n {
			w := ""
			for bit := n; bit >= 0; bit-- {
				w += string("ab"[i>>bit&1])
			}
			words = append(words, w)
		}
	}
	for pattern, want := range map[string]string{
		"ab":          "ab aab bab aaab baab bbab",
		"<_>a":        "ba bba bbba",
		"a<_>b":       "aab aaab baab",
		"a<_>a":       "aba abba baba",
		"a<_>a<_>":    "abaa abab",
		"<_>b<_>b":    "abab",
		"<_>ab<_>":    "aaba aabb baba babb",
		"a<_>b<_>":    "aaba aabb",
		"<_>aa":       "baa abaa bbaa",
		"ab<_>ab<_>b": "",
	} {
		p := compile(t, `|> "`+pattern+`"`, Options{})
		var got []string
		for _, w := range words {
			if _, keep := run(p, w); keep {
				got = append(got, w)
			}
		}
		require.ElementsMatch(t, strings.Fields(want), got, pattern)
	}
	_, keep := run(compile(t, `|> "<_>"`, Options{}), "")
	require.False(t, keep)
}

func TestHintsNameOnlyWhatEveryEntryHolds(t *testing.T) {
	for _, c := range []struct {
		stages   string
		contains []string
		having   []labels.Label
	}{
		{`|= "x" |~ "yyz+" != "z"`, []string{"x", "yy"}, nil},
		{`|= "x" or "y"`, nil, nil},
		{`| line_format "new" |= "new"`, nil, nil},
		{`| json |= "x"`, []string{"x"}, nil},
		{`|> "<_>abc<_>"`, []string{"abc"}, nil},
		{`| id="1" and n > 5 | t="2"`, nil, []labels.Label{{Name: "id", Value: "1"}, {Name: "t", Value: "2"}}},
		{`| id="1" or t="2"`, nil, nil},
		{`| id!="1" | id=~"1" | id="" | id_extracted="1"`, nil, nil},
		{`| json | id="1"`, nil, nil},
		{`| drop id | id="1"`, nil, nil},
	} {
		p := compile(t, c.stages, Options{AllLabels: true})
		require.Equal(t, c.contains, p.Contains(), c.stages)
		require.Equal(t, c.having, p.Having(), c.stages)
	}
}

var hotLines = []string{
	`{"ts":"2024-01-01T00:00:00Z","level":"info","msg":"request done","status":200,"took":"15ms","user":{"id":"42","name":"x"}}`,
	`level=info ts=2024-01-01T00:00:00Z msg="request done" status=200 took=15ms error=none`,
}

func BenchmarkProcess(b *testing.B) {
	for name, stages := range map[string]string{
		"contains": `|= "done"`, "regexp": `|~ "requ[e]st.*done"`, "json": `| json | level="info"`, "logfmt": `| logfmt | level="info"`,
	} {
		b.Run(name, func(b *testing.B) {
			p := compile(b, stages, Options{Wanted: []string{"level"}})
			line := hotLines[0]
			if name == "logfmt" {
				line = hotLines[1]
			}
			r := &logstore.Record{Stream: labels.FromStrings("app", "x"), Line: []byte(line)}
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				p.Process(r)
			}
		})
	}
}

// No line may break a parser, whatever it holds.
func FuzzParsersSurviveAnyLine(f *testing.F) {
	for _, l := range append(hotLines, ``, `{`, `{"a`, `{"a":`, `{"a":[`, `{"a":{"b":"\u`, `{"a":"\ud800"}`, `=`, `a="`, `a="\`, "\x1b[", "\x1b[31m", "10.0.0.1:80 ::1") {
		f.Add([]byte(l))
	}
	var all []*Pipeline
	for _, stages := range []string{
		"| json", `| json x="a.b[0]", y="c"`, "| logfmt", "| logfmt --strict --keep-empty", `| logfmt x="a"`, "| unpack", "| decolorize",
		"| pattern `<a> x <b>`", "| regexp `(?P<x>.)(?P<y>.*)`", `|= ip("10.0.0.0/8") or ip("::1")`, `|> "<_>a<_>b"`,
		`| json | a > 1 | b < 5s | c == 1KB | d=ip("10.0.0.0/8")`, "| json | line_format `{{.a | upper}}{{.b}}` | label_format c=a",
	} {
		all = append(all, compile(f, stages, Options{AllLabels: true}))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		before := string(line)
		for _, p := range all {
			if _, keep := p.Process(&logstore.Record{Stream: labels.FromStrings("a", "b"), Line: line}); !keep {
				continue
			}
			seen := map[string]bool{}
			for _, l := range p.Set().Sorted() {
				if seen[l.Name] || l.Name == "" {
					t.Fatalf("label %q twice or without a name", l.Name)
				}
				seen[l.Name] = true
			}
		}
		if string(line) != before {
			t.Fatal("the record was changed")
		}
	})
}

// A parser reads until it has what is asked for; what breaks behind that is
// nobody's business. The names of keys are guessed by their place, and right
// where the guess is wrong.
func TestParsersReadNoFurtherThanTheyMust(t *testing.T) {
	for _, c := range []struct {
		stages, line string
		wanted       []string
		want         map[string]string
	}{
		{"| json", `{"x":1,"level":"info","y":2,`, []string{"level"}, map[string]string{"a": "b", "level": "info"}},
		{"| json", `{"x":1,"level":"info","y":2,`, []string{"level", "y"}, map[string]string{"a": "b", "level": "info", "y": "2"}},
		{"| json", `{"x":1,"level":"info",`, []string{"level", "z"}, map[string]string{"a": "b", "level": "info", "__error__": "JSONParserErr", "__error_details__": errJSONArray.Error()}},
		{"| json", `{"a":1,`, []string{"a_extracted"}, map[string]string{"a": "b", "a_extracted": "1"}},
		{"| json", `{"a":1,`, []string{"a"}, map[string]string{"a": "b", "a_extracted": "1", "__error__": "JSONParserErr", "__error_details__": errJSONArray.Error()}},
		{"| json", `{"n":{"m":1},`, []string{"n_m"}, map[string]string{"a": "b", "n_m": "1"}},
		{"| json", `{"x":1,`, []string{}, map[string]string{"a": "b"}},
		{"| logfmt", `x=1 level=info y="2`, []string{"level"}, map[string]string{"a": "b", "level": "info"}},
		{"| logfmt --strict", `x=1 level=info y="2`, []string{"level"}, map[string]string{"a": "b", "level": "info"}},
		{"| logfmt --strict | y=``", `x=1 level=info y="2`, []string{"level"}, map[string]string{"a": "b", "level": "info", "__error__": "LogfmtParserErr", "__error_details__": "logfmt syntax error at pos 20 : unterminated quoted value"}},
	} {
		p := compile(t, c.stages, Options{Wanted: c.wanted})
		for _, before := range []string{`{"level":"other","x":{"n":1},"a":3}`, `y=1 x=2 n=3`, c.line} {
			run(p, before)
			got, keep := run(p, c.line)
			require.True(t, keep)
			require.Equal(t, c.want, got, "%s after %s", c.line, before)
		}
	}
}
