package gate

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/redaction/policy"
)

var facts = Facts{Install: install, Sequence: 7, Now: now, MaxSkew: time.Minute, MaxAge: time.Hour}

func TestEveryReportOfThePolicyPasses(t *testing.T) {
	p := testPolicy(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 1<<53).Draw(t, "sequence")
		md := report(drawn{t}, p.Digest, float64(n))
		md.MarkReadOnly()
		for _, f := range []Facts{{}, {Install: install, Sequence: uint64(n), Now: now, MaxSkew: time.Minute}} {
			if err := Check(p, md, f); err != nil {
				t.Fatal(err)
			}
			data, _ := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
			if err := CheckBytes(p, data, f); err != nil {
				t.Fatal(err)
			}
			if len(data) > maxSize(p) {
				t.Fatalf("%d bytes, more than the %d that can be", len(data), maxSize(p))
			}
		}
	})
}

// named returns a metric of the report by its name.
func named(md pmetric.Metrics, name string) pmetric.Metric {
	ms := metricsOf(md)
	for i := range ms.Len() {
		if ms.At(i).Name() == name {
			return ms.At(i)
		}
	}
	panic("no metric " + name)
}

func metricsOf(md pmetric.Metrics) pmetric.MetricSlice {
	return md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
}
func resourceOf(md pmetric.Metrics) pcommon.Resource { return md.ResourceMetrics().At(0).Resource() }
func scopeOf(md pmetric.Metrics) pmetric.ScopeMetrics {
	return md.ResourceMetrics().At(0).ScopeMetrics().At(0)
}
func sumPoint(md pmetric.Metrics, i int) pmetric.NumberDataPoint {
	return named(md, "a.requests").Sum().DataPoints().At(i)
}
func gaugePoint(md pmetric.Metrics, i int) pmetric.NumberDataPoint {
	return named(md, "b.load").Gauge().DataPoints().At(i)
}
func histogramPoint(md pmetric.Metrics) pmetric.HistogramDataPoint {
	return named(md, "c.duration").Histogram().DataPoints().At(0)
}
func sequencePoint(md pmetric.Metrics) pmetric.NumberDataPoint {
	return named(md, "weir.report.sequence").Gauge().DataPoints().At(0)
}
func swap[T any](at func(int) T, newOne func() T, move func(from, to T)) {
	tmp := newOne()
	move(at(0), tmp)
	move(at(1), at(0))
	move(tmp, at(1))
}

// rewrite puts a map's entries back with f applied; pdata has no other way to
// change a key or to make it come twice.
func rewrite(m pcommon.Map, f func(key string, put func(string))) {
	old := pcommon.NewMap()
	m.CopyTo(old)
	m.Clear()
	for k, v := range old.All() {
		f(k, func(key string) { v.CopyTo(m.PutEmpty(key)) })
	}
}

// Each mutation is one way to say more, or something else, than the policy
// allows; the rest of the report stays as it was.
var mutations = []struct {
	name   string
	reason Reason
	mutate func(pmetric.Metrics)
}{
	{"no resource", ResourceCount, func(md pmetric.Metrics) {
		md.ResourceMetrics().RemoveIf(func(pmetric.ResourceMetrics) bool { return true })
	}},
	{"second resource", ResourceCount, func(md pmetric.Metrics) { md.ResourceMetrics().AppendEmpty() }},
	{"resource schema url", SchemaURL, func(md pmetric.Metrics) { md.ResourceMetrics().At(0).SetSchemaUrl("https://x") }},
	{"resource dropped count", DroppedCount, func(md pmetric.Metrics) { resourceOf(md).SetDroppedAttributesCount(1) }},
	{"extra resource attribute", ResourceAttributes, func(md pmetric.Metrics) { resourceOf(md).Attributes().PutStr("host.name", "canary") }},
	{"missing resource attribute", ResourceAttributes, func(md pmetric.Metrics) { resourceOf(md).Attributes().Remove("service.version") }},
	{"resource attributes in another order", ResourceAttributes, func(md pmetric.Metrics) {
		a := resourceOf(md).Attributes()
		v, _ := a.Get("service.version")
		s := v.Str()
		a.Remove("service.version")
		a.PutStr("service.version", s)
	}},
	{"another resource key", ResourceAttributes, func(md pmetric.Metrics) {
		rewrite(resourceOf(md).Attributes(), func(k string, put func(string)) { put(strings.Replace(k, "site.kind", "site.kins", 1)) })
	}},
	{"identity outside its enum", IdentityValue, func(md pmetric.Metrics) { resourceOf(md).Attributes().PutStr("site.kind", "home") }},
	{"identity of another type", IdentityValue, func(md pmetric.Metrics) { resourceOf(md).Attributes().PutStr("zone", "3") }},
	{"identity out of range", IdentityValue, func(md pmetric.Metrics) { resourceOf(md).Attributes().PutInt("zone", 13) }},
	{"identity as bytes", IdentityValue, func(md pmetric.Metrics) {
		resourceOf(md).Attributes().PutEmptyBytes("site.kind").FromRaw([]byte("shop"))
	}},
	{"identity as a map", IdentityValue, func(md pmetric.Metrics) {
		resourceOf(md).Attributes().PutEmptyMap("site.kind").PutStr("shop", "canary")
	}},
	{"install id in upper case", IdentityValue, func(md pmetric.Metrics) {
		resourceOf(md).Attributes().PutStr("weir.install.id", strings.ToUpper(install))
	}},
	{"another install", Install, func(md pmetric.Metrics) {
		resourceOf(md).Attributes().PutStr("weir.install.id", "11111111-2222-4333-8444-555555555555")
	}},
	{"another digest", PolicyDigest, func(md pmetric.Metrics) {
		resourceOf(md).Attributes().PutStr("weir.policy.digest", strings.Repeat("0", 64))
	}},
	{"digest in upper case", PolicyDigest, func(md pmetric.Metrics) {
		v, _ := resourceOf(md).Attributes().Get("weir.policy.digest")
		v.SetStr(strings.ToUpper(v.Str()))
	}},
	{"no scope", ScopeCount, func(md pmetric.Metrics) {
		md.ResourceMetrics().At(0).ScopeMetrics().RemoveIf(func(pmetric.ScopeMetrics) bool { return true })
	}},
	{"second scope", ScopeCount, func(md pmetric.Metrics) { md.ResourceMetrics().At(0).ScopeMetrics().AppendEmpty() }},
	{"scope schema url", SchemaURL, func(md pmetric.Metrics) { scopeOf(md).SetSchemaUrl("https://x") }},
	{"scope name", Scope, func(md pmetric.Metrics) { scopeOf(md).Scope().SetName("canary") }},
	{"scope version", Scope, func(md pmetric.Metrics) { scopeOf(md).Scope().SetVersion("1") }},
	{"scope attribute", Scope, func(md pmetric.Metrics) { scopeOf(md).Scope().Attributes().PutStr("k", "v") }},
	{"scope dropped count", DroppedCount, func(md pmetric.Metrics) { scopeOf(md).Scope().SetDroppedAttributesCount(1) }},

	{"no metrics", Sequence, func(md pmetric.Metrics) { metricsOf(md).RemoveIf(func(pmetric.Metric) bool { return true }) }},
	{"no sequence", Sequence, func(md pmetric.Metrics) {
		metricsOf(md).RemoveIf(func(m pmetric.Metric) bool { return m.Name() == SequenceMetric })
	}},
	{"sequence is not last", Sequence, func(md pmetric.Metrics) {
		ms := metricsOf(md)
		named(md, "d.sizes").CopyTo(ms.AppendEmpty())
	}},
	{"sequence twice", MetricUnknown, func(md pmetric.Metrics) { named(md, SequenceMetric).CopyTo(metricsOf(md).AppendEmpty()) }},
	{"sequence of 0", Sequence, func(md pmetric.Metrics) { sequencePoint(md).SetDoubleValue(0) }},
	{"another sequence", Sequence, func(md pmetric.Metrics) { sequencePoint(md).SetDoubleValue(8) }},
	{"fractional sequence", Sequence, func(md pmetric.Metrics) { sequencePoint(md).SetDoubleValue(7.5) }},
	{"sequence as an int", Sequence, func(md pmetric.Metrics) { sequencePoint(md).SetIntValue(7) }},
	{"sequence NaN", Sequence, func(md pmetric.Metrics) { sequencePoint(md).SetDoubleValue(math.NaN()) }},
	{"sequence with attribute", Sequence, func(md pmetric.Metrics) { sequencePoint(md).Attributes().PutStr("k", "v") }},
	{"sequence with start", Sequence, func(md pmetric.Metrics) { sequencePoint(md).SetStartTimestamp(reportStart) }},
	{"sequence with flag", Sequence, func(md pmetric.Metrics) {
		sequencePoint(md).SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	}},
	{"sequence with exemplar", Sequence, func(md pmetric.Metrics) { sequencePoint(md).Exemplars().AppendEmpty() }},
	{"sequence with description", Sequence, func(md pmetric.Metrics) { named(md, SequenceMetric).SetDescription("x") }},
	{"sequence with another unit", Sequence, func(md pmetric.Metrics) { named(md, SequenceMetric).SetUnit("1") }},
	{"sequence with two points", Sequence, func(md pmetric.Metrics) {
		sequencePoint(md).CopyTo(named(md, SequenceMetric).Gauge().DataPoints().AppendEmpty())
	}},
	{"sequence as a sum", Sequence, func(md pmetric.Metrics) {
		named(md, SequenceMetric).SetEmptySum().DataPoints().AppendEmpty().SetDoubleValue(7)
	}},

	{"unknown metric", MetricUnknown, func(md pmetric.Metrics) {
		ms := metricsOf(md)
		sequenceCopy := pmetric.NewMetric()
		ms.At(ms.Len() - 1).CopyTo(sequenceCopy)
		named(md, "d.sizes").CopyTo(ms.At(ms.Len() - 1))
		ms.At(ms.Len() - 1).SetName("canary")
		sequenceCopy.CopyTo(ms.AppendEmpty())
	}},
	{"expired metric", MetricUnknown, func(md pmetric.Metrics) { named(md, "g.runs").SetName("h.past") }},
	{"missing metric", MetricMissing, func(md pmetric.Metrics) {
		metricsOf(md).RemoveIf(func(m pmetric.Metric) bool { return m.Name() == "b.load" })
	}},
	{"missing last metric", MetricMissing, func(md pmetric.Metrics) {
		metricsOf(md).RemoveIf(func(m pmetric.Metric) bool { return m.Name() > "d" && m.Name() < "w" })
	}},
	{"metrics in another order", MetricOrder, func(md pmetric.Metrics) {
		ms := metricsOf(md)
		n := ms.Len()
		tmp := pmetric.NewMetric()
		ms.At(n - 2).CopyTo(tmp)
		ms.At(n - 3).CopyTo(ms.At(n - 2))
		tmp.CopyTo(ms.At(n - 3))
	}},
	{"metric twice", MetricOrder, func(md pmetric.Metrics) { named(md, "f.tenants").CopyTo(named(md, "g.runs")) }},
	{"description", MetricText, func(md pmetric.Metrics) { named(md, "a.requests").SetDescription("canary") }},
	{"metadata", MetricMetadata, func(md pmetric.Metrics) { named(md, "a.requests").Metadata().PutStr("k", "canary") }},
	{"unit", MetricUnit, func(md pmetric.Metrics) { named(md, "a.requests").SetUnit("1") }},
	{"sum as a gauge", MetricKind, func(md pmetric.Metrics) { named(md, "a.requests").SetEmptyGauge() }},
	{"gauge as a sum", MetricKind, func(md pmetric.Metrics) { named(md, "b.load").SetEmptySum() }},
	{"histogram as a summary", MetricKind, func(md pmetric.Metrics) { named(md, "c.duration").SetEmptySummary() }},
	{"exponential histogram", MetricKind, func(md pmetric.Metrics) { named(md, "c.duration").SetEmptyExponentialHistogram() }},
	{"delta sum", Temporality, func(md pmetric.Metrics) {
		named(md, "a.requests").Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	}},
	{"sum that may fall", Temporality, func(md pmetric.Metrics) { named(md, "a.requests").Sum().SetIsMonotonic(false) }},
	{"delta histogram", Temporality, func(md pmetric.Metrics) {
		named(md, "c.duration").Histogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	}},
	{"unknown temporality", Temporality, func(md pmetric.Metrics) {
		named(md, "c.duration").Histogram().SetAggregationTemporality(77)
	}},

	{"extra attribute", Attributes, func(md pmetric.Metrics) { sumPoint(md, 0).Attributes().PutStr("user", "canary") }},
	{"missing attribute", Attributes, func(md pmetric.Metrics) { sumPoint(md, 0).Attributes().Remove("cached") }},
	{"value outside the enum", Attributes, func(md pmetric.Metrics) { sumPoint(md, 0).Attributes().PutStr("service.name", "canary") }},
	{"bool as text", Attributes, func(md pmetric.Metrics) { sumPoint(md, 0).Attributes().PutStr("cached", "false") }},
	{"int as text", Attributes, func(md pmetric.Metrics) { gaugePoint(md, 0).Attributes().PutStr("cpu", "10") }},
	{"int as double", Attributes, func(md pmetric.Metrics) { gaugePoint(md, 0).Attributes().PutDouble("cpu", 10) }},
	{"int out of range", Attributes, func(md pmetric.Metrics) { gaugePoint(md, 0).Attributes().PutInt("cpu", 12) }},
	{"text as int", Attributes, func(md pmetric.Metrics) { sumPoint(md, 0).Attributes().PutInt("service.name", 1) }},
	{"text as bool", Attributes, func(md pmetric.Metrics) { sumPoint(md, 0).Attributes().PutBool("service.name", true) }},
	{"empty value", Attributes, func(md pmetric.Metrics) { sumPoint(md, 0).Attributes().PutEmpty("service.name") }},
	{"value as a list", Attributes, func(md pmetric.Metrics) {
		sumPoint(md, 0).Attributes().PutEmptySlice("service.name").AppendEmpty().SetStr("api")
	}},
	{"no version", Attributes, func(md pmetric.Metrics) {
		named(md, "e.versions").Gauge().DataPoints().At(0).Attributes().PutStr("service.version", "v1.0.0")
	}},
	{"no hash", Attributes, func(md pmetric.Metrics) {
		named(md, "f.tenants").Sum().DataPoints().At(0).Attributes().PutStr("tenant", "someone@example")
	}},
	{"attributes in another order", Attributes, func(md pmetric.Metrics) {
		rewrite(sumPoint(md, 0).Attributes(), func(string, func(string)) {})
		sumPoint(md, 0).Attributes().PutStr("service.name", "api")
		sumPoint(md, 0).Attributes().PutBool("cached", false)
	}},
	{"series in another order", SeriesOrder, func(md pmetric.Metrics) {
		swap(func(i int) pmetric.NumberDataPoint { return sumPoint(md, i) }, pmetric.NewNumberDataPoint, pmetric.NumberDataPoint.CopyTo)
	}},
	{"series twice", SeriesTwice, func(md pmetric.Metrics) { sumPoint(md, 0).CopyTo(sumPoint(md, 1)) }},
	{"dense series missing", SeriesMissing, func(md pmetric.Metrics) {
		first := true
		named(md, "a.requests").Sum().DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { f := first; first = false; return f })
	}},
	{"dictionary without series", SeriesMissing, func(md pmetric.Metrics) {
		named(md, "f.tenants").Sum().DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { return true })
	}},
	{"dense series too many", SeriesLimit, func(md pmetric.Metrics) {
		sumPoint(md, 0).CopyTo(named(md, "a.requests").Sum().DataPoints().AppendEmpty())
	}},
	{"dictionary series too many", SeriesLimit, func(md pmetric.Metrics) {
		dp := named(md, "e.versions").Gauge().DataPoints()
		p := dp.AppendEmpty()
		dp.At(0).CopyTo(p)
		p.Attributes().PutStr("service.name", "worker")
	}},

	{"value above max", ValueGrid, func(md pmetric.Metrics) { sumPoint(md, 0).SetDoubleValue(1e12 + 1) }},
	{"value below min", ValueGrid, func(md pmetric.Metrics) { sumPoint(md, 0).SetDoubleValue(-1) }},
	{"value between steps", ValueGrid, func(md pmetric.Metrics) { sumPoint(md, 0).SetDoubleValue(41.5) }},
	{"value one bit off", ValueGrid, func(md pmetric.Metrics) { gaugePoint(md, 0).SetDoubleValue(math.Nextafter(0.5, 1)) }},
	{"NaN", ValueGrid, func(md pmetric.Metrics) { gaugePoint(md, 0).SetDoubleValue(math.NaN()) }},
	{"NaN with a payload", ValueGrid, func(md pmetric.Metrics) {
		gaugePoint(md, 0).SetDoubleValue(math.Float64frombits(0x7ff8000000c0ffee))
	}},
	{"infinity", ValueGrid, func(md pmetric.Metrics) { sumPoint(md, 0).SetDoubleValue(math.Inf(1)) }},
	{"negative zero", ValueGrid, func(md pmetric.Metrics) { sumPoint(md, 0).SetDoubleValue(math.Copysign(0, -1)) }},
	{"subnormal", ValueGrid, func(md pmetric.Metrics) { sumPoint(md, 0).SetDoubleValue(math.SmallestNonzeroFloat64) }},
	{"int value", ValueType, func(md pmetric.Metrics) { sumPoint(md, 0).SetIntValue(1) }},
	{"no value without the flag", ValueType, func(md pmetric.Metrics) {
		p := pmetric.NewNumberDataPoint()
		p.SetTimestamp(reportTime)
		gaugePoint(md, 0).Attributes().CopyTo(p.Attributes())
		p.CopyTo(gaugePoint(md, 0))
	}},
	{"value under the flag", ValueType, func(md pmetric.Metrics) {
		gaugePoint(md, 0).SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
		gaugePoint(md, 0).SetDoubleValue(0)
	}},
	{"flag on a sum", Flags, func(md pmetric.Metrics) {
		sumPoint(md, 0).SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	}},
	{"unknown flag", Flags, func(md pmetric.Metrics) { gaugePoint(md, 0).SetFlags(2) }},
	{"exemplar", Exemplars, func(md pmetric.Metrics) { sumPoint(md, 0).Exemplars().AppendEmpty().SetTraceID([16]byte{1}) }},
	{"exemplar on a histogram", Exemplars, func(md pmetric.Metrics) { histogramPoint(md).Exemplars().AppendEmpty() }},
	{"time of its own", PointTime, func(md pmetric.Metrics) { sumPoint(md, 3).SetTimestamp(reportTime + 1) }},
	{"histogram's time of its own", PointTime, func(md pmetric.Metrics) { histogramPoint(md).SetTimestamp(reportTime - 6e10) }},
	{"start of its own", PointStart, func(md pmetric.Metrics) { sumPoint(md, 3).SetStartTimestamp(reportStart + 6e10) }},
	{"start off the grid", TimeGrid, func(md pmetric.Metrics) { sumPoint(md, 0).SetStartTimestamp(reportStart + 1) }},
	{"no start", TimeGrid, func(md pmetric.Metrics) { sumPoint(md, 0).SetStartTimestamp(0) }},
	{"start after the report", PointStart, func(md pmetric.Metrics) { sumPoint(md, 0).SetStartTimestamp(reportTime + 6e10) }},
	{"start on a gauge", PointStart, func(md pmetric.Metrics) { gaugePoint(md, 0).SetStartTimestamp(reportStart) }},
	{"time off the grid", TimeGrid, func(md pmetric.Metrics) { sequencePoint(md).SetTimestamp(reportTime + 1) }},
	{"no time", TimeGrid, func(md pmetric.Metrics) { sequencePoint(md).SetTimestamp(0) }},
	{"time in the future", TimeSkew, func(md pmetric.Metrics) { sequencePoint(md).SetTimestamp(reportTime + 3600e9) }},
	{"time long ago", TimeSkew, func(md pmetric.Metrics) { sequencePoint(md).SetTimestamp(reportTime - 7200e9) }},
	{"time beyond the policy", PolicyExpired, func(md pmetric.Metrics) {
		sequencePoint(md).SetTimestamp(stamp(time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)))
	}},

	{"another bound", Bounds, func(md pmetric.Metrics) { histogramPoint(md).ExplicitBounds().SetAt(0, 0.2) }},
	{"extra bound", Bounds, func(md pmetric.Metrics) { histogramPoint(md).ExplicitBounds().Append(20) }},
	{"extra bucket", BucketCounts, func(md pmetric.Metrics) { histogramPoint(md).BucketCounts().Append(0) }},
	{"no buckets", BucketCounts, func(md pmetric.Metrics) {
		histogramPoint(md).BucketCounts().FromRaw(nil)
		histogramPoint(md).SetCount(0)
	}},
	{"count that does not add up", BucketCounts, func(md pmetric.Metrics) { histogramPoint(md).SetCount(3) }},
	{"bucket beyond its limit", BucketCounts, func(md pmetric.Metrics) {
		h := histogramPoint(md)
		h.SetCount(h.Count() - h.BucketCounts().At(0) + 1<<40)
		h.BucketCounts().SetAt(0, 1<<40)
	}},
	{"bucket that overflows the total", BucketCounts, func(md pmetric.Metrics) { histogramPoint(md).BucketCounts().SetAt(0, math.MaxUint64) }},
	{"no sum", HistogramSum, func(md pmetric.Metrics) { histogramPoint(md).RemoveSum() }},
	{"sum off its grid", HistogramSum, func(md pmetric.Metrics) { histogramPoint(md).SetSum(0.25) }},
	{"sum that the policy does not have", HistogramSum, func(md pmetric.Metrics) {
		named(md, "d.sizes").Histogram().DataPoints().At(0).SetSum(0)
	}},
	{"min", MinMax, func(md pmetric.Metrics) { histogramPoint(md).SetMin(0) }},
	{"max", MinMax, func(md pmetric.Metrics) { histogramPoint(md).SetMax(0) }},
	{"flag on a histogram", Flags, func(md pmetric.Metrics) {
		histogramPoint(md).SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	}},
	{"attribute of a histogram", Attributes, func(md pmetric.Metrics) { histogramPoint(md).Attributes().PutStr("service.name", "canary") }},
}

func TestEachMutationIsRefusedForItsReason(t *testing.T) {
	p := testPolicy(t)
	if err := Check(p, report(most{}, p.Digest, 7), facts); err != nil {
		t.Fatalf("before any mutation: %v", err)
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			md := report(most{}, p.Digest, 7)
			m.mutate(md)
			err := Check(p, md, facts)
			var r *Refusal
			if !errors.As(err, &r) {
				t.Fatalf("not refused: %v", err)
			}
			if r.Reason != m.reason {
				t.Errorf("refused for %s, want %s", r.Reason, m.reason)
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "someone") {
				t.Errorf("the error repeats the report: %v", err)
			}
			if CheckBytes(p, marshal(t, md), facts) == nil {
				t.Error("not refused as bytes")
			}
		})
	}
}

// Mutations of any valid report are refused too, not only of the fullest.
func TestMutationsOfAnyReportAreRefused(t *testing.T) {
	p := testPolicy(t)
	rapid.Check(t, func(t *rapid.T) {
		md := report(drawn{t}, p.Digest, 7)
		before, _ := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
		m := mutations[rapid.IntRange(0, len(mutations)-1).Draw(t, "mutation")]
		if m.name == "dictionary series too many" || !applies(m.mutate, md) {
			return // one more series is allowed while there is room
		}
		after, _ := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
		if string(before) != string(after) && Check(p, md, facts) == nil {
			t.Fatalf("%s was not refused", m.name)
		}
	})
}

// applies reports whether the report has what the mutation changes. A report
// without dictionary series may not; named panics then.
func applies(mutate func(pmetric.Metrics), md pmetric.Metrics) (ok bool) {
	defer func() { ok = recover() == nil }()
	mutate(md)
	return true
}

func TestNothingIsComparedThatTheCallerDoesNotKnow(t *testing.T) {
	p := testPolicy(t)
	md := report(most{}, p.Digest, 99)
	if err := Check(p, md, Facts{}); err != nil {
		t.Error(err)
	}
	if err := Check(p, md, Facts{Sequence: 98}); err == nil {
		t.Error("another sequence passed")
	}
	if err := Check(p, md, Facts{Now: now.Add(-time.Hour), MaxSkew: time.Minute}); err == nil {
		t.Error("a report of the future passed")
	}
	if err := Check(p, md, Facts{Now: now.AddDate(1, 0, 0), MaxSkew: time.Minute}); err != nil {
		t.Errorf("what waited for a year was refused: %v", err)
	}
}

func TestExpiredSignalIsAsIfAbsent(t *testing.T) {
	p, err := policy.Parse("p", []byte(strings.Replace(source, "expires: 2026-01-31, ", "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	md := report(most{}, p.Digest, 7)
	var r *Refusal
	if err := Check(p, md, facts); !errors.As(err, &r) || r.Reason != MetricMissing || r.Signal != "h.past" {
		t.Errorf("a signal that has not expired may be left out: %v", err)
	}
}
