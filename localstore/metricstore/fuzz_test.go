package metricstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/localstore/metricstore"
)

// Whatever decodes as OTLP is stored or counted: it neither panics nor fails,
// and the batch behind it is stored as if nothing had happened.
func FuzzAppend(f *testing.F) {
	now := time.Now().Truncate(time.Second)
	for _, fill := range []func(ms pmetric.MetricSlice){
		func(ms pmetric.MetricSlice) { gauge(ms, "g", now, 1, "", "x", "日本", "y", "__name__", "z") },
		func(ms pmetric.MetricSlice) { deltaSum(ms, "c", now, 1, "a", "b\xff") },
		func(ms pmetric.MetricSlice) { exponential(ms, now, 25, 1, 0, 0, 0, 7) },
		func(ms pmetric.MetricSlice) {
			exponential(ms, now, -4, 1).Positive().SetOffset(1 << 30)
			ms.At(0).ExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		},
		func(ms pmetric.MetricSlice) {
			m := ms.AppendEmpty()
			p := m.SetEmptyHistogram().DataPoints().AppendEmpty()
			m.Histogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			p.ExplicitBounds().FromRaw([]float64{2, 1, 1})
			p.BucketCounts().FromRaw([]uint64{1 << 63, 1 << 63})
			p.Exemplars().AppendEmpty()
		},
		func(ms pmetric.MetricSlice) {
			ms.AppendEmpty().SetEmptySummary().DataPoints().AppendEmpty().QuantileValues().AppendEmpty()
		},
	} {
		data, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(batch(fill))
		require.NoError(f, err)
		f.Add(data)
	}
	s, err := metricstore.Open(f.TempDir(), metricstore.Options{MaxSeries: 10_000})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, s.Close()) })
	add := func(t *testing.T, md pmetric.Metrics) metricstore.Result {
		res, err := s.Append(t.Context(), md)
		require.NoError(t, err)
		return res
	}
	known := batch(func(ms pmetric.MetricSlice) { gauge(ms, "known", now, 1) })
	if _, err := s.Append(f.Context(), known); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(data)
		if err != nil {
			return
		}
		add(t, md)
		if s.Stats().Newest.After(time.Now().Add(11 * time.Minute)) {
			t.Fatal("the head was moved into the future")
		}
		require.Equal(t, 1, add(t, known).Accepted)
	})
}
