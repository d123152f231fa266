package metricstore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/localstore/metricstore"
)

func TestDeltasBecomeCumulative(t *testing.T) {
	s := open(t, t.TempDir(), metricstore.Options{})
	now := time.Now().Truncate(time.Second)
	for i := range 3 {
		at := now.Add(time.Duration(i) * time.Second)
		res := add(t, s, batch(func(ms pmetric.MetricSlice) {
			gauge(ms, "plain", at, 1)
			deltaSum(ms, "c", at, 10)
			m := ms.AppendEmpty()
			m.SetName("h")
			h := m.SetEmptyHistogram()
			h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			p := h.DataPoints().AppendEmpty()
			p.SetTimestamp(pcommon.NewTimestampFromTime(at))
			p.ExplicitBounds().FromRaw([]float64{1})
			p.BucketCounts().FromRaw([]uint64{1, 2})
			p.SetCount(3)
			p.SetSum(5)
			exponential(ms, at, int32(3-i), 1, 2).Attributes().PutStr("a", "b")
			ms.At(ms.Len() - 1).ExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		}))
		require.Nil(t, res.Rejected)
	}
	const id = `job="shop", service_name="shop"} `
	var want []string
	for _, series := range []struct {
		labels string
		step   int
	}{
		{`{__name__="c_total", `, 10}, {`{__name__="exp", a="b", `, 0},
		{`{__name__="h_bucket", le="+Inf", `, 3}, {`{__name__="h_bucket", le="1", `, 1}, {`{__name__="h_count", `, 3}, {`{__name__="h_sum", `, 5},
	} {
		for i := range 3 {
			val := fmt.Sprint(series.step * (i + 1))
			if series.step == 0 {
				val = fmt.Sprintf("count=%d sum=%d", 3*(i+1), 3*(i+1))
			}
			// le sorts between job and service_name.
			l := series.labels + id
			if series.labels[len(series.labels)-8:] == `"+Inf", ` {
				l = `{__name__="h_bucket", job="shop", le="+Inf", service_name="shop"} `
			} else if series.step == 1 {
				l = `{__name__="h_bucket", job="shop", le="1", service_name="shop"} `
			}
			want = append(want, fmt.Sprintf("%s@%d %s", l, i, val))
		}
	}
	for i := range 3 {
		want = append(want, fmt.Sprintf(`{__name__="plain", %s@%d 1`, id, i))
	}
	require.Equal(t, text(want), text(dump(t, s, now)))
}

func TestDeltaSentTwiceCountsOnce(t *testing.T) {
	s := open(t, t.TempDir(), metricstore.Options{})
	now := time.Now().Truncate(time.Second)
	send := func(at time.Time) metricstore.Result {
		return add(t, s, batch(func(ms pmetric.MetricSlice) { deltaSum(ms, "c", at, 10) }))
	}
	send(now)
	require.Equal(t, map[metricstore.Reason]int{"out_of_order": 1}, send(now).Rejected)
	require.Equal(t, map[metricstore.Reason]int{"out_of_order": 1}, send(now.Add(-time.Second)).Rejected)
	send(now.Add(time.Second))
	const c = `{__name__="c_total", job="shop", service_name="shop"} `
	require.Equal(t, []string{c + "@0 10", c + "@1 20"}, dump(t, s, now))
}

// A law instead of examples: however a sum is cut into deltas, and whatever
// else is in the batches, the last value is the sum.
func TestLastValueIsTheSumOfAllDeltas(t *testing.T) {
	s := open(t, t.TempDir(), metricstore.Options{})
	now := time.Now().Truncate(time.Second)
	r := rand.New(rand.NewPCG(1, 2))
	total := 0
	for i := range 200 {
		v := r.IntN(100)
		total += v
		at := now.Add(time.Duration(i) * time.Second)
		add(t, s, batch(func(ms pmetric.MetricSlice) {
			gauge(ms, "noise", at, 1, "日", "x")
			deltaSum(ms, "c", at, float64(v))
		}))
	}
	lines := dump(t, s, now)
	require.Equal(t, fmt.Sprintf(`{__name__="c_total", job="shop", service_name="shop"} @199 %d`, total), lines[len(lines)-1])
}
