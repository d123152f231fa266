package logql

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// An entry counts at t when it lies in (t-width, t], whatever was asked before.
func TestWindowsAreOpenOnTheLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st := steps{
			start: rapid.Int64Range(-50, 50).Draw(t, "start"),
			step:  rapid.Int64Range(1, 20).Draw(t, "step"),
			n:     rapid.IntRange(1, 10).Draw(t, "n"),
		}
		width := rapid.Int64Range(1, 60).Draw(t, "width")
		offset := rapid.Int64Range(-30, 30).Draw(t, "offset")
		w := newWindows(st, time.Duration(width), time.Duration(offset))
		from, to := w.bounds()
		for _, ts := range rapid.SliceOfN(rapid.Int64Range(-150, 350), 1, 40).Draw(t, "ts") {
			first, last := w.of(ts)
			for k := range st.n {
				at := st.at(k) - offset
				want := ts > at-width && ts <= at
				if got := first <= k && k <= last; got != want {
					t.Fatalf("entry at %d, step %d at %d: %v", ts, k, at, got)
				}
				if want && (ts < from || ts >= to) {
					t.Fatalf("entry at %d counts and lies outside of [%d, %d)", ts, from, to)
				}
			}
		}
	})
}

func randomStore(t *rapid.T) *memory {
	m := &memory{}
	for range rapid.IntRange(0, 40).Draw(t, "entries") {
		stream := labels.FromStrings("app", rapid.SampledFrom([]string{"a", "b"}).Draw(t, "app"), "env", rapid.SampledFrom([]string{"x", "y"}).Draw(t, "env"))
		line := fmt.Sprintf("level=%s n=%d", rapid.SampledFrom([]string{"info", "error", ""}).Draw(t, "level"), rapid.IntRange(0, 9).Draw(t, "n"))
		m.add(stream, time.Duration(rapid.IntRange(0, 600).Draw(t, "at"))*time.Second, line, "trace", rapid.SampledFrom([]string{"", "t1"}).Draw(t, "trace"))
	}
	return m
}

// Adding up while reading must give what adding up afterwards gives.
func TestSumsWhileReadingEqualSumsAfterwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := NewEngine(randomStore(t), Options{})
		group := rapid.SampledFrom([]string{"", "by (app)", "by (level)", "by (app,level,trace)", "without (n)", "without (app,env)", "by (nope)", "by ()"}).Draw(t, "group")
		op := rapid.SampledFrom([]string{"count_over_time", "bytes_over_time", "sum_over_time", "max_over_time", "avg_over_time"}).Draw(t, "op")
		stages := rapid.SampledFrom([]string{"", "|= \"info\"", "| logfmt", "| logfmt | n > 4"}).Draw(t, "stages")
		if op != "count_over_time" && op != "bytes_over_time" {
			stages = "| logfmt | unwrap n"
		}
		rng := rapid.SampledFrom([]string{"30s", "1m", "5m"}).Draw(t, "range")
		inner := fmt.Sprintf(`%s({env=~".+"} %s [%s])`, op, stages, rng)
		p := Params{Start: time.Unix(0, 0), End: time.Unix(600, 0), Step: 37 * time.Second}
		fast, err := e.Query(context.Background(), fmt.Sprintf("sum %s (%s)", group, inner), p)
		if err != nil {
			t.Fatal(err)
		}
		slow, err := e.Query(context.Background(), fmt.Sprintf("sum %s (%s * 1)", group, inner), p)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := show(fast.Value), show(slow.Value); a != b {
			t.Fatalf("while reading:\n%s\nafterwards:\n%s", a, b)
		}
	})
}

// An instant query gives what a range query gives at that step.
func TestAnInstantIsAStepOfARange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := NewEngine(randomStore(t), Options{})
		query := rapid.SampledFrom([]string{
			`count_over_time({env=~".+"}[1m])`, `topk(1, sum by (app) (rate({env=~".+"}[5m])))`,
			`sum(rate({app="a"}[2m])) / sum(rate({env=~".+"}[2m])) or vector(7)`,
			`quantile_over_time(0.3, {env=~".+"} | logfmt | unwrap n [3m]) by (app)`,
			`absent_over_time({app="a"}[30s])`, `max(sum_over_time({env=~".+"} | logfmt | unwrap n [1m] offset 30s))`,
			`stddev_over_time({env=~".+"} | logfmt | unwrap n [5m]) by (env)`,
		}).Draw(t, "query")
		whole, err := e.Query(context.Background(), query, Params{Start: time.Unix(0, 0), End: time.Unix(600, 0), Step: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		for at := int64(0); at <= 600; at += 60 {
			var want Vector
			for _, s := range whole.Value.(Matrix) {
				for _, p := range s.Points {
					if p.T == at*1000 {
						want = append(want, Sample{s.Metric, p})
					}
				}
			}
			got, err := e.Query(context.Background(), query, Params{Instant: true, End: time.Unix(at, 0)})
			if err != nil {
				t.Fatal(err)
			}
			if a, b := show(got.Value), show(want); a != b {
				t.Fatalf("at %d:\n%s\nin the range:\n%s", at, a, b)
			}
		}
	})
}

func manyStreams(n int) *memory {
	m := &memory{}
	for i := range n {
		m.add(labels.FromStrings("app", "a", "pod", fmt.Sprint(i)), time.Duration(i%60)*time.Second, "line")
	}
	return m
}

func TestEveryLimitHasItsOwnError(t *testing.T) {
	p := Params{Start: time.Unix(0, 0), End: time.Unix(60, 0), Step: time.Second, Limit: 100}
	var limit *LimitError
	ask := func(o Options, query string) error {
		_, err := NewEngine(manyStreams(1000), o).Query(context.Background(), query, p)
		return err
	}
	err := ask(Options{MaxSeries: 999}, `count_over_time({app="a"}[1m])`)
	require.ErrorAs(t, err, &limit)
	require.ErrorContains(t, err, "maximum number of series (999) reached")
	require.NoError(t, ask(Options{MaxSeries: 1000}, `count_over_time({app="a"}[1m])`))
	require.NoError(t, ask(Options{MaxSeries: 1}, `count(count_over_time({app="a"}[1m]))`))

	err = ask(Options{MaxMemory: 100_000}, `count_over_time({app="a"}[1m])`)
	require.ErrorAs(t, err, &limit)
	require.ErrorContains(t, err, "too much memory")
	err = ask(Options{MaxMemory: 1000}, `{app="a"}`)
	require.ErrorContains(t, err, "too much memory")

	for _, query := range []string{`count_over_time({app="a"}[1m])`, `{app="a"}`, `sum(rate({app="a"} |= "in no line" [1m]))`} {
		err = ask(Options{MaxLines: 999}, query)
		require.ErrorAs(t, err, &limit, query)
		require.ErrorContains(t, err, "too many lines (limit: 999)")
		require.NoError(t, ask(Options{MaxLines: 1000, MaxSeries: 1000}, query))

		err = ask(Options{MaxBytes: 3999}, query)
		require.ErrorAs(t, err, &limit, query)
		require.ErrorContains(t, err, "too many bytes")
		require.NoError(t, ask(Options{MaxBytes: 4000, MaxSeries: 1000}, query))
	}

	err = ask(Options{MaxEntries: 99}, `{app="a"}`)
	require.ErrorContains(t, err, "max entries limit per query exceeded, limit > max_entries_limit_per_query (100 > 99)")
	err = ask(Options{MaxPoints: 60}, `vector(1)`)
	require.ErrorContains(t, err, "maximum resolution of 60 points")
}

// endless has more entries than anybody waits for.
type endless struct{ visited int }

func (s *endless) ScanParts(_ context.Context, _ logstore.Selection, visit ...func(int, *logstore.Record) error) error {
	r := &logstore.Record{Stream: labels.FromStrings("app", "a"), Line: []byte("x")}
	for {
		if s.visited++; s.visited > 1e8 {
			return nil // the test fails then, and does not hang
		}
		if err := visit[0](0, r); err != nil {
			return err
		}
	}
}

func (s *endless) Iterate(context.Context, logstore.Selection) logstore.Iterator { return s }
func (s *endless) Next() bool                                                    { s.visited++; return true }
func (s *endless) Err() error                                                    { return nil }
func (s *endless) Close() error                                                  { return nil }
func (s *endless) At() *logstore.Record {
	return &logstore.Record{Stream: labels.FromStrings("app", "a"), Line: []byte("x")}
}

func TestAQueryStopsWhenNobodyWaits(t *testing.T) {
	p := Params{Start: time.Unix(0, 0), End: time.Unix(60, 0), Step: time.Second}
	for _, query := range []string{`count_over_time({app="a"}[1m])`, `{app="a"} |= "y"`} {
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		src := &endless{}
		_, err := NewEngine(src, Options{}).Query(gone, query, p)
		require.ErrorIs(t, err, context.Canceled)
		require.LessOrEqual(t, src.visited, checkEvery)

		_, err = NewEngine(&endless{}, Options{Timeout: time.Millisecond}).Query(context.Background(), query, p)
		require.ErrorIs(t, err, ErrTimeout)
	}
}

func TestReductionsAgreeWithTheirDefinitions(t *testing.T) {
	s := samplesOf(3, 1, 4, 1, 5)
	require.Equal(t, 14.0, sum(s))
	require.Equal(t, 2.8, mean(s))
	require.InDelta(t, 2.56, variance(s), 1e-12)
	require.Equal(t, 3.0, quantile(0.5, s))
	require.Equal(t, 1.0, quantile(0, s))
	require.Equal(t, 5.0, quantile(1, s))
	require.InDelta(t, 3.8, quantile(0.7, s), 1e-12)
	require.True(t, math.IsInf(quantile(-1, s), -1) && math.IsInf(quantile(2, s), 1))
	require.Equal(t, 2.0, sum(samplesOf(1, 1e100, 1, -1e100)))
}

// A counter that rises by 1 a second and is reset halfway still rises by 1.
func TestRateOfACounterBridgesResets(t *testing.T) {
	a := &aggregator{
		e:       &syntax.RangeAggregation{Op: syntax.OpRateCounter, Range: 10 * time.Second},
		windows: &windows{width: int64(10 * time.Second)},
	}
	var s []sample
	for i, v := range []float64{101, 102, 103, 104, 105, 1, 2, 3, 4, 5} {
		s = append(s, sample{ts: int64(i+1) * int64(time.Second), v: v})
	}
	require.InDelta(t, 1.0, a.reduce(s, int64(10*time.Second)), 1e-9)
	require.Equal(t, 0.0, a.reduce(s[:1], int64(10*time.Second)))
}
