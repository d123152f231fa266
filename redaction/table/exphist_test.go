package table

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// exponentials is one point of histogram.sum, whose bounds are 1, 2 and 5.
func exponentials(t pmetric.AggregationTemporality, start, time float64, fill func(pmetric.ExponentialHistogramDataPoint)) pmetric.Metrics {
	md := gauges("histogram.sum")
	h := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).SetEmptyExponentialHistogram()
	h.SetAggregationTemporality(t)
	dp := h.DataPoints().AppendEmpty()
	dp.Attributes().PutInt("n", 9)
	dp.SetStartTimestamp(ts(after(start)))
	dp.SetTimestamp(ts(after(time)))
	fill(dp)
	return md
}

func TestExponentialHistogramsGoOntoThePolicysBounds(t *testing.T) {
	positive := func(scale, offset int32, counts ...uint64) func(pmetric.ExponentialHistogramDataPoint) {
		return func(dp pmetric.ExponentialHistogramDataPoint) {
			dp.SetScale(scale)
			dp.Positive().SetOffset(offset)
			dp.Positive().BucketCounts().FromRaw(counts)
		}
	}
	p := func(time float64, fill func(pmetric.ExponentialHistogramDataPoint)) pmetric.Metrics {
		return exponentials(cumulative, 0, time, fill)
	}
	for _, c := range []struct {
		name  string
		input []pmetric.Metrics
		want  []uint64
	}{
		{"each bucket goes where its upper bound lies", []pmetric.Metrics{p(1, positive(0, -1, 1, 2, 3, 4))}, []uint64{1, 2, 3, 4}}, // (.5,1] (1,2] (2,4] (4,8]
		{"a fine scale", []pmetric.Metrics{p(1, positive(1, 1, 1, 2, 3, 4))}, []uint64{0, 1, 5, 4}},                                 // to 2, 2.8, 4, 5.7
		{"a coarse scale", []pmetric.Metrics{p(1, positive(-1, -1, 1, 2, 3))}, []uint64{1, 0, 2, 3}},                                // to 1, 4, 16
		{"zeros and negatives lie below the first bound", []pmetric.Metrics{p(1, func(dp pmetric.ExponentialHistogramDataPoint) {
			dp.SetZeroCount(2)
			dp.Negative().BucketCounts().FromRaw([]uint64{3, 4})
		})}, []uint64{9, 0, 0, 0}},
		{"one without buckets goes into the last", []pmetric.Metrics{p(1, func(dp pmetric.ExponentialHistogramDataPoint) { dp.SetCount(7) })}, []uint64{0, 0, 0, 7}},
		{"cumulative ones count what they grow by", []pmetric.Metrics{p(1, positive(0, -1, 1, 2)), p(2, positive(0, -1, 3, 2, 1))}, []uint64{3, 2, 1, 0}},
		{"a scale that is halved is no reset", []pmetric.Metrics{p(1, positive(1, -2, 3, 3)), p(2, positive(0, -1, 6, 1)), p(3, positive(-1, -1, 6, 2))}, []uint64{6, 1, 1, 0}},
		{"what moves up for it does not count again", []pmetric.Metrics{p(1, positive(0, 0, 5)), p(2, positive(-1, 0, 7))}, []uint64{0, 5, 2, 0}},
		{"a total that falls is one", []pmetric.Metrics{p(1, positive(0, -1, 5)), p(2, positive(0, -1, 2))}, []uint64{7, 0, 0, 0}},
		{"deltas add up", []pmetric.Metrics{exponentials(delta, -60, 1, positive(0, -1, 5)), exponentials(delta, 1, 2, positive(0, -1, 2))}, []uint64{7, 0, 0, 0}},
		{"one that began before the table is a baseline", []pmetric.Metrics{exponentials(cumulative, -60, 1, positive(0, -1, 5)), exponentials(cumulative, -60, 2, positive(0, -1, 6))}, []uint64{1, 0, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := lay(t, parse(t, everything))
			for _, md := range c.input {
				tab.Observe(md)
			}
			if got := lastBuckets(report(t, tab, after(61)), "histogram.sum"); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			wantCounters(t, tab, uint64(len(c.input)), nil)
		})
	}
}

func lastBuckets(md pmetric.Metrics, name string) []uint64 {
	for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == name {
			dps := m.Histogram().DataPoints()
			return dps.At(dps.Len() - 1).BucketCounts().AsRaw()
		}
	}
	return nil
}

// A sender cannot make a point cost more than its own length, whatever it
// claims about its scale and offset; and counts saturate.
func TestAHostileExponentialHistogramCostsNoMore(t *testing.T) {
	for _, scale := range []int32{math.MinInt32, -1, 0, 1, 20, math.MaxInt32} {
		for _, offset := range []int32{math.MinInt32, 0, math.MaxInt32} {
			t.Run(fmt.Sprint(scale, offset), func(t *testing.T) {
				tab := lay(t, parse(t, everything))
				began := time.Now()
				tab.Observe(exponentials(delta, 0, 1, func(dp pmetric.ExponentialHistogramDataPoint) {
					dp.SetScale(scale)
					for _, side := range []pmetric.ExponentialHistogramDataPointBuckets{dp.Positive(), dp.Negative()} {
						side.SetOffset(offset)
						side.BucketCounts().FromRaw(slices.Repeat([]uint64{math.MaxUint64}, 10_000))
					}
				}))
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("20,000 buckets took %v", took)
				}
				var most uint64
				for _, n := range lastBuckets(report(t, tab, after(61)), "histogram.sum") {
					most = max(most, n)
				}
				if most != 1<<40-1 {
					t.Errorf("the largest count is %d", most)
				}
			})
		}
	}
}
