package ownreceiver

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// convert builds what the SDK's OTLP exporter would send, without exemplars,
// and copies all of it: the SDK reuses rm's memory. skipped counts the metrics
// of a kind or a temporality that OTLP does not know.
func convert(rm *metricdata.ResourceMetrics) (md pmetric.Metrics, skipped int) {
	md = pmetric.NewMetrics()
	if len(rm.ScopeMetrics) == 0 {
		return md, 0
	}
	out := md.ResourceMetrics().AppendEmpty()
	if rm.Resource != nil {
		out.SetSchemaUrl(rm.Resource.SchemaURL())
		putAll(out.Resource().Attributes(), *rm.Resource.Set())
	}
	for _, sm := range rm.ScopeMetrics {
		scope := out.ScopeMetrics().AppendEmpty()
		scope.SetSchemaUrl(sm.Scope.SchemaURL)
		scope.Scope().SetName(sm.Scope.Name)
		scope.Scope().SetVersion(sm.Scope.Version)
		putAll(scope.Scope().Attributes(), sm.Scope.Attributes)
		for _, m := range sm.Metrics {
			one := pmetric.NewMetric()
			one.SetName(m.Name)
			one.SetDescription(m.Description)
			one.SetUnit(m.Unit)
			if !data(one, m.Data) {
				skipped++
				continue
			}
			one.MoveTo(scope.Metrics().AppendEmpty())
		}
	}
	return md, skipped
}

// data fills in the points; false if there is no way to say them in OTLP.
func data(to pmetric.Metric, from metricdata.Aggregation) bool {
	switch d := from.(type) {
	case metricdata.Gauge[int64]:
		numbers(to.SetEmptyGauge().DataPoints(), d.DataPoints)
	case metricdata.Gauge[float64]:
		numbers(to.SetEmptyGauge().DataPoints(), d.DataPoints)
	case metricdata.Sum[int64]:
		return sum(to.SetEmptySum(), d)
	case metricdata.Sum[float64]:
		return sum(to.SetEmptySum(), d)
	case metricdata.Histogram[int64]:
		return histogram(to.SetEmptyHistogram(), d)
	case metricdata.Histogram[float64]:
		return histogram(to.SetEmptyHistogram(), d)
	case metricdata.ExponentialHistogram[int64]:
		return exponential(to.SetEmptyExponentialHistogram(), d)
	case metricdata.ExponentialHistogram[float64]:
		return exponential(to.SetEmptyExponentialHistogram(), d)
	default:
		return false
	}
	return true
}

func sum[N int64 | float64](to pmetric.Sum, from metricdata.Sum[N]) bool {
	t, ok := temporality(from.Temporality)
	to.SetAggregationTemporality(t)
	to.SetIsMonotonic(from.IsMonotonic)
	numbers(to.DataPoints(), from.DataPoints)
	return ok
}

func numbers[N int64 | float64](to pmetric.NumberDataPointSlice, from []metricdata.DataPoint[N]) {
	to.EnsureCapacity(len(from))
	for _, p := range from {
		q := to.AppendEmpty()
		putAll(q.Attributes(), p.Attributes)
		q.SetStartTimestamp(stamp(p.StartTime))
		q.SetTimestamp(stamp(p.Time))
		switch v := any(p.Value).(type) {
		case int64:
			q.SetIntValue(v)
		case float64:
			q.SetDoubleValue(v)
		}
	}
}

func histogram[N int64 | float64](to pmetric.Histogram, from metricdata.Histogram[N]) bool {
	t, ok := temporality(from.Temporality)
	to.SetAggregationTemporality(t)
	for _, p := range from.DataPoints {
		q := to.DataPoints().AppendEmpty()
		putAll(q.Attributes(), p.Attributes)
		q.SetStartTimestamp(stamp(p.StartTime))
		q.SetTimestamp(stamp(p.Time))
		q.SetCount(p.Count)
		q.SetSum(float64(p.Sum))
		q.ExplicitBounds().FromRaw(p.Bounds)
		q.BucketCounts().FromRaw(p.BucketCounts)
		if v, ok := p.Min.Value(); ok {
			q.SetMin(float64(v))
		}
		if v, ok := p.Max.Value(); ok {
			q.SetMax(float64(v))
		}
	}
	return ok
}

func exponential[N int64 | float64](to pmetric.ExponentialHistogram, from metricdata.ExponentialHistogram[N]) bool {
	t, ok := temporality(from.Temporality)
	to.SetAggregationTemporality(t)
	for _, p := range from.DataPoints {
		q := to.DataPoints().AppendEmpty()
		putAll(q.Attributes(), p.Attributes)
		q.SetStartTimestamp(stamp(p.StartTime))
		q.SetTimestamp(stamp(p.Time))
		q.SetCount(p.Count)
		q.SetSum(float64(p.Sum))
		q.SetScale(p.Scale)
		q.SetZeroCount(p.ZeroCount)
		q.SetZeroThreshold(p.ZeroThreshold)
		q.Positive().SetOffset(p.PositiveBucket.Offset)
		q.Positive().BucketCounts().FromRaw(p.PositiveBucket.Counts)
		q.Negative().SetOffset(p.NegativeBucket.Offset)
		q.Negative().BucketCounts().FromRaw(p.NegativeBucket.Counts)
		if v, ok := p.Min.Value(); ok {
			q.SetMin(float64(v))
		}
		if v, ok := p.Max.Value(); ok {
			q.SetMax(float64(v))
		}
	}
	return ok
}

func temporality(t metricdata.Temporality) (pmetric.AggregationTemporality, bool) {
	switch t {
	case metricdata.CumulativeTemporality:
		return pmetric.AggregationTemporalityCumulative, true
	case metricdata.DeltaTemporality:
		return pmetric.AggregationTemporalityDelta, true
	}
	return pmetric.AggregationTemporalityUnspecified, false
}

func putAll(to pcommon.Map, from attribute.Set) {
	to.EnsureCapacity(from.Len())
	for i := from.Iter(); i.Next(); {
		kv := i.Attribute()
		key := string(kv.Key)
		switch v := kv.Value; v.Type() {
		case attribute.BOOL:
			to.PutBool(key, v.AsBool())
		case attribute.INT64:
			to.PutInt(key, v.AsInt64())
		case attribute.FLOAT64:
			to.PutDouble(key, v.AsFloat64())
		case attribute.STRING:
			to.PutStr(key, v.AsString())
		case attribute.BOOLSLICE:
			putSlice(to, key, v.AsBoolSlice(), pcommon.Value.SetBool)
		case attribute.INT64SLICE:
			putSlice(to, key, v.AsInt64Slice(), pcommon.Value.SetInt)
		case attribute.FLOAT64SLICE:
			putSlice(to, key, v.AsFloat64Slice(), pcommon.Value.SetDouble)
		case attribute.STRINGSLICE:
			putSlice(to, key, v.AsStringSlice(), pcommon.Value.SetStr)
		}
	}
}

func putSlice[T any](to pcommon.Map, key string, from []T, set func(pcommon.Value, T)) {
	s := to.PutEmptySlice(key)
	for _, v := range from {
		set(s.AppendEmpty(), v)
	}
}

// stamp is 0, OTLP's "not known", for the zero time and before 1970.
func stamp(t time.Time) pcommon.Timestamp {
	if t.Unix() < 0 {
		return 0
	}
	return pcommon.NewTimestampFromTime(t)
}
