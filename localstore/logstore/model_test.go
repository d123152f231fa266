package logstore

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// model is the plain version of the store: a list.
type model struct {
	records []modelRecord
}

type modelRecord struct {
	stream labels.Labels
	ts     int64
	line   string
	meta   labels.Labels
}

func (r modelRecord) String() string {
	return fmt.Sprintf("%s %d %s %q", r.stream, r.ts, r.meta, r.line)
}

func (m *model) append(streams []Stream) {
	for _, s := range streams {
		for _, e := range s.Entries {
			m.records = append(m.records, modelRecord{s.Labels, e.Timestamp, e.Line, e.Metadata})
		}
	}
}

// answer is what Iterate must give: by time, then stream, then arrival, equal
// records once.
func (m *model) answer(sel Selection) []string {
	var got []modelRecord
	seen := map[string]bool{}
	for _, r := range m.records {
		ok := r.ts >= sel.From && r.ts < sel.To
		for _, ma := range sel.Matchers {
			ok = ok && ma.Matches(r.stream.Get(ma.Name))
		}
		for _, c := range sel.Contains {
			ok = ok && strings.Contains(r.line, c)
		}
		for _, h := range sel.Having {
			ok = ok && (r.meta.Get(h.Name) == h.Value || r.stream.Has(h.Name))
		}
		if ok && !seen[r.String()] {
			seen[r.String()] = true
			got = append(got, r)
		}
	}
	slices.SortStableFunc(got, func(a, b modelRecord) int {
		return cmp.Or(cmp.Compare(a.ts, b.ts), labels.Compare(a.stream, b.stream))
	})
	if sel.Backward {
		slices.Reverse(got)
	}
	var out []string
	for _, r := range got {
		out = append(out, r.String())
	}
	return out
}

func recordString(r *Record) string {
	return modelRecord{r.Stream, r.Timestamp, string(r.Line), r.Metadata}.String()
}

// iterate collects an answer, filtered as a caller of a hint has to.
func iterate(t testing.TB, s *Store, sel Selection) []string {
	t.Helper()
	it := s.Iterate(context.Background(), sel)
	defer it.Close()
	var out []string
	for it.Next() {
		if wanted(it.At(), sel) {
			out = append(out, recordString(it.At()))
		}
	}
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func wanted(r *Record, sel Selection) bool {
	for _, c := range sel.Contains {
		if !strings.Contains(string(r.Line), c) {
			return false
		}
	}
	for _, h := range sel.Having {
		if r.Metadata.Get(h.Name) != h.Value && !r.Stream.Has(h.Name) {
			return false
		}
	}
	return true
}

func scan(t testing.TB, s *Store, sel Selection) []string {
	t.Helper()
	var out []string
	err := s.Scan(context.Background(), sel, func(r *Record) error {
		if wanted(r, sel) {
			out = append(out, recordString(r))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// clock is a time that tests move.
type clock struct{ t time.Time }

var epoch = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func newClock() *clock               { return &clock{epoch} }
func (c *clock) Now() time.Time      { return c.t }
func (c *clock) add(d time.Duration) { c.t = c.t.Add(d) }

func testOptions(c *clock) Options {
	return Options{Now: c.Now, MaintainEvery: -1}
}

func open(t testing.TB, fsys vfs.FS, o Options) *Store {
	t.Helper()
	s, err := Open(fsys, "/data/logs", o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustAppend(t testing.TB, s *Store, streams []Stream) {
	t.Helper()
	r, err := s.Append(context.Background(), streams)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rejected) > 0 {
		t.Fatalf("rejected %v", r.Rejected)
	}
}

var all = Selection{From: 0, To: 1 << 62}

// randomBatch makes entries that meet often: few streams, few instants, few
// lines, out of order, over three days.
func randomBatch(r *rand.Rand) []Stream {
	var out []Stream
	for range 1 + r.IntN(3) {
		ls := labels.FromStrings("app", fmt.Sprint("app", r.IntN(3)), "env", []string{"dev", "prod"}[r.IntN(2)])
		if r.IntN(4) == 0 {
			ls = labels.FromStrings("app", "solo")
		}
		st := Stream{Labels: ls}
		entries, shaped := r.IntN(12), false
		if r.IntN(6) == 0 { // enough of one shape for columns
			entries, shaped = 100, true
		}
		for range entries {
			t := epoch.Add(-time.Duration(r.IntN(3)) * 24 * time.Hour).Add(time.Duration(r.IntN(20)) * time.Millisecond)
			if shaped {
				t = epoch.Add(time.Duration(r.IntN(100)) * time.Millisecond)
			}
			if r.IntN(5) == 0 {
				t = t.Add(time.Duration(r.IntN(1000)))
			}
			e := Entry{Timestamp: t.UnixNano(), Line: fmt.Sprintf("level=info n=%d %s", r.IntN(4), strings.Repeat("x", r.IntN(40)))}
			if shaped {
				e.Line = fmt.Sprintf("level=info n=%d id=%016x%016x took=%dms", r.IntN(4), r.Uint64(), r.Uint64(), r.IntN(5000))
			}
			switch r.IntN(6) {
			case 2: // so many that they get columns of their own
				e.Metadata = labels.FromStrings("span_id", fmt.Sprintf("%016x", r.Uint64()), "user", strings.Repeat("u", r.IntN(60)))
			case 3:
				e.Metadata = labels.FromStrings("odd", []string{"", "ab", "0g", "00ff"}[r.IntN(4)]+fmt.Sprint(r.Uint64()))
			case 0:
				e.Metadata = labels.FromStrings("trace_id", fmt.Sprintf("%032x", r.IntN(20)))
			case 1:
				e.Metadata = labels.FromStrings("a", "", "detected_level", "info", "trace_id", fmt.Sprintf("%032x", r.IntN(5)))
			}
			if r.IntN(10) == 0 {
				e.Line = ""
			}
			if len(st.Entries) > 0 && r.IntN(6) == 0 {
				e = st.Entries[r.IntN(len(st.Entries))] // sent twice
			}
			st.Entries = append(st.Entries, e)
		}
		out = append(out, st)
	}
	return out
}

func selections(t testing.TB) []Selection {
	m := func(typ labels.MatchType, name, value string) *labels.Matcher {
		ma, err := labels.NewMatcher(typ, name, value)
		if err != nil {
			t.Fatal(err)
		}
		return ma
	}
	mid := epoch.Add(10 * time.Millisecond).UnixNano()
	return []Selection{
		all,
		{From: 0, To: 1 << 62, Backward: true},
		{From: mid, To: mid + 1},
		{From: mid, To: mid + int64(5*time.Millisecond), Backward: true},
		{From: epoch.Add(-25 * time.Hour).UnixNano(), To: mid, Matchers: []*labels.Matcher{m(labels.MatchEqual, "app", "app1")}},
		{To: 1 << 62, Matchers: []*labels.Matcher{m(labels.MatchRegexp, "app", "app.*"), m(labels.MatchNotEqual, "env", "dev")}, Backward: true},
		{To: 1 << 62, Matchers: []*labels.Matcher{m(labels.MatchEqual, "env", "")}},
		{To: 1 << 62, Matchers: []*labels.Matcher{m(labels.MatchNotRegexp, "env", "prod|x")}},
		{To: 1 << 62, Matchers: []*labels.Matcher{m(labels.MatchEqual, "app", "none")}},
		{To: 1 << 62, Matchers: []*labels.Matcher{m(labels.MatchRegexp, "app", "app1|app2|solo"), m(labels.MatchEqual, "env", "prod")}},
		{To: 1 << 62, Contains: []string{"n=3 ", "xxxxxxxx"}},
		{To: 1 << 62, Contains: []string{"n=2"}, Backward: true},
		{To: 1 << 62, Contains: []string{"level=info n=1 xlevel"}},
		{To: 1 << 62, Having: []labels.Label{{Name: "trace_id", Value: fmt.Sprintf("%032x", 3)}}},
		{To: 1 << 62, Having: []labels.Label{{Name: "trace_id", Value: "gone"}}},
		{To: 1 << 62, Having: []labels.Label{{Name: "app", Value: "whatever"}}},
	}
}

// check compares every selection with the model, by Iterate and by Scan.
func (m *model) check(t testing.TB, s *Store, about string) {
	t.Helper()
	for i, sel := range selections(t) {
		want := m.answer(sel)
		if got := iterate(t, s, sel); !slices.Equal(got, want) {
			t.Fatalf("%s: selection %d: iterate gave %d records, want %d\n%s", about, i, len(got), len(want), firstDifference(got, want))
		}
		slices.Sort(want)
		if got := scan(t, s, sel); !slices.Equal(got, want) {
			t.Fatalf("%s: selection %d: scan gave %d records, want %d\n%s", about, i, len(got), len(want), firstDifference(got, want))
		}
	}
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			return fmt.Sprintf("at %d:\n got %s\nwant %s", i, g, w)
		}
	}
	return "equal"
}
