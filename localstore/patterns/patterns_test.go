package patterns

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/localstore/logql/pipeline"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

var update = flag.Bool("update", false, "write what was found into testdata")

func find(o Options, lines ...string) []Pattern {
	f := NewFinder(o)
	for _, l := range lines {
		f.Add([]byte(l), "", 0)
	}
	return f.Patterns()
}

func TestPatternsKeepWhatHappenedAndLeaveOutToWhom(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		require.NoError(t, err)
		var got bytes.Buffer
		for _, p := range find(Options{Buckets: 1, Limit: 100}, strings.Split(strings.TrimSuffix(string(a.Files[0].Data), "\n"), "\n")...) {
			fmt.Fprintln(&got, p.Total, p.Text)
		}
		if *update {
			a.Files[1].Data = got.Bytes()
			require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o644))
		}
		require.Equal(t, string(a.Files[1].Data), got.String(), file)
	}
}

// matcher is the filter |> with a pattern, as a query has it.
func matcher(t *testing.T, pattern string) func(line string) bool {
	t.Helper()
	require.True(t, utf8.ValidString(pattern), "%q", pattern) // else JSON cannot carry it
	expr, err := syntax.ParseLog(fmt.Sprintf("{a=\"b\"} |> %q", pattern))
	require.NoError(t, err, "%q", pattern)
	p, err := pipeline.New(expr.Stages, pipeline.Options{})
	require.NoError(t, err)
	return func(line string) bool {
		_, keep := p.Process(&logstore.Record{Line: []byte(line)})
		return keep
	}
}

// requireMatches demands that each line is found by a pattern, and that each
// pattern finds at least the lines that it counts.
func requireMatches(t *testing.T, lines []string) {
	t.Helper()
	all := find(Options{Buckets: 1, Limit: len(lines) + 1}, lines...)
	found := make([]bool, len(lines))
	var total int64
	for _, p := range all {
		matches := matcher(t, p.Text)
		var n int64
		for i, l := range lines {
			if matches(l) {
				n++
				found[i] = true
			}
		}
		require.GreaterOrEqual(t, n, p.Total, "%q", p.Text)
		total += p.Total
	}
	for i, l := range lines {
		if l != "" {
			require.True(t, found[i], "%q", l)
			total--
		}
	}
	require.Zero(t, total)
}

// anyLines are lines of words and punctuation that come again and again, so that
// clusters are made, widened and joined.
func anyLines(r *rand.Rand, n int) []string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	lines := make([]string, n)
	for i := range lines {
		var b strings.Builder
		for range r.IntN(9) {
			switch r.IntN(8) {
			case 0:
				fmt.Fprintf(&b, "%d", r.IntN(50))
			case 1:
				fmt.Fprintf(&b, "w%c", 'a'+rune(r.IntN(26)))
			case 2:
				b.WriteString(pick("<b>", "<_>", "<", "\x00", "\x00\x00\x00", "\xff", "é", "日本", "a:", ":1", "::", `\`))
			default:
				b.WriteString(pick("get", "put", "done", "failed", "level=", `"msg":`, "user", "-"))
			}
			b.WriteString(pick(" ", " ", "", ",", ":", "=", ".", "\n"))
		}
		if r.IntN(50) == 0 {
			b.WriteString(strings.Repeat(pick("x", "y ", "é"), maxLine))
		}
		lines[i] = b.String()
	}
	return lines
}

// shortLines are made of so little that the text behind a wildcard is often found
// in what the wildcard stands for.
func shortLines(r *rand.Rand, n int) []string {
	parts := []string{"1", "2", "a", "b", ":", ",", ":", `"`, "<a>", "\xff"}
	lines := make([]string, n)
	for i := range lines {
		var b strings.Builder
		b.WriteString([]string{"", "", "x ", "1 "}[r.IntN(4)])
		for range 1 + r.IntN(8) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		lines[i] = b.String()
	}
	return lines
}

func TestEveryLineMatchesItsPattern(t *testing.T) {
	for seed := range uint64(30) {
		requireMatches(t, anyLines(rand.New(rand.NewPCG(seed, 1)), 300))
		requireMatches(t, shortLines(rand.New(rand.NewPCG(seed, 2)), 600))
	}
}

func FuzzEveryLineMatchesItsPattern(f *testing.F) {
	f.Add("a 1\na 2\nb x=1\nb x=<_>\n\n<a> <b>")
	f.Add(strings.Join(anyLines(rand.New(rand.NewPCG(1, 2)), 40), "\n"))
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 16<<10 {
			return
		}
		requireMatches(t, strings.Split(text, "\n"))
	})
}

func TestPatternsDependOnTheLinesAlone(t *testing.T) {
	lines := anyLines(rand.New(rand.NewPCG(3, 3)), 3000)
	o := Options{Buckets: 1, Limit: 40, Exact: 500}
	want := find(o, lines...)
	for range 5 {
		require.Equal(t, want, find(o, lines...))
	}
}

func TestPatternsAreCountedByLevelAndBucket(t *testing.T) {
	f := NewFinder(Options{Buckets: 3, Limit: 10})
	for i, level := range []string{"info", "info", "error", "info", "error\x00"} {
		f.Add(fmt.Appendf(nil, "request %d took %dms", i, i*i), level, i%3)
	}
	f.Add(nil, "info", 0)
	require.Equal(t, []Pattern{
		{Text: "request <_> took <_>", Level: "info", Counts: []int64{2, 1, 0}, Total: 3},
		{Text: "request 2 took 4ms", Level: "error", Counts: []int64{0, 0, 1}, Total: 1},
		{Text: "request 4 took 16ms", Level: "error\x00", Counts: []int64{0, 1, 0}, Total: 1},
	}, f.Patterns())
}

func TestTheRarestAreLetGo(t *testing.T) {
	const limit = 20
	f := NewFinder(Options{Buckets: 1, Limit: limit})
	r := rand.New(rand.NewPCG(5, 5))
	often := 0
	for i := range 20_000 {
		if i%10 == 0 {
			often++
			f.Add(fmt.Appendf(nil, "heartbeat %d", i), "", 0)
			continue
		}
		// A frame of its own.
		f.Add([]byte(strings.Repeat("( ", r.IntN(500))+strings.Repeat("[", r.IntN(500))+" word"), "", 0)
		require.LessOrEqual(t, f.tree.clusters, 2*limit)
		require.LessOrEqual(t, len(f.tree.roots), 2*limit)
	}
	all := f.Patterns()
	require.Len(t, all, limit)
	require.Equal(t, Pattern{Text: "heartbeat <_>", Counts: []int64{int64(often)}, Total: int64(often)}, all[0])
}

// A leaf does not fill up with lines that are alike in nothing but their first
// words.
func TestWordsWithoutEndBecomeWildcards(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	word := func() string {
		return string([]byte{'a' + byte(r.IntN(26)), 'a' + byte(r.IntN(26)), 'a' + byte(r.IntN(26))})
	}
	f := NewFinder(Options{Buckets: 1, Limit: 1000})
	for range 20_000 {
		f.Add([]byte(strings.Join([]string{word(), word(), word(), word(), word(), word(), word(), word()}, " ")), "", 0)
	}
	require.LessOrEqual(t, f.tree.clusters, crowded)
	require.Equal(t, strings.Repeat("<_> ", 7)+"<_>", f.Patterns()[0].Text)
}

func TestWhatIsLeftOutIsStoodFor(t *testing.T) {
	const lines, exact = 200_000, 5000
	f := NewFinder(Options{Buckets: 1, Limit: 10, Exact: exact})
	taken := 0
	for i := range lines {
		if f.weight() > 0 {
			taken++
		}
		switch {
		case i%2 == 0:
			f.Add([]byte("begin"), "", 0)
		case i%10 == 1:
			f.Add([]byte("fail"), "", 0)
		default:
			f.Add([]byte("end"), "", 0)
		}
	}
	require.Less(t, taken, exact+exact/2*7) // 200,000 is less than 2^6 times 5,000
	want := map[string]float64{"begin": 0.5, "end": 0.4, "fail": 0.1}
	for _, p := range f.Patterns() {
		require.InEpsilon(t, want[p.Text]*lines, p.Total, 0.1, p.Text)
		delete(want, p.Text)
	}
	require.Empty(t, want)
}

func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	lines := make([][]byte, 4096)
	size := 0
	for i := range lines {
		switch i % 3 {
		case 0:
			lines[i] = fmt.Appendf(nil, `ts=2026-03-01T10:15:%02d.%03dZ level=info caller=main.go:%d msg="job done" status=%d duration=%dms user=u%d`, i%60, i%1000, r.IntN(50), 200, r.IntN(900), r.IntN(500))
		case 1:
			lines[i] = fmt.Appendf(nil, `{"level":"info","msg":"request done","path":"/api/v1/orders/%d","status":200,"client":"10.0.%d.%d","user":{"id":%d,"name":"ann"}}`, r.IntN(900), r.IntN(9), r.IntN(255), r.IntN(99))
		default:
			lines[i] = fmt.Appendf(nil, "[INFO] connection from 10.0.0.%d port %d closed after %d bytes", r.IntN(255), r.IntN(65536), r.IntN(1e6))
		}
		size += len(lines[i])
	}
	f := NewFinder(Options{Buckets: 250, Limit: 300, Exact: 1 << 40})
	b.SetBytes(int64(size / len(lines)))
	for i := 0; b.Loop(); i++ {
		f.Add(lines[i%len(lines)], "info", i%250)
	}
}
