package table

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// The laws are argued over this many inputs, unless -rapid.checks says
// otherwise; under -short, which the race detector's run sets, over fewer.
const (
	lawChecks      = "10000"
	lawChecksShort = "300"
)

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	checks := lawChecks
	if testing.Short() {
		checks = lawChecksShort
	}
	if !given {
		if err := flag.Set("rapid.checks", checks); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// everything is a policy with each kind, merge and domain.
var everything = `version: 1
product: sample
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 60s
identity:
  weir.install.id: {type: uuid}
  service.version: {type: semver}
  tier: {enum: [test, production]}
signals:
` + signalText("sum.attributes", "sum", `value: {min: 0, max: 1000, step: 1}
    attributes:
      k: {enum: [x, y], otherwise: drop}
      b: {type: bool, otherwise: other}`) +
	signalText("sum.plain", "sum", `value: {min: 0, max: 1e6, step: 0.5}`) +
	signalText("sum.raised", "sum", `value: {min: 3, max: 100, step: 1}`) +
	signalText("sum.expiring", "sum", `expires: 2027-01-01
    value: {min: 0, max: 100, step: 1}`) +
	signalText("sum.versions", "sum", `value: {min: 0, max: 1000, step: 1}
    max_series: 3
    attributes:
      v: {type: semver, otherwise: none}
      k: {enum: [x, y], otherwise: drop}`) +
	signalText("sum.people", "sum", `value: {min: 0, max: 1000, step: 1}
    max_series: 2
    attributes:
      who: {type: hmac}`) +
	signalText("gauge.last", "gauge", gaugeText("last")) +
	signalText("gauge.sum", "gauge", gaugeText("sum")) +
	signalText("gauge.min", "gauge", gaugeText("min")) +
	signalText("gauge.max", "gauge", gaugeText("max")) +
	signalText("gauge.mean", "gauge", gaugeText("mean")) +
	signalText("histogram.sum", "histogram", `bounds: [1, 2, 5]
    value: {min: 0, max: 100, step: 0.1}
    attributes:
      n: {type: int, min: 9, max: 11, otherwise: drop}`) +
	signalText("histogram.counts", "histogram", `bounds: [0]`)

func gaugeText(merge string) string {
	return "merge: " + merge + `
    value: {min: -10, max: 10, step: 0.25}
    attributes:
      k: {enum: [y, x], otherwise: other}`
}

func signalText(name, kind, rest string) string {
	return `  - name: ` + name + `
    why: the laws need it
    owner: support@acme.example
    category: health
    kind: ` + kind + `
    unit: "1"
    ` + rest + "\n"
}

var (
	began   = time.Unix(1_767_225_600, 0).UTC() // 2026-01-01
	install = map[string]string{"weir.install.id": "0194f3c2-5a31-4d2b-9c1e-1234567890ab", "service.version": "0.1.0", "tier": "test"}
)

func parse(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("allowlist.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func lay(t testing.TB, p *policy.Policy, change ...func(*Options)) *Table {
	t.Helper()
	o := Options{Key: []byte(strings.Repeat("k", 32)), Identity: install, Start: began}
	for _, f := range change {
		f(&o)
	}
	tab, err := New(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func ts(at time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(at) }

// after is a moment some seconds after the table began.
func after(seconds float64) time.Time {
	return began.Add(time.Duration(seconds * float64(time.Second)))
}

// point is a data point in short: k=v attributes, an int or a double.
type point struct {
	attrs       map[string]any
	start, time float64 // seconds after the table began
	value       any
	flags       pmetric.DataPointFlags
}

// batch is a metric of such points.
func batch(name string, kind pmetric.MetricType, temporality pmetric.AggregationTemporality, points ...point) pmetric.Metrics {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(name)
	m.SetUnit("1")
	var dps pmetric.NumberDataPointSlice
	if kind == pmetric.MetricTypeSum {
		m.SetEmptySum().SetIsMonotonic(true)
		m.Sum().SetAggregationTemporality(temporality)
		dps = m.Sum().DataPoints()
	} else {
		dps = m.SetEmptyGauge().DataPoints()
	}
	for _, p := range points {
		dp := dps.AppendEmpty()
		dp.SetStartTimestamp(ts(after(p.start)))
		dp.SetTimestamp(ts(after(p.time)))
		dp.SetFlags(p.flags)
		switch v := p.value.(type) {
		case int:
			dp.SetIntValue(int64(v))
		case int64:
			dp.SetIntValue(v)
		case float64:
			dp.SetDoubleValue(v)
		}
		if err := dp.Attributes().FromRaw(p.attrs); err != nil {
			panic(err)
		}
	}
	return md
}

const (
	cumulative = pmetric.AggregationTemporalityCumulative
	delta      = pmetric.AggregationTemporalityDelta
)

func sums(name string, points ...point) pmetric.Metrics {
	return batch(name, pmetric.MetricTypeSum, cumulative, points...)
}

func gauges(name string, points ...point) pmetric.Metrics {
	return batch(name, pmetric.MetricTypeGauge, 0, points...)
}

func report(t testing.TB, tab *Table, at time.Time) pmetric.Metrics {
	t.Helper()
	md, err := tab.Report(at)
	if err != nil {
		t.Fatal(err)
	}
	return md
}
