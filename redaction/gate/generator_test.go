package gate

import (
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/redaction/policy"
)

const install = "0194f3c2-5a31-4d2b-9c1e-1234567890ab"

// source has every kind and every domain.
const source = `version: 1
product: shop
vendor: acme
revision: 3
destination: https://telemetry.acme.example
interval: 60s
expires: 2027-12-31
identity:
  weir.install.id: {type: uuid}
  service.version: {type: semver}
  site.kind: {enum: [shop, office]}
  zone: {type: int, min: 1, max: 12}
  attended: {type: bool}
signals:
  - {name: a.requests, why: w, owner: o, category: error_rate, kind: sum, unit: "{request}", value: {min: 0, max: 1e12, step: 1},
     attributes: {service.name: {enum: [worker, api], otherwise: other}, cached: {type: bool}}}
  - {name: b.load, why: w, owner: o, category: utilization, kind: gauge, merge: mean, unit: "1", value: {min: -1, max: 1, step: 0.01},
     attributes: {cpu: {type: int, min: 8, max: 11, otherwise: more}}}
  - {name: c.duration, why: w, owner: o, category: health, kind: histogram, unit: s, bounds: [0.1, 1, 10], value: {min: 0, max: 1e6, step: 0.5},
     attributes: {service.name: {enum: [api]}}}
  - {name: d.sizes, why: w, owner: o, category: health, kind: histogram, unit: By, bounds: [1024]}
  - {name: e.versions, why: w, owner: o, category: version, kind: gauge, merge: last, unit: "{version}", value: {min: 0, max: 1, step: 1}, max_series: 4,
     attributes: {service.version: {type: semver, otherwise: none}, service.name: {enum: [api, worker]}}}
  - {name: f.tenants, why: w, owner: o, category: health, kind: sum, unit: "{tenant}", value: {min: 0, max: 5, step: 1}, max_series: 5,
     attributes: {tenant: {type: hmac}}}
  - {name: g.runs, why: w, owner: o, category: health, kind: sum, unit: "{run}", value: {min: 0, max: 5, step: 1}, max_series: 5,
     attributes: {run: {type: uuid}}}
  - {name: h.past, why: w, owner: o, category: health, kind: sum, unit: "1", expires: 2026-01-31, value: {min: 0, max: 5, step: 1}}
`

var now = time.Date(2026, 11, 21, 10, 30, 17, 0, time.UTC)

func testPolicy(t interface{ Fatal(...any) }) *policy.Policy {
	p, err := policy.Parse("p", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func stamp(t time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(t) }

var (
	reportTime  = stamp(time.Date(2026, 11, 21, 10, 30, 0, 0, time.UTC))
	reportStart = stamp(time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC))
)

// picks is where a report's free choices come from: rapid's draws, or fixed.
type picks interface {
	upTo(n int) int // 0..n
}

type drawn struct{ t *rapid.T }

func (d drawn) upTo(n int) int { return rapid.IntRange(0, n).Draw(d.t, "n") }

// most picks as much as there is, so that every metric has points.
type most struct{}

func (most) upTo(n int) int { return n }

type label struct {
	text string
	put  func(pcommon.Map, string)
}

func str(s string) label { return label{s, func(m pcommon.Map, k string) { m.PutStr(k, s) }} }
func integer(i int64) label {
	return label{strconv.FormatInt(i, 10), func(m pcommon.Map, k string) { m.PutInt(k, i) }}
}
func boolean(b bool) label {
	return label{strconv.FormatBool(b), func(m pcommon.Map, k string) { m.PutBool(k, b) }}
}

// report writes a report of the test's policy by hand, as the format has it.
// It shares no code with the gate beyond the policy's grid of numbers.
func report(c picks, digest policy.Digest, sequence float64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	r := rm.Resource().Attributes()
	r.PutBool("attended", c.upTo(1) == 1)
	r.PutStr("service.version", []string{"0.1.0", "1.2.3-rc.1"}[c.upTo(1)])
	r.PutStr("site.kind", []string{"shop", "office"}[c.upTo(1)])
	r.PutStr("weir.install.id", install)
	r.PutStr("weir.policy.digest", digest.String())
	r.PutInt("zone", int64(1+c.upTo(11)))
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("weir")
	ms := sm.Metrics()

	requests := sum(ms, "a.requests", "{request}")
	for _, cached := range []label{boolean(false), boolean(true)} {
		for _, s := range []label{str("api"), str("other"), str("worker")} {
			p := number(requests.DataPoints(), reportStart, []string{"cached", "service.name"}, cached, s)
			p.SetDoubleValue(float64(c.upTo(1e12)))
		}
	}
	load := gauge(ms, "b.load", "1")
	for _, cpu := range []label{integer(10), integer(11), integer(8), integer(9), str("more")} { // in the order of their texts
		p := number(load.DataPoints(), 0, []string{"cpu"}, cpu)
		if k := c.upTo(201); k == 0 {
			p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true)) // and no value at all
		} else {
			p.SetDoubleValue(policy.Value{Min: -1, Max: 1, Step: 0.01}.At(float64(k - 1)))
		}
	}
	duration := histogram(c, ms, "c.duration", "s", []float64{0.1, 1, 10})
	str("api").put(duration.Attributes(), "service.name")
	duration.SetSum(float64(c.upTo(2e6)) / 2)
	histogram(c, ms, "d.sizes", "By", []float64{1024})

	versions := dictionary(c, 4, [][]label{
		{str("api"), str("1.0.0")}, {str("api"), str("1.10.0")}, {str("api"), str("1.9.0")}, {str("api"), str("none")}, {str("worker"), str("1.0.0")},
	})
	if len(versions) > 0 {
		g := gauge(ms, "e.versions", "{version}")
		for _, v := range versions {
			number(g.DataPoints(), 0, []string{"service.name", "service.version"}, v...).SetDoubleValue(float64(c.upTo(1)))
		}
	}
	if tenants := dictionary(c, 5, [][]label{{str("00112233445566aa")}, {str("ffeeddccbbaa9900")}}); len(tenants) > 0 {
		s := sum(ms, "f.tenants", "{tenant}")
		for _, v := range tenants {
			number(s.DataPoints(), reportStart, []string{"tenant"}, v...).SetDoubleValue(float64(c.upTo(5)))
		}
	}
	if runs := dictionary(c, 5, [][]label{{str(install)}}); len(runs) > 0 {
		number(sum(ms, "g.runs", "{run}").DataPoints(), reportStart, []string{"run"}, runs[0]...).SetDoubleValue(float64(c.upTo(5)))
	}
	number(gauge(ms, "weir.report.sequence", "{report}").DataPoints(), 0, nil).SetDoubleValue(sequence)
	return md
}

// dictionary picks some of the series, in order.
func dictionary(c picks, limit int, all [][]label) [][]label {
	var list [][]label
	for _, one := range all {
		if len(list) < limit && c.upTo(1) == 1 {
			list = append(list, one)
		}
	}
	return list
}

func metric(ms pmetric.MetricSlice, name, unit string) pmetric.Metric {
	m := ms.AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	return m
}

func sum(ms pmetric.MetricSlice, name, unit string) pmetric.Sum {
	s := metric(ms, name, unit).SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	return s
}

func gauge(ms pmetric.MetricSlice, name, unit string) pmetric.Gauge {
	return metric(ms, name, unit).SetEmptyGauge()
}

func number(points pmetric.NumberDataPointSlice, start pcommon.Timestamp, keys []string, labels ...label) pmetric.NumberDataPoint {
	p := points.AppendEmpty()
	p.SetTimestamp(reportTime)
	p.SetStartTimestamp(start)
	for i, l := range labels {
		l.put(p.Attributes(), keys[i])
	}
	return p
}

func histogram(c picks, ms pmetric.MetricSlice, name, unit string, bounds []float64) pmetric.HistogramDataPoint {
	h := metric(ms, name, unit).SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := h.DataPoints().AppendEmpty()
	p.SetTimestamp(reportTime)
	p.SetStartTimestamp(reportStart)
	p.ExplicitBounds().FromRaw(bounds)
	total := uint64(0)
	for range len(bounds) + 1 {
		n := uint64(c.upTo(policy.MaxBucketCount))
		p.BucketCounts().Append(n)
		total += n
	}
	p.SetCount(total)
	return p
}

func marshal(t testing.TB, md pmetric.Metrics) []byte {
	t.Helper()
	data, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
