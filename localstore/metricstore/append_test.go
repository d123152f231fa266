package metricstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/localstore/metricstore"
)

func TestOTLPBecomesWhatPrometheusMakesOfIt(t *testing.T) {
	s := open(t, t.TempDir(), metricstore.Options{})
	now := time.Now().Truncate(time.Second)
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	for k, v := range map[string]string{
		"service.name": "shop", "service.namespace": "eu", "service.instance.id": "i-1", "service.version": "1.2.3",
		"weir.install.id": "w", "host.name": "h", "os.type": "linux",
	} {
		rm.Resource().Attributes().PutStr(k, v)
	}
	ms := rm.ScopeMetrics().AppendEmpty().Metrics()
	m := ms.AppendEmpty()
	m.SetName("http.server.requests")
	m.SetUnit("{request}")
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	set(sum.DataPoints().AppendEmpty(), now, 7, []string{"http.route", "/a"})
	m = ms.AppendEmpty()
	m.SetName("http.server.request.duration")
	m.SetUnit("s")
	h := m.SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	hp := h.DataPoints().AppendEmpty()
	hp.SetTimestamp(pcommon.NewTimestampFromTime(now))
	hp.ExplicitBounds().FromRaw([]float64{0.5})
	hp.BucketCounts().FromRaw([]uint64{3, 1})
	hp.SetCount(4)
	hp.SetSum(2.5)

	res := add(t, s, md)
	require.Zero(t, res.Rejected)
	require.Equal(t, 6, res.Accepted, "a counter, two buckets, a count, a sum and target_info")

	const ids = `host_name="h", %sinstance="i-1", job="eu/shop", %sservice_instance_id="i-1", service_name="shop", service_namespace="eu", service_version="1.2.3", weir_install_id="w"`
	id := func(route, le string) string { return fmt.Sprintf(ids, route, le) }
	require.Equal(t, text([]string{
		`{__name__="http_server_request_duration_seconds_bucket", ` + id("", `le="+Inf", `) + `} @0 4`,
		`{__name__="http_server_request_duration_seconds_bucket", ` + id("", `le="0.5", `) + `} @0 3`,
		`{__name__="http_server_request_duration_seconds_count", ` + id("", "") + `} @0 4`,
		`{__name__="http_server_request_duration_seconds_sum", ` + id("", "") + `} @0 2.5`,
		`{__name__="http_server_requests_total", ` + id("", "")[:len(`host_name="h", `)] + `http_route="/a", ` + id("", "")[len(`host_name="h", `):] + `} @0 7`,
	}), text(dump(t, s, now)))

	q, err := s.Querier(0, now.UnixMilli()+1)
	require.NoError(t, err)
	defer q.Close()
	values, _, err := q.LabelValues(context.Background(), "os_type", nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "target_info"))
	require.NoError(t, err)
	require.Equal(t, []string{"linux"}, values, "what is not promoted is on target_info")

	require.Equal(t, "s", s.Metadata()["http_server_request_duration_seconds"].Unit[:1])
	require.EqualValues(t, "counter", s.Metadata()["http_server_requests_total"].Type)
}

func TestOneBadSampleCostsNoOther(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	good := func(ms pmetric.MetricSlice, i int) { gauge(ms, fmt.Sprintf("good%d", i), now, float64(i)) }
	for name, c := range map[string]struct {
		bad  func(ms pmetric.MetricSlice)
		want map[metricstore.Reason]int
	}{
		"too old":       {func(ms pmetric.MetricSlice) { gauge(ms, "g", now.Add(-16*24*time.Hour), 1) }, map[metricstore.Reason]int{"too_old": 1}},
		"no timestamp":  {func(ms pmetric.MetricSlice) { gauge(ms, "g", time.Unix(0, 0), 1) }, map[metricstore.Reason]int{"too_old": 1}},
		"next year":     {func(ms pmetric.MetricSlice) { gauge(ms, "g", now.AddDate(1, 0, 0), 1) }, map[metricstore.Reason]int{"too_far_ahead": 1}},
		"out of window": {func(ms pmetric.MetricSlice) { gauge(ms, "known", now.Add(-11*time.Minute), 1) }, map[metricstore.Reason]int{"too_old": 1}},
		"duplicate":     {func(ms pmetric.MetricSlice) { gauge(ms, "known", now, 99) }, map[metricstore.Reason]int{"duplicate_timestamp": 1}},
		"duplicate in the batch": {func(ms pmetric.MetricSlice) {
			gauge(ms, "g", now, 1)
			gauge(ms, "g", now, 2)
		}, map[metricstore.Reason]int{"duplicate_timestamp": 1}},
		"the same twice":   {func(ms pmetric.MetricSlice) { gauge(ms, "known", now, 1) }, nil},
		"nameless":         {func(ms pmetric.MetricSlice) { gauge(ms, "", now, 1) }, map[metricstore.Reason]int{"invalid_name": 1}},
		"unspeakable name": {func(ms pmetric.MetricSlice) { gauge(ms, "日本", now, 1) }, map[metricstore.Reason]int{"invalid_name": 1}},
		"empty key":        {func(ms pmetric.MetricSlice) { gauge(ms, "g", now, 1, "", "x") }, map[metricstore.Reason]int{"invalid_label": 1}},
		"unspeakable key, and a point behind it": {func(ms pmetric.MetricSlice) {
			gauge(ms, "g", now, 1, "日本", "x")
			set(ms.At(ms.Len()-1).Gauge().DataPoints().AppendEmpty(), now, 5, []string{"behind", "it"})
		}, map[metricstore.Reason]int{"invalid_label": 1}},
		"value that is not UTF-8": {func(ms pmetric.MetricSlice) { gauge(ms, "g", now, 1, "k", "a\xff") }, map[metricstore.Reason]int{"invalid_label": 1}},
		"no data":                 {func(ms pmetric.MetricSlice) { ms.AppendEmpty().SetName("g") }, map[metricstore.Reason]int{"unsupported_type": 1}},
		"no points":               {func(ms pmetric.MetricSlice) { m := ms.AppendEmpty(); m.SetName("g"); m.SetEmptyGauge() }, nil},
		"no temporality": {func(ms pmetric.MetricSlice) {
			deltaSum(ms, "g", now, 1)
			ms.At(ms.Len() - 1).Sum().SetAggregationTemporality(pmetric.AggregationTemporalityUnspecified)
		}, map[metricstore.Reason]int{"unsupported_temporality": 1}},
		"scale": {func(ms pmetric.MetricSlice) { exponential(ms, now, -11, 1) }, map[metricstore.Reason]int{"invalid_histogram": 1}},
		"histogram that does not add up": {func(ms pmetric.MetricSlice) {
			exponential(ms, now, 0, 1).SetCount(99)
		}, map[metricstore.Reason]int{"invalid_histogram": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), metricstore.Options{})
			add(t, s, batch(func(ms pmetric.MetricSlice) { gauge(ms, "known", now, 1) }))
			res := add(t, s, batch(func(ms pmetric.MetricSlice) {
				good(ms, 1)
				c.bad(ms)
				good(ms, 2)
			}))
			require.Equal(t, c.want, res.Rejected)
			got := text(dump(t, s, now))
			require.Contains(t, got, `{__name__="good1", job="shop", service_name="shop"} @0 1`)
			require.Contains(t, got, `{__name__="good2", job="shop", service_name="shop"} @0 2`)
			require.Contains(t, got, `{__name__="known", job="shop", service_name="shop"} @0 1`)
			if name == "unspeakable key, and a point behind it" {
				require.Contains(t, got, `{__name__="g", behind="it", job="shop", service_name="shop"} @0 5`)
			}
		})
	}
}

func TestTheFirstSampleOfAllMayNotBeOlderThanTheRetention(t *testing.T) {
	s := open(t, t.TempDir(), metricstore.Options{Retention: 24 * time.Hour})
	now := time.Now().Truncate(time.Second)
	for _, c := range []struct {
		ago  time.Duration
		want map[metricstore.Reason]int
	}{
		{25 * time.Hour, map[metricstore.Reason]int{"too_old": 1}},
		{23 * time.Hour, nil},
	} {
		res := add(t, s, batch(func(ms pmetric.MetricSlice) { gauge(ms, "g", now.Add(-c.ago), 1) }))
		require.Equal(t, c.want, res.Rejected)
	}
}

func exponential(ms pmetric.MetricSlice, at time.Time, scale int32, counts ...uint64) pmetric.ExponentialHistogramDataPoint {
	m := ms.AppendEmpty()
	m.SetName("exp")
	e := m.SetEmptyExponentialHistogram()
	e.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := e.DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(at))
	p.SetScale(scale)
	p.Positive().BucketCounts().FromRaw(counts)
	var n uint64
	for _, c := range counts {
		n += c
	}
	p.SetCount(n)
	p.SetSum(float64(n))
	return p
}

func TestBadResourceAttributeCostsTargetInfoOnly(t *testing.T) {
	s := open(t, t.TempDir(), metricstore.Options{})
	now := time.Now().Truncate(time.Second)
	md := batch(func(ms pmetric.MetricSlice) { gauge(ms, "g", now, 1) })
	md.ResourceMetrics().At(0).Resource().Attributes().PutStr("", "x")
	res := add(t, s, md)
	require.Equal(t, map[metricstore.Reason]int{"untranslatable": 1}, res.Rejected)
	require.Equal(t, []string{`{__name__="g", job="shop", service_name="shop"} @0 1`}, dump(t, s, now))
}

func TestOutOfOrderSamplesWithinTheWindowAreKept(t *testing.T) {
	s := open(t, t.TempDir(), metricstore.Options{})
	now := time.Now().Truncate(time.Second)
	for _, ago := range []time.Duration{0, 9 * time.Minute, 5 * time.Minute} {
		res := add(t, s, batch(func(ms pmetric.MetricSlice) { gauge(ms, "g", now.Add(-ago), ago.Minutes()) }))
		require.Nil(t, res.Rejected)
	}
	const g = `{__name__="g", job="shop", service_name="shop"} `
	require.Equal(t, []string{g + "@-540 9", g + "@-300 5", g + "@0 0"}, dump(t, s, now))
}

func TestSeriesLimitRefusesOnlyNewSeries(t *testing.T) {
	s := open(t, t.TempDir(), metricstore.Options{MaxSeries: 3})
	now := time.Now().Truncate(time.Second)
	send := func(at time.Time) metricstore.Result {
		return add(t, s, batch(func(ms pmetric.MetricSlice) {
			for i := range 5 {
				gauge(ms, "g", at, 1, "i", fmt.Sprint(i))
			}
		}))
	}
	for i := range 3 {
		res := send(now.Add(time.Duration(i) * time.Second))
		require.Equal(t, 3, res.Accepted)
		require.Equal(t, map[metricstore.Reason]int{"series_limit": 2}, res.Rejected)
	}
	require.EqualValues(t, 3, s.Stats().Series)
	require.Len(t, dump(t, s, now), 9)
}

func TestExemplarsAreAnswered(t *testing.T) {
	s := open(t, t.TempDir(), metricstore.Options{})
	now := time.Now().Truncate(time.Second)
	md := batch(func(ms pmetric.MetricSlice) {
		deltaSum(ms, "c", now, 1)
		sum := ms.At(0).Sum()
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		e := sum.DataPoints().At(0).Exemplars().AppendEmpty()
		e.SetTimestamp(pcommon.NewTimestampFromTime(now))
		e.SetDoubleValue(1)
		e.SetTraceID([16]byte{0xab})
	})
	require.Nil(t, add(t, s, md).Rejected)
	q, err := s.ExemplarQuerier(context.Background())
	require.NoError(t, err)
	got, err := q.Select(0, now.UnixMilli(), []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "c_total")})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, "ab000000000000000000000000000000", got[0].Exemplars[0].Labels.Get("trace_id"))
}

func TestCancelledAppendLeavesNothing(t *testing.T) {
	s := open(t, t.TempDir(), metricstore.Options{})
	now := time.Now().Truncate(time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Append(ctx, batch(func(ms pmetric.MetricSlice) { gauge(ms, "g", now, 1) }))
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, dump(t, s, now))
}

func TestAppendersAndReadersAtOnce(t *testing.T) {
	s := open(t, t.TempDir(), metricstore.Options{SyncInterval: time.Millisecond})
	now := time.Now().Truncate(time.Second)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				_, err := s.Append(context.Background(), batch(func(ms pmetric.MetricSlice) {
					gauge(ms, "g", now.Add(time.Duration(i)*time.Second), 1, "w", fmt.Sprint(w))
					deltaSum(ms, "d", now.Add(time.Duration(i)*time.Second), 1, "w", fmt.Sprint(w))
				}))
				if err != nil {
					t.Error(err)
				}
				s.Stats()
				s.Metadata()
			}
		})
	}
	wg.Wait()
	require.Len(t, dump(t, s, now), 4*50*2)
}
