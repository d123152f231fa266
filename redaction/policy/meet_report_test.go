package policy_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

const (
	someUUID = "0194f3c2-5a31-4d2b-9c1e-1234567890ab"
	someHash = "00112233445566aa"
)

var (
	started = time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	asked   = started.Add(24 * time.Hour)
)

// plain makes a policy with sums that only grow, and with whole numbers if it
// is for comparing counts.
func plain(t *rapid.T, p *policy.Policy, counts bool) *policy.Policy {
	q := *p
	q.Signals = slices.Clone(p.Signals)
	for i := range q.Signals {
		s := &q.Signals[i]
		s.UpDown = false
		if counts {
			s.Kind, s.Merge, s.Bounds = policy.KindSum, policy.MergeNone, nil
			s.Value, s.HasValue = policy.Value{Min: 0, Max: 1e12, Step: 1}, true
			if s.DenseSize() < 0 {
				s.MaxSeries = 100 // which series come first is not what is compared
			}
		}
	}
	parsed, err := policy.Parse("plain", policy.Render(&q))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// point is one data point of a stream of its own.
type point struct {
	name, kind string
	k, l       any // string, bool, int or nil
	value      float64
}

func drawValue(t *rapid.T, label string) any {
	return rapid.SampledFrom([]any{nil, "a", "b", "c", "1.0.0", "2.0.0", someHash, someUUID, "other", "stranger", true, false, -1, 0, 1, 3}).Draw(t, label)
}

func drawPoints(t *rapid.T) []point {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) point {
		return point{
			name: rapid.SampledFrom([]string{"s.one", "s.two", "s.three"}).Draw(t, "name"),
			kind: rapid.SampledFrom([]string{"sum", "gauge", "histogram"}).Draw(t, "kind"),
			k:    drawValue(t, "k"), l: drawValue(t, "l"),
			value: float64(rapid.IntRange(0, 9).Draw(t, "value")),
		}
	}), 0, 8).Draw(t, "points")
}

func put(m pcommon.Map, key string, v any) {
	switch v := v.(type) {
	case string:
		m.PutStr(key, v)
	case bool:
		m.PutBool(key, v)
	case int:
		m.PutInt(key, int64(v))
	}
}

func batch(points []point) pmetric.Metrics {
	md := pmetric.NewMetrics()
	ms := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	for i, p := range points {
		m := ms.AppendEmpty()
		m.SetName(p.name)
		m.SetUnit("1")
		at := pcommon.NewTimestampFromTime(started.Add(time.Duration(i+1) * time.Second))
		switch p.kind {
		case "gauge":
			dp := m.SetEmptyGauge().DataPoints().AppendEmpty()
			dp.SetTimestamp(at)
			dp.SetDoubleValue(p.value)
			put(dp.Attributes(), "k", p.k)
			put(dp.Attributes(), "l", p.l)
		case "sum":
			m.SetEmptySum().SetIsMonotonic(true)
			m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			dp := m.Sum().DataPoints().AppendEmpty()
			dp.SetTimestamp(at)
			dp.SetDoubleValue(p.value)
			put(dp.Attributes(), "k", p.k)
			put(dp.Attributes(), "l", p.l)
		case "histogram":
			m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			dp := m.Histogram().DataPoints().AppendEmpty()
			dp.SetTimestamp(at)
			dp.ExplicitBounds().FromRaw([]float64{0.1, 1})
			dp.BucketCounts().FromRaw([]uint64{1, uint64(p.value), 2})
			dp.SetCount(3 + uint64(p.value))
			dp.SetSum(p.value)
			put(dp.Attributes(), "k", p.k)
			put(dp.Attributes(), "l", p.l)
		}
	}
	return md
}

// report is what a policy lets out of some points, stamped with a sequence.
func report(t *rapid.T, p *policy.Policy, points []point) pmetric.Metrics {
	identity := map[string]string{"weir.install.id": someUUID}
	for _, a := range p.Identity {
		if a.Key != "weir.install.id" {
			for _, v := range append([]string{"true", "1.0.0", someUUID, someHash, "-2", "-1", "0", "1", "2"}, a.Domain.Values...) {
				if a.Domain.Contains(v) {
					identity[a.Key] = v
				}
			}
		}
	}
	tab, err := table.New(p, table.Options{Key: make([]byte, 32), Identity: identity, Start: started})
	if err != nil {
		t.Fatalf("%v\n%s", err, p.Source)
	}
	tab.Observe(batch(points))
	md, err := tab.Report(asked)
	if err != nil {
		t.Fatal(err)
	}
	at := pcommon.NewTimestampFromTime(asked)
	m := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	m.SetName(gate.SequenceMetric)
	m.SetUnit(gate.SequenceUnit)
	dp := m.SetEmptyGauge().DataPoints().AppendEmpty()
	dp.SetTimestamp(at)
	dp.SetDoubleValue(1)
	return md
}

func drawPair(t *rapid.T, counts bool) (a, b, m *policy.Policy) {
	a = policy.DrawPolicy(t, nil)
	b = policy.DrawPolicy(t, a)
	a, b = plain(t, a, counts), plain(t, b, counts)
	m, err := policy.Meet(a, b)
	if errors.Is(err, policy.ErrNoIdentity) {
		t.Skip("no policy that both allow")
	}
	if err != nil {
		t.Fatal(err)
	}
	return a, b, m
}

// What passes the gate under the meet holds only what each of the two allows.
func TestAReportUnderTheMeetIsAllowedByBoth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, m := drawPair(t, false)
		md := report(t, m, drawPoints(t))
		if err := gate.Check(m, md, gate.Facts{}); err != nil {
			t.Fatalf("%v\n%s", err, m.Source)
		}
		for _, p := range []*policy.Policy{a, b} {
			if what := beyond(p, md); what != "" {
				t.Fatalf("%s is not allowed by\n%s\nof the meet\n%s", what, p.Source, m.Source)
			}
		}
	})
}

// beyond holds a report against a policy that it was not made under, and says
// what the policy would never have let out: "" if nothing. It knows no digest
// and asks for nothing to be there.
func beyond(p *policy.Policy, md pmetric.Metrics) string {
	rm := md.ResourceMetrics().At(0)
	for key, v := range rm.Resource().Attributes().All() {
		if key != gate.DigestAttribute && !allowed(p.Identity, key, v) {
			return "identity " + key
		}
	}
	ms := rm.ScopeMetrics().At(0).Metrics()
	for i := range ms.Len() - 1 {
		m := ms.At(i)
		at := slices.IndexFunc(p.Signals, func(s policy.Signal) bool { return s.Name == m.Name() })
		if at < 0 {
			return m.Name()
		}
		s := p.Signals[at]
		if s.Expired(asked) || m.Unit() != s.Unit {
			return m.Name() + "'s unit or time"
		}
		n := 0
		series := func(attributes pcommon.Map, t pcommon.Timestamp) bool {
			n++
			for key, v := range attributes.All() {
				if !allowed(s.Attributes, key, v) {
					return false
				}
			}
			return time.Duration(t)%p.Interval == 0
		}
		var numbers pmetric.NumberDataPointSlice
		switch {
		case m.Type() == pmetric.MetricTypeSum && s.Kind == policy.KindSum:
			numbers = m.Sum().DataPoints()
		case m.Type() == pmetric.MetricTypeGauge && s.Kind == policy.KindGauge:
			numbers = m.Gauge().DataPoints()
		case m.Type() == pmetric.MetricTypeHistogram && s.Kind == policy.KindHistogram:
			numbers = pmetric.NewNumberDataPointSlice()
			for _, dp := range m.Histogram().DataPoints().All() {
				for _, bound := range dp.ExplicitBounds().All() {
					if !slices.Contains(s.Bounds, bound) {
						return m.Name() + "'s bounds"
					}
				}
				if !series(dp.Attributes(), dp.Timestamp()) || dp.HasSum() && (!s.HasValue || !s.Value.Holds(dp.Sum())) {
					return m.Name() + "'s series or sum"
				}
			}
		default:
			return m.Name() + "'s kind"
		}
		for _, dp := range numbers.All() {
			if !series(dp.Attributes(), dp.Timestamp()) || !dp.Flags().NoRecordedValue() && !s.Value.Holds(dp.DoubleValue()) {
				return m.Name() + "'s series or value"
			}
		}
		if n > s.MaxSeries {
			return m.Name() + "'s number of series"
		}
	}
	return ""
}

func allowed(list []policy.Attribute, key string, v pcommon.Value) bool {
	at := slices.IndexFunc(list, func(a policy.Attribute) bool { return a.Key == key })
	if at < 0 {
		return false
	}
	a := list[at]
	text := v.Type() == pcommon.ValueTypeStr
	if text && !a.Otherwise.Drop && v.Str() == a.Otherwise.Constant {
		return true
	}
	return text == (a.Domain.Kind != policy.DomainBool && a.Domain.Kind != policy.DomainInt) && a.Domain.Contains(v.AsString())
}

// Whoever reads a report under the meet learns nothing about the counts that
// was not in the report under either policy: inputs that look the same under
// one of them look the same under the meet. (Rounding, clamping and which point
// was the last are left out by comparing whole numbers.)
func TestWhatLooksTheSameUnderOneLooksTheSameUnderTheMeet(t *testing.T) {
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		a, b, m := drawPair(t, true)
		x := drawPoints(t)
		for i := range x {
			x[i].kind, x[i].value = "sum", 1
		}
		y := slices.Clone(x)
		for i := range y {
			switch rapid.IntRange(0, 3).Draw(t, "change") {
			case 0:
				y[i].k = drawValue(t, "other k")
			case 1:
				y[i].l = drawValue(t, "other l")
			case 2:
				y[i].name = "s.two"
			}
		}
		for _, p := range []*policy.Policy{a, b} {
			if !sameReport(report(t, p, x), report(t, p, y)) {
				continue
			}
			compared++
			if !sameReport(report(t, m, x), report(t, m, y)) {
				t.Fatalf("two inputs differ under the meet\n%s\nand not under\n%s\n%v\n%v", m.Source, p.Source, x, y)
			}
		}
	})
	if compared < 20 {
		t.Errorf("only %d pairs looked the same", compared)
	}
}

func sameReport(a, b pmetric.Metrics) bool {
	x, errX := (&pmetric.ProtoMarshaler{}).MarshalMetrics(a)
	y, errY := (&pmetric.ProtoMarshaler{}).MarshalMetrics(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
