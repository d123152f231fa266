package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/localstore/api"
	"github.com/weir-telemetry/weir/localstore/metricstore"
)

const previewPolicy = `version: 1
product: shop
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 60s
identity: {weir.install.id: {type: uuid}}
signals:
  - name: http.server.requests
    why: w
    owner: o
    category: error_rate
    kind: sum
    unit: "{request}"
    value: {min: 0, max: 1e12, step: 1}
    attributes:
      service.name: {enum: [cart]}
      http.response.status_class: {enum: [2xx, 5xx], otherwise: other}
  - name: queue.length
    why: w
    owner: o
    category: utilization
    kind: gauge
    merge: MERGE
    unit: "1"
    value: {min: 0, max: 100, step: 10}
  - name: request.duration
    why: w
    owner: o
    category: health
    kind: histogram
    unit: s
    bounds: [0.5, 2]
    value: {min: 0, max: 1000, step: 1}
  - name: connections
    why: w
    owner: o
    category: health
    kind: sum
    monotonic: false
    unit: "{connection}"
    value: {min: 0, max: 1000, step: 1}
  - name: orders
    why: w
    owner: o
    category: health
    kind: sum
    unit: "{order}"
    value: {min: 0, max: 1000, step: 1}
    max_series: 1
    attributes:
      tenant: {type: hmac}
  - name: never.seen
    why: w
    owner: o
    category: health
    kind: sum
    unit: By
    value: {min: 0, max: 1000, step: 1}
`

// previewEdge is a real local store behind the real API, with ten minutes in it.
func previewEdge(t *testing.T) string {
	t.Helper()
	ms, err := metricstore.Open(t.TempDir(), metricstore.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ms.Close()) })
	now := time.Now()
	for i := range 11 {
		_, err := ms.Append(context.Background(), previewMetrics(now.Add(time.Duration(i-10)*time.Minute), i))
		require.NoError(t, err)
	}
	srv := httptest.NewServer(api.Prometheus(ms, api.PrometheusOptions{}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func previewMetrics(at time.Time, i int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	ms := rm.ScopeMetrics().AppendEmpty().Metrics()
	ts, start := pcommon.NewTimestampFromTime(at), pcommon.NewTimestampFromTime(at.Add(-time.Hour))
	sum := func(name, unit string, monotonic bool) pmetric.NumberDataPointSlice {
		m := ms.AppendEmpty()
		m.SetName(name)
		m.SetUnit(unit)
		s := m.SetEmptySum()
		s.SetIsMonotonic(monotonic)
		s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		return s.DataPoints()
	}
	point := func(dps pmetric.NumberDataPointSlice, v float64, attributes ...string) {
		dp := dps.AppendEmpty()
		dp.SetStartTimestamp(start)
		dp.SetTimestamp(ts)
		dp.SetDoubleValue(v)
		for k := 0; k < len(attributes); k += 2 {
			dp.Attributes().PutStr(attributes[k], attributes[k+1])
		}
	}
	requests := sum("http.server.requests", "{request}", true)
	n := float64(i)
	point(requests, 60*n, "service.name", "cart", "http.response.status_class", "2xx", "customer", "Jane Roe")
	point(requests, 30*n, "service.name", "cart", "http.response.status_class", "2xx", "customer", "John Doe")
	point(requests, 12*n, "service.name", "cart", "http.response.status_class", "4xx")
	point(requests, 99*n, "service.name", "payroll", "http.response.status_class", "2xx")
	m := ms.AppendEmpty()
	m.SetName("queue.length")
	m.SetUnit("1")
	queue := m.SetEmptyGauge().DataPoints()
	point(queue, 14, "queue", "a")
	point(queue, 41, "queue", "b")
	point(sum("connections", "{connection}", false), 20, "peer", "a")
	orders := sum("orders", "{order}", true)
	point(orders, 6*n, "tenant", "customer one")
	point(orders, 7*n, "tenant", "customer two")
	h := ms.AppendEmpty()
	h.SetName("request.duration")
	h.SetUnit("s")
	hist := h.SetEmptyHistogram()
	hist.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	dp := hist.DataPoints().AppendEmpty()
	dp.SetStartTimestamp(start)
	dp.SetTimestamp(ts)
	dp.ExplicitBounds().FromRaw([]float64{0.1, 1, 5})
	dp.BucketCounts().FromRaw([]uint64{uint64(10 * i), uint64(20 * i), uint64(3 * i), 0})
	dp.SetCount(uint64(33 * i))
	dp.SetSum(float64(50 * i))
	return md
}

func previewRun(t *testing.T, listen string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(env{out: &o, err: &e, getenv: func(k string) string { return map[string]string{"WEIR_LISTEN": listen}[k] }}, append([]string{"policy", "preview"}, args...))
	return o.String(), e.String(), code
}

func previewFile(t *testing.T, name, merge string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(strings.Replace(previewPolicy, "MERGE", merge, 1)), 0o600))
}

func TestPreviewShowsWhatWouldLeave(t *testing.T) {
	listen := previewEdge(t)
	t.Chdir(t.TempDir())
	previewFile(t, "p.yaml", "mean")
	out, errOut, code := previewRun(t, listen, "--json", "--from", "5m", "p.yaml")
	require.Equal(t, exitYes, code, errOut)
	var a previewAnswer
	require.NoError(t, json.Unmarshal([]byte(out), &a))
	signals := map[string]previewSignal{}
	for _, s := range a.Signals {
		signals[s.Name] = s
	}
	require.Len(t, signals, 6)
	values := func(name, key string) map[string]float64 {
		m := map[string]float64{}
		for _, s := range signals[name].Series {
			if s.Value != nil {
				m[s.Attributes[key]] = *s.Value
			}
		}
		return m
	}
	// Two customers are one series; 4xx is other; payroll is dropped; 5xx is 0.
	got := values("http.server.requests", "http.response.status_class")
	assert.InDelta(t, 90*5, got["2xx"], 2)
	assert.InDelta(t, 12*5, got["other"], 2)
	assert.Contains(t, got, "5xx")
	assert.Zero(t, got["5xx"])
	assert.Equal(t, 1, signals["http.server.requests"].DroppedSeries)
	assert.Equal(t, map[string]float64{"": 30}, values("queue.length", ""), "the mean of 14 and 41, to the step of 10")
	assert.Equal(t, map[string]float64{"": 20}, values("connections", ""))
	// Bounds 0.1, 1, 5 and above onto 0.5 and 2: up to 0.5, up to 2, above.
	duration := signals["request.duration"].Series[0]
	require.Len(t, duration.Buckets, 3)
	assert.InDelta(t, 50, duration.Buckets[0], 2)
	assert.InDelta(t, 100, duration.Buckets[1], 2)
	assert.InDelta(t, 15, duration.Buckets[2], 2)
	assert.InDelta(t, 250, *duration.Value, 2)
	orders := signals["orders"]
	require.Len(t, orders.Series, 1)
	assert.Regexp(t, `^<hash \d>$`, orders.Series[0].Attributes["tenant"])
	assert.Equal(t, 1, orders.LimitedSeries)
	assert.False(t, signals["never.seen"].Seen)

	table, _, code := previewRun(t, listen, "p.yaml")
	assert.Equal(t, exitYes, code)
	for _, never := range []string{"Jane", "John", "payroll", "customer one"} {
		assert.NotContains(t, out, never)
		assert.NotContains(t, table, never)
	}
	assert.Regexp(t, `(?m)^never\.seen +\(nothing in the local store\) +1 series at 0$`, table)
	assert.Contains(t, table, "from the last 1h of")
}

func TestPreviewMergesGaugesAsThePolicySays(t *testing.T) {
	listen := previewEdge(t)
	t.Chdir(t.TempDir())
	for merge, want := range map[string]string{"min": "10", "max": "40", "sum": "60", "mean": "30"} {
		previewFile(t, "p.yaml", merge)
		out, errOut, code := previewRun(t, listen, "p.yaml")
		require.Equal(t, exitYes, code, errOut)
		assert.Regexp(t, `(?m)^queue\.length +all +`+want+`$`, out, merge)
	}
	previewFile(t, "p.yaml", "last")
	out, _, code := previewRun(t, listen, "p.yaml")
	require.Equal(t, exitYes, code)
	assert.Regexp(t, `(?m)^queue\.length +all +(10|40)$`, out)
}

func TestPreviewTellsTwoPoliciesApart(t *testing.T) {
	listen := previewEdge(t)
	t.Chdir(t.TempDir())
	previewFile(t, "new.yaml", "max")
	old := strings.Replace(previewPolicy, "MERGE", "min", 1)
	old = strings.Replace(old, "[2xx, 5xx], otherwise: other", "[2xx, 4xx]", 1)
	require.NoError(t, os.WriteFile("old.yaml", []byte(old), 0o600))
	out, errOut, code := previewRun(t, listen, "new.yaml", "--against", "old.yaml", "--from", "5m")
	require.Equal(t, exitYes, code, errOut)
	assert.Regexp(t, `(?m)^~ +queue\.length +all +40, was 10$`, out)
	assert.Regexp(t, `(?m)^\+ +http\.server\.requests +.*"5xx".* 0$`, out)
	assert.Regexp(t, `(?m)^- +http\.server\.requests +.*"4xx".* (59|60|61)$`, out)
	assert.NotContains(t, out, "connections")

	out, _, code = previewRun(t, listen, "--json", "new.yaml", "--against", "old.yaml")
	require.Equal(t, exitYes, code)
	var a previewAnswer
	require.NoError(t, json.Unmarshal([]byte(out), &a))
	require.NotNil(t, a.Against)
	assert.NotEmpty(t, a.Changes)
	assert.NotEqual(t, a.Digest, a.Against.Digest)

	out, _, code = previewRun(t, listen, "old.yaml", "--against", "old.yaml", "--from", "10s")
	require.Equal(t, exitYes, code)
	assert.Contains(t, out, "Both would send the same.")
}

func TestPreviewSaysThatNoEdgeRuns(t *testing.T) {
	t.Chdir(t.TempDir())
	previewFile(t, "p.yaml", "max")
	srv := httptest.NewServer(nil)
	listen := strings.TrimPrefix(srv.URL, "http://")
	srv.Close()
	_, errOut, code := previewRun(t, listen, "p.yaml")
	assert.Equal(t, exitError, code)
	assert.Contains(t, errOut, "no edge answers at http://"+listen)
	assert.NotContains(t, errOut, "query=", "a query is of no use to the reader")

	assert.Equal(t, "http://127.0.0.1:7070", newLocalStore("").base)
	assert.Equal(t, "http://127.0.0.1:7171", newLocalStore("0.0.0.0:7171").base)
	assert.Equal(t, "http://127.0.0.1:7171", newLocalStore(":7171").base)

	_, _, code = previewRun(t, listen, "--from", "0s", "p.yaml")
	assert.Equal(t, exitError, code)
	require.NoError(t, os.WriteFile("bad.yaml", []byte("version: 1\n"), 0o600))
	_, _, code = previewRun(t, listen, "bad.yaml")
	assert.Equal(t, exitNo, code)
}
