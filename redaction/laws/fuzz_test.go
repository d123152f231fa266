package laws

import (
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

// FuzzObserve: whatever bytes come in as OTLP, nothing panics, every point is
// counted once, and the report that comes of them passes the gate.
func FuzzObserve(f *testing.F) {
	p := parse(f, head+
		entry("a.sum", "sum", "value: {min: 0, max: 1000, step: 1}\n    attributes:\n      k: {enum: [x, y], otherwise: other}\n      b: {type: bool, otherwise: drop}")+
		entry("b.standing", "sum", "monotonic: false\n    value: {min: -10, max: 10, step: 0.5}")+
		entry("c.mean", "gauge", gaugeText("mean"))+
		entry("d.last", "gauge", gaugeText("last"))+
		entry("e.histogram", "histogram", "bounds: [-1, 0, 1, 2, 5]\n    value: {min: 0, max: 100, step: 0.1}\n    attributes:\n      n: {type: int, min: 1, max: 2, otherwise: drop}")+
		entry("f.versions", "sum", "value: {min: 0, max: 1000, step: 1}\n    max_series: 2\n    attributes:\n      v: {type: semver, otherwise: none}")+
		entry("g.people", "sum", "value: {min: 0, max: 1000, step: 0.5}\n    attributes:\n      who: {type: hmac}"))
	for i := range p.Signals {
		f.Add(marshal(f, example(&p.Signals[i])))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(data)
		if err != nil {
			return
		}
		md.MarkReadOnly()
		tab := lay(t, p)
		tab.Observe(md)
		tab.Observe(md)
		c := tab.Counters()
		told := c.Kept
		for _, r := range table.Reasons() {
			told += c.Dropped[r]
		}
		if c.Observed != told {
			t.Fatalf("%d points observed, %d told of", c.Observed, told)
		}
		for _, at := range []float64{61, 121} {
			out := report(t, tab, after(at))
			stamp(p, out, after(at))
			if err := gate.CheckBytes(p, marshal(t, out), gate.Facts{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// example is a metric that the signal takes, with a value for each attribute.
func example(s *policy.Signal) pmetric.Metrics {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(s.Name)
	m.SetUnit(s.Unit)
	var attributes interface {
		PutStr(string, string)
		PutInt(string, int64)
		PutBool(string, bool)
	}
	switch s.Kind {
	case policy.KindGauge:
		dp := m.SetEmptyGauge().DataPoints().AppendEmpty()
		dp.SetDoubleValue(0.5)
		dp.SetTimestamp(ts(after(5)))
		attributes = dp.Attributes()
	case policy.KindSum:
		sum := m.SetEmptySum()
		sum.SetIsMonotonic(!s.UpDown)
		sum.SetAggregationTemporality(cumulative)
		dp := sum.DataPoints().AppendEmpty()
		dp.SetIntValue(3)
		dp.SetStartTimestamp(ts(after(1)))
		dp.SetTimestamp(ts(after(5)))
		attributes = dp.Attributes()
	default:
		h := m.SetEmptyExponentialHistogram()
		h.SetAggregationTemporality(delta)
		dp := h.DataPoints().AppendEmpty()
		dp.SetScale(1)
		dp.SetZeroCount(1)
		dp.Positive().BucketCounts().FromRaw([]uint64{1, 2, 3})
		dp.Negative().BucketCounts().FromRaw([]uint64{4})
		dp.SetSum(7)
		dp.SetTimestamp(ts(after(5)))
		attributes = dp.Attributes()
	}
	for _, a := range s.Attributes {
		switch a.Domain.Kind {
		case policy.DomainEnum:
			attributes.PutStr(a.Key, a.Domain.Values[0])
		case policy.DomainBool:
			attributes.PutBool(a.Key, true)
		case policy.DomainInt:
			attributes.PutInt(a.Key, a.Domain.Min)
		default:
			attributes.PutStr(a.Key, "1.2.3")
		}
	}
	return md
}
