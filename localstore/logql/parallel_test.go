package logql

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

func samplesOf(values ...float64) (out []sample) {
	for i, v := range values {
		out = append(out, sample{ts: int64(i + 1), v: v})
	}
	return out
}

// sameBits compares answers to the last bit of their numbers.
func sameBits(t *rapid.T, query string, a, b Value) {
	x, y := a.(Matrix), b.(Matrix)
	if len(x) != len(y) {
		t.Fatalf("%s: %d series and %d", query, len(x), len(y))
	}
	for i := range x {
		if !labels.Equal(x[i].Metric, y[i].Metric) || len(x[i].Points) != len(y[i].Points) {
			t.Fatalf("%s: %s with %d points, %s with %d", query, x[i].Metric, len(x[i].Points), y[i].Metric, len(y[i].Points))
		}
		for k, p := range x[i].Points {
			q := y[i].Points[k]
			if p.T != q.T || math.Float64bits(p.V) != math.Float64bits(q.V) {
				t.Fatalf("%s: %s at %d is %v, and at %d %v", query, x[i].Metric, p.T, p.V, q.T, q.V)
			}
		}
	}
}

// crowdedStore has many values at few instants, in many blocks, with halves that
// do not add up alike in every order.
func crowdedStore(t *testing.T) *logstore.Store {
	store, err := logstore.Open(vfs.NewMem(), "logs", logstore.Options{
		MaintainEvery: -1, BlockBytes: 400, Now: func() time.Time { return time.Unix(700, 0) },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	r := rand.New(rand.NewPCG(3, 4))
	for batch := range 5 {
		var streams []logstore.Stream
		for s := range 5 {
			st := logstore.Stream{Labels: labels.FromStrings("app", string(rune('a'+s%2)), "pod", fmt.Sprint(s))}
			for range 25 {
				line := fmt.Sprintf("level=%s n=%g took=%dms", []string{"info", "warn", "error"}[r.IntN(3)], math.Exp(40*r.Float64()-20), r.IntN(900))
				st.Entries = append(st.Entries, logstore.Entry{Timestamp: int64(r.IntN(60)) * 10 * int64(time.Second), Line: line})
			}
			streams = append(streams, st)
		}
		_, err := store.Append(context.Background(), streams)
		require.NoError(t, err)
		if batch%2 == 1 {
			require.NoError(t, store.Flush(context.Background()))
		}
	}
	return store
}

// However many read, an answer is that of one who reads alone, to the last bit.
func TestManyReadersGiveTheAnswerOfOne(t *testing.T) {
	store := crowdedStore(t)
	alone := NewEngine(store, Options{Processors: 1, MaxSeries: 10_000})
	crowds := map[int]*Engine{}
	for _, n := range []int{2, 3, 8} {
		crowds[n] = NewEngine(store, Options{Processors: n, MaxSeries: 10_000})
	}
	rapid.Check(t, func(t *rapid.T) {
		unwrapped := rapid.SampledFrom([]string{"sum_over_time", "avg_over_time", "min_over_time", "max_over_time", "first_over_time",
			"last_over_time", "stddev_over_time", "stdvar_over_time", "quantile_over_time", "rate", "rate_counter", "absent_over_time"}).Draw(t, "unwrapped")
		if rapid.Bool().Draw(t, "counted") {
			unwrapped = ""
		}
		by := rapid.SampledFrom([]string{"", " by (app)", " by (level, pod)", " without (n)", " by ()"}).Draw(t, "by")
		window := rapid.SampledFrom([]string{"10s", "45s", "10m"}).Draw(t, "range")
		selector := rapid.SampledFrom([]string{`{app=~".+"}`, `{app="a"}`, `{pod="1"}`}).Draw(t, "selector")
		var query string
		switch unwrapped {
		case "":
			op := rapid.SampledFrom([]string{"count_over_time", "rate", "bytes_over_time", "bytes_rate"}).Draw(t, "op")
			stages := rapid.SampledFrom([]string{"", `|= "error"`, `| logfmt | level!="info"`, `| logfmt | took > 100ms`}).Draw(t, "stages")
			query = fmt.Sprintf(`%s(%s %s [%s])`, op, selector, stages, window)
			if by != "" {
				query = "sum" + by + "(" + query + ")"
			}
		case "quantile_over_time":
			query = fmt.Sprintf(`quantile_over_time(0.37, %s | logfmt | unwrap n [%s])%s`, selector, window, by)
		case "sum_over_time", "rate", "rate_counter", "absent_over_time":
			query = fmt.Sprintf(`%s(%s | logfmt | unwrap n [%s])`, unwrapped, selector, window)
		default:
			query = fmt.Sprintf(`%s(%s | logfmt | unwrap n [%s])%s`, unwrapped, selector, window, by)
		}
		p := Params{Start: time.Unix(0, 0), End: time.Unix(600, 0), Step: time.Duration(rapid.IntRange(5, 200).Draw(t, "step")) * time.Second}
		ctx := context.Background()
		want, err := alone.Query(ctx, query, p)
		if err != nil {
			t.Fatal(err)
		}
		n := rapid.SampledFrom([]int{2, 3, 8}).Draw(t, "processors")
		got, err := crowds[n].Query(ctx, query, p)
		if err != nil {
			t.Fatal(err)
		}
		sameBits(t, query, got.Value, want.Value)
		if got.Stats.Lines != want.Stats.Lines || got.Stats.Bytes != want.Stats.Bytes || got.Stats.Kept != want.Stats.Kept {
			t.Fatalf("%s: %+v, alone %+v", query, got.Stats, want.Stats)
		}
	})
}

// So are its errors.
func TestManyReadersFailAsOneDoes(t *testing.T) {
	store := crowdedStore(t)
	alone, crowd := NewEngine(store, Options{Processors: 1}), NewEngine(store, Options{Processors: 8})
	p := Params{Start: time.Unix(0, 0), End: time.Unix(600, 0), Step: time.Minute}
	for _, query := range []string{
		`sum by (level) (count_over_time({app=~".+"} | json [1m]))`,
		`sum by (n) (count_over_time({app=~".+"} | logfmt | level > 5 [1m]))`,
		`max_over_time({app="b"} | logfmt | unwrap level [1m])`,
	} {
		_, want := alone.Query(context.Background(), query, p)
		var pe *PipelineError
		require.ErrorAs(t, want, &pe, query)
		for range 10 {
			_, got := crowd.Query(context.Background(), query, p)
			require.EqualError(t, got, want.Error(), query)
		}
	}
	for _, o := range []Options{{MaxLines: 100}, {MaxMemory: 20_000}} {
		want := "too many lines"
		if o.MaxMemory > 0 {
			want = "too much memory"
		}
		for _, o.Processors = range []int{1, 8} {
			_, err := NewEngine(store, o).Query(context.Background(), `count_over_time({app=~".+"} | logfmt [1m])`, p)
			require.ErrorContains(t, err, want)
		}
	}
}

// A query that nobody waits for any more leaves no goroutine behind, and gives
// its processors back.
func TestManyReadersEndWithTheirQuery(t *testing.T) {
	store := crowdedStore(t)
	e := NewEngine(store, Options{Processors: 4, MaxSeries: 10_000})
	before := runtime.NumGoroutine()
	for i := range 20 {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Duration(i)*100*time.Microsecond, cancel)
		_, err := e.Query(ctx, `sum by (n) (count_over_time({app=~".+"} | logfmt [1m]))`, Params{Start: time.Unix(0, 0), End: time.Unix(600, 0), Step: time.Minute})
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
		cancel()
	}
	require.Empty(t, e.spare)
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d goroutines, before %d", runtime.NumGoroutine(), before)
}
