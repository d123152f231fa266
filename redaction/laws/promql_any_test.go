package laws

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/localstore/metricstore"
)

// The same for any policy and any lives of streams: whichever attributes the
// policy drops, streams that come and go, at moments of their own, with resets,
// gaps, points that come twice or too late, as cumulative or as deltas, ints and
// doubles, sums and histograms whose bounds the policy has only some of.
//
// increase() guesses beyond a stream's first and last points; with the modifier
// "anchored" it counts between them. That is what a sum is of.
func TestAnySumGrowsAsPromQLSays(t *testing.T) {
	parser.EnableExtendedRangeSelectors = true // no other test of this package parses PromQL with that word
	seeds := uint64(40)
	if testing.Short() {
		seeds = 8
	}
	var all happened
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { all.add(growth(t, seed)) })
	}
	if all.resets < int(seeds) || all.late < int(seeds) || all.twice < int(seeds) || all.outside < int(seeds) || all.compared < int(seeds)*3 {
		t.Errorf("the comparison leaves out what is hard: %+v", all)
	}
}

// happened counts what a comparison went through.
type happened struct{ resets, late, twice, outside, compared int }

func (h *happened) add(o happened) {
	h.resets, h.late, h.twice = h.resets+o.resets, h.late+o.late, h.twice+o.twice
	h.outside, h.compared = h.outside+o.outside, h.compared+o.compared
}

var pools = map[string][]string{"class": {"2xx", "5xx", "1xx"}, "region": {"eu", "us", "moon"}}

// life is that of one source of a sum or a histogram.
type life struct {
	labels      map[string]string
	isInt       bool
	delta       bool
	from, until float64 // seconds
	at          float64
	value       float64
	counts      []uint64
	begun       bool
}

func growth(t *testing.T, seed uint64) (seen happened) {
	r := rand.New(rand.NewPCG(seed, 11))
	now := after(600)
	store, err := metricstore.Open(t.TempDir(), metricstore.Options{Now: func() time.Time { return now }, OutOfOrderWindow: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	var keys []string
	attributes := ""
	for _, k := range []string{"class", "region"} {
		if r.IntN(3) > 0 {
			keys = append(keys, k)
			attributes += fmt.Sprintf("      %s: {enum: [%s], otherwise: drop}\n", k, strings.Join(pools[k][:2], ", "))
		}
	}
	if attributes != "" {
		attributes = "    attributes:\n" + attributes
	}
	step := []float64{0.25, 1, 10}[r.IntN(3)]
	bounds := []float64{1, 2, 5}
	kept := bounds[r.IntN(3):]
	p := parse(t, head+
		entry("latency", "histogram", fmt.Sprintf("bounds: %s\n%s", strings.ReplaceAll(fmt.Sprint(kept), " ", ", "), attributes))+
		entry("requests", "sum", fmt.Sprintf("value: {min: 0, max: 1000000, step: %v}\n%s", step, attributes)))
	tab := lay(t, p)

	var streams []*life
	for i := range 10 + r.IntN(10) {
		s := &life{labels: map[string]string{"pod": fmt.Sprint("pod-", i)}, isInt: r.IntN(2) == 0, delta: i%4 == 3, counts: make([]uint64, 4)}
		for k, pool := range pools {
			s.labels[k] = pool[r.IntN(3)]
			if s.labels[k] == pool[2] && slices.Contains(keys, k) {
				seen.outside++
			}
		}
		s.from = r.Float64() * 300
		s.until = s.from + r.Float64()*300
		s.at = s.from
		streams = append(streams, s)
	}
	// Points come in the order of their times, over all streams.
	for {
		next := slices.MinFunc(streams, func(a, b *life) int { return int(math.Copysign(1, a.at-b.at)) })
		if next.at > 600 {
			break
		}
		before := *next
		before.counts = slices.Clone(next.counts)
		seen.resets += next.step(r)
		put(t, store, tab, next)
		if before.begun && r.IntN(10) == 0 { // the one before comes again, or a new one in between
			before.at = math.Floor((before.at+next.at)/2*1000) / 1000
			seen.late++
			put(t, store, tab, &before)
		}
		if r.IntN(10) == 0 {
			seen.twice++
			put(t, store, tab, next)
		}
		next.begun = true
		next.at += math.Ceil(r.Float64()*40*1000) / 1000
		if next.at > next.until {
			next.at = 1e9
		}
	}

	reported := readSeries(p, report(t, tab, now))
	compare := func(what, selector string, by []string, value func(reading, string) (float64, bool), tolerance float64) {
		for _, k := range keys {
			selector += fmt.Sprintf("%s=~%q,", k, strings.Join(pools[k][:2], "|"))
		}
		query := fmt.Sprintf("sum by (%s) (increase(%s{%s}[11m] anchored))", strings.Join(append(by, keys...), ", "), what, selector)
		engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 20 * time.Minute})
		q, err := engine.NewInstantQuery(context.Background(), store, nil, query, now)
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		vector, err := q.Exec(context.Background()).Vector()
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		name, _, _ := strings.Cut(what, "_")
		for _, sample := range vector {
			le := sample.Metric.Get("le")
			i := slices.IndexFunc(reported[name], func(g reading) bool {
				for _, k := range keys {
					if g.attrs[k] != sample.Metric.Get(k) {
						return false
					}
				}
				return true
			})
			if i < 0 {
				t.Fatalf("%s is not in the report", sample.Metric)
			}
			got, ok := value(reported[name][i], le)
			if !ok {
				continue // a bound that the policy does not have
			}
			seen.compared++
			if math.Abs(got-sample.F) > tolerance {
				t.Errorf("%s: the report says %v, the local store %v", sample.Metric, got, sample.F)
			}
		}
	}
	compare("requests_total", "", nil, func(g reading, _ string) (float64, bool) { return g.value, true }, step/2+1e-6)
	compare("latency_bucket", "", []string{"le"}, func(g reading, le string) (float64, bool) {
		upTo := uint64(0)
		for i, n := range g.buckets {
			upTo += n
			if le == "+Inf" && i == len(g.buckets)-1 || i < len(kept) && le == policyNumber(kept[i]) {
				return float64(upTo), true
			}
		}
		return 0, false
	}, 0.5)
	return seen
}

func policyNumber(f float64) string { return fmt.Sprintf("%.1f", f) }

// step moves a stream on, and says whether it began anew. A delta stream's
// first point is 0, and a cumulative one's any: it is a baseline to both.
func (s *life) step(r *rand.Rand) (resets int) {
	grow := float64(r.IntN(30))
	if !s.isInt {
		grow += float64(r.IntN(8)) / 8
	}
	switch {
	case s.delta && !s.begun:
		s.value, s.counts = 0, make([]uint64, 4)
	case s.delta:
		s.value = grow
		for i := range s.counts {
			s.counts[i] = uint64(r.IntN(5))
		}
	case s.value > 1 && r.IntN(8) == 0:
		s.value = math.Floor(s.value * r.Float64())
		s.counts = make([]uint64, 4)
		return 1
	default:
		s.value += grow
		for i := range s.counts {
			s.counts[i] += uint64(r.IntN(5))
		}
	}
	return 0
}

// put hands the stream's point to the local store and to the table. What is
// late the store refuses, as the table does.
func put(t *testing.T, store *metricstore.Store, tab interface{ Observe(pmetric.Metrics) }, s *life) {
	t.Helper()
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "api")
	ms := rm.ScopeMetrics().AppendEmpty().Metrics()
	temporality := cumulative
	if s.delta {
		temporality = delta
	}
	attributes := func(m pcommon.Map) {
		for _, k := range []string{"class", "pod", "region"} {
			m.PutStr(k, s.labels[k])
		}
	}
	m := ms.AppendEmpty()
	m.SetName("requests")
	m.SetUnit("1")
	m.SetEmptySum().SetIsMonotonic(true)
	m.Sum().SetAggregationTemporality(temporality)
	dp := m.Sum().DataPoints().AppendEmpty()
	attributes(dp.Attributes())
	dp.SetStartTimestamp(ts(after(-60)))
	dp.SetTimestamp(ts(after(s.at)))
	if s.isInt {
		dp.SetIntValue(int64(s.value))
	} else {
		dp.SetDoubleValue(s.value)
	}
	m = ms.AppendEmpty()
	m.SetName("latency")
	m.SetUnit("1")
	m.SetEmptyHistogram().SetAggregationTemporality(temporality)
	h := m.Histogram().DataPoints().AppendEmpty()
	attributes(h.Attributes())
	h.SetStartTimestamp(ts(after(-60)))
	h.SetTimestamp(ts(after(s.at)))
	h.ExplicitBounds().FromRaw([]float64{1, 2, 5})
	h.BucketCounts().FromRaw(s.counts)
	total := uint64(0)
	for _, n := range s.counts {
		total += n
	}
	h.SetCount(total)
	h.SetSum(float64(total))
	if _, err := store.Append(context.Background(), md); err != nil {
		t.Fatal(err)
	}
	tab.Observe(md)
}
