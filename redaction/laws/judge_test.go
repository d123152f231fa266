package laws

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

// layer makes a table, or a mutant of one.
type layer func(*policy.Policy) (projector, error)

var judgePolicy = head +
	entry("gauge", "gauge", `merge: last
    value: {min: 1, max: 10, step: 0.25}
    attributes:
      k: {enum: [x, y], otherwise: drop}`) +
	entry("histogram", "histogram", `bounds: [1, 2, 5]
    value: {min: 0, max: 100, step: 0.5}
    attributes:
      k: {enum: [x], otherwise: other}`) +
	entry("histogram.counts", "histogram", `bounds: [1]`) +
	entry("people", "sum", `value: {min: 0, max: 1000, step: 1}
    attributes:
      who: {type: hmac}`) +
	entry("sum", "sum", `value: {min: 0, max: 1000, step: 0.5}
    attributes:
      k: {enum: [x, y], otherwise: drop}
      n: {type: int, min: 1, max: 2, otherwise: drop}`) +
	entry("sum.expiring", "sum", `expires: 2026-01-01
    value: {min: 0, max: 1000, step: 1}`) +
	entry("versions", "sum", `value: {min: 0, max: 1000, step: 1}
    max_series: 2
    attributes:
      v: {type: semver, otherwise: none}`)

// judgement is what reports must say after judgeInput, worked out by hand. The
// table's own tests say why, point by point.
const judgement = `
install 0194f3c2-5a31-4d2b-9c1e-1234567890ab version 0.1.0
gauge k=x 3.25
gauge k=y none
histogram k=other [0 5 2 0] 0
histogram k=x [0 4 2 4] 8.5
histogram.counts [0 1099511627775]
people who=a8b373bd9a0f9800 2
sum k=x,n=1 9.5
sum k=x,n=2 0
sum k=y,n=1 1000
sum k=y,n=2 4
sum.expiring 1
versions v=1.0.0 2
versions v=none 1
--
install 0194f3c2-5a31-4d2b-9c1e-1234567890ab version 0.1.0
gauge k=x none
gauge k=y 1
histogram k=other [0 5 2 0] 0
histogram k=x [0 4 2 4] 8.5
histogram.counts [0 1099511627775]
people who=a8b373bd9a0f9800 2
sum k=x,n=1 9.5
sum k=x,n=2 0
sum k=y,n=1 1000
sum k=y,n=2 4
versions v=1.0.0 2
versions v=none 1
`

type sample struct {
	start, time float64
	value       float64
}

// judgeInput comes before the first report and the second.
func judgeInput() (first, second []pmetric.Metrics) {
	metric := func(name string) (pmetric.Metrics, pmetric.Metric) {
		md := pmetric.NewMetrics()
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("host.name", "secret-host")
		rm.Resource().Attributes().PutStr("service.version", "9.9.9")
		m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName(name)
		m.SetUnit("1")
		m.SetDescription("a secret")
		return md, m
	}
	number := func(dps pmetric.NumberDataPointSlice, attrs map[string]any, samples []sample) {
		for _, s := range samples {
			dp := dps.AppendEmpty()
			_ = dp.Attributes().FromRaw(attrs)
			dp.SetStartTimestamp(ts(after(s.start)))
			dp.SetTimestamp(ts(after(s.time)))
			dp.SetDoubleValue(s.value)
		}
	}
	sum := func(name string, attrs map[string]any, samples ...sample) pmetric.Metrics {
		md, m := metric(name)
		m.SetEmptySum().SetIsMonotonic(true)
		m.Sum().SetAggregationTemporality(cumulative)
		number(m.Sum().DataPoints(), attrs, samples)
		return md
	}
	gauge := func(attrs map[string]any, samples ...sample) pmetric.Metrics {
		md, m := metric("gauge")
		number(m.SetEmptyGauge().DataPoints(), attrs, samples)
		return md
	}
	histogram := func(name string, attrs map[string]any, bounds []float64, counts []uint64, sum float64) pmetric.Metrics {
		md, m := metric(name)
		m.SetEmptyHistogram().SetAggregationTemporality(delta)
		dp := m.Histogram().DataPoints().AppendEmpty()
		_ = dp.Attributes().FromRaw(attrs)
		dp.SetTimestamp(ts(after(1)))
		dp.ExplicitBounds().FromRaw(bounds)
		dp.BucketCounts().FromRaw(counts)
		dp.SetSum(sum)
		return md
	}
	// Its bucket goes up to the root of 2, then, with a coarser scale, to 4.
	exponential := func(time float64, scale int32, count uint64) pmetric.Metrics {
		md, m := metric("histogram")
		m.SetEmptyExponentialHistogram().SetAggregationTemporality(cumulative)
		dp := m.ExponentialHistogram().DataPoints().AppendEmpty()
		dp.SetStartTimestamp(ts(began))
		dp.SetTimestamp(ts(after(time)))
		dp.SetScale(scale)
		dp.Positive().BucketCounts().Append(count)
		return md
	}
	otherUnit := sum("sum", map[string]any{"k": "x", "n": 2}, sample{0, 1, 50})
	otherUnit.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).SetUnit("s")
	type a = map[string]any
	first = []pmetric.Metrics{
		gauge(a{"k": "x"}, sample{0, 5, 3.3}, sample{0, 4, 9}), gauge(a{"k": "z"}, sample{0, 1, 5}),
		histogram("histogram", a{"k": "x"}, []float64{1.5, 2, 3, 7}, []uint64{1, 3, 2, 0, 4}, 8.6),
		exponential(1, 1, 5), exponential(2, -1, 7),
		histogram("histogram.counts", nil, []float64{1}, []uint64{0, math.MaxUint64}, 1),
		sum("people", a{"who": "ada"}, sample{0, 1, 2}),
		// Counts in full; then 2.5 more; then starts again at 3; then is not a number, and below zero.
		sum("sum", a{"k": "x", "n": 1}, sample{0, 1, 4}, sample{0, 2, 6.4}, sample{0, 3, 3}, sample{0, 4, math.NaN()}, sample{0, 5, -1}),
		sum("sum", a{"k": "y", "n": 1}, sample{0, 1, 5000}),
		sum("sum", a{"k": "y", "n": 2}, sample{-60, 1, 100}, sample{-60, 2, 104}),
		sum("sum", a{"k": "x", "n": 3}, sample{0, 1, 70}), sum("sum", a{"k": "w", "n": 1}, sample{0, 1, 70}),
		otherUnit,
		sum("sum.expiring", nil, sample{0, 1, 1}),
		sum("versions", a{"v": "not a version"}, sample{0, 1, 1}), sum("versions", a{"v": "1.0.0"}, sample{0, 1, 2}), sum("versions", a{"v": "0.9.0"}, sample{0, 1, 3}),
	}
	second = []pmetric.Metrics{gauge(a{"k": "y"}, sample{0, 70, 0.5})}
	return first, second
}

// judge says what is wrong with a table: nothing, or which check found it.
func judge(t testing.TB, lay layer) (verdict string) {
	defer func() {
		if r := recover(); r != nil {
			verdict = "a panic"
		}
	}()
	p := parse(t, judgePolicy)
	tab, err := lay(p)
	if err != nil {
		return "refused to be laid out"
	}
	first, second := judgeInput()
	var text []string
	for i, batches := range [][]pmetric.Metrics{first, second} {
		for _, md := range batches {
			tab.Observe(md)
		}
		now := after(61 + float64(i)*3*24*3600)
		md, err := tab.Report(now)
		if err != nil {
			return "no report"
		}
		text = append(text, say(p, md))
		stamp(p, md, now)
		var refusal *gate.Refusal
		if err := gate.Check(p, md, gate.Facts{Install: install["weir.install.id"], Sequence: 1, Now: now, MaxSkew: time.Second, MaxAge: p.Interval}); errors.As(err, &refusal) {
			return "the gate: " + string(refusal.Reason)
		}
	}
	if got, want := strings.Join(text, "--\n"), strings.TrimSpace(judgement)+"\n"; got != want {
		return "what the report must say: " + difference(got, want)
	}
	l := newInterference(t)
	l.lay = lay
	for seed := range uint64(500) {
		if _, err := l.pair(seed); err != nil {
			return "non-interference"
		}
	}
	return ""
}

func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return w[i]
		}
	}
	return "its length"
}

// say is a report in words, with all that it has beside its shape.
func say(p *policy.Policy, md pmetric.Metrics) string {
	resource := md.ResourceMetrics().At(0).Resource().Attributes()
	id, _ := resource.Get("weir.install.id")
	version, _ := resource.Get("service.version")
	out := fmt.Sprintf("install %s version %s\n", id.AsString(), version.AsString())
	series := readSeries(p, md)
	for _, s := range p.Signals {
		for _, r := range series[s.Name] {
			words := []string{s.Name}
			var attrs []string
			for k, v := range r.attrs {
				attrs = append(attrs, k+"="+v)
			}
			slices.Sort(attrs)
			if len(attrs) > 0 {
				words = append(words, strings.Join(attrs, ","))
			}
			if r.buckets != nil {
				words = append(words, fmt.Sprint(r.buckets))
			}
			switch {
			case r.empty:
				words = append(words, "none")
			case r.buckets == nil || r.hasSum:
				words = append(words, fmt.Sprint(r.value))
			}
			out += strings.Join(words, " ") + "\n"
		}
	}
	return out
}

// The judge finds nothing wrong with the table itself.
func TestTheJudgeAcquitsTheTable(t *testing.T) {
	if verdict := judge(t, func(p *policy.Policy) (projector, error) {
		return table.New(p, table.Options{Key: key, Identity: install, Start: began})
	}); verdict != "" {
		t.Error(verdict)
	}
}
