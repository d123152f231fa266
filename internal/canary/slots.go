// Package canary is telemetry with a mark in every slot that a sender can fill,
// and the search for that mark in what came out elsewhere.
//
// It is for tests and rehearsals: what [Find] finds behind the door should not
// be there. It knows the slots of OTLP; what a new version of OTLP adds has to be
// added here.
package canary

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Mark is in every text slot that a sender can fill, followed by the slot's
// name; none of it may leave. It has no characters that URL-encoding changes,
// so the raw form covers that one too.
const Mark = "weircanary7c1e"

// Slot is what stands in the slot of a name.
func Slot(name string) string { return Mark + "_" + name }

// TraceID and SpanID are canaries of the binary kind: 16 and 8 bytes of text.
var (
	TraceID = pcommon.TraceID([]byte("weircanary7c1e16"))
	SpanID  = pcommon.SpanID([]byte("7c1ecany"))
)

// fill puts canaries into every kind of attribute: key, string, bytes, nested
// key and value, list.
func fill(m pcommon.Map, where string) {
	m.PutStr(Slot(where+"_key"), "x")
	m.PutStr("plain."+where, Slot(where+"_string"))
	m.PutEmptyBytes("bytes." + where).FromRaw([]byte(Slot(where + "_bytes")))
	nested := m.PutEmptyMap("map." + where)
	nested.PutStr(Slot(where+"_nested_key"), Slot(where+"_nested_value"))
	list := m.PutEmptySlice("list." + where)
	list.AppendEmpty().SetStr(Slot(where + "_list"))
	list.AppendEmpty().SetEmptyMap().PutStr(Slot(where+"_list_key"), Slot(where+"_list_value"))
}

func fillResource(r pcommon.Resource, service string) {
	r.Attributes().PutStr("service.name", service)
	r.Attributes().PutStr("service.version", Slot("service_version"))
	r.Attributes().PutStr("weir.install.id", Slot("install_id"))
	r.Attributes().PutStr("weir.policy.digest", Slot("policy_digest"))
	fill(r.Attributes(), "resource")
	r.SetDroppedAttributesCount(7)
}

func fillScope(s pcommon.InstrumentationScope) {
	s.SetName(Slot("scope_name"))
	s.SetVersion(Slot("scope_version"))
	fill(s.Attributes(), "scope")
	s.SetDroppedAttributesCount(7)
}

// Logs has bodies of every kind, and canaries in all that a record can hold.
func Logs(now time.Time) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	fillResource(rl.Resource(), "frontend")
	rl.SetSchemaUrl(Slot("schema_url"))
	sl := rl.ScopeLogs().AppendEmpty()
	fillScope(sl.Scope())
	sl.SetSchemaUrl(Slot("scope_schema_url"))
	bodies := []func(pcommon.Value){
		func(v pcommon.Value) { v.SetStr(Slot("body_string")) },
		func(v pcommon.Value) { v.SetEmptyBytes().FromRaw([]byte(Slot("body_bytes"))) },
		func(v pcommon.Value) { v.SetEmptyMap().PutStr(Slot("body_key"), Slot("body_value")) },
		func(v pcommon.Value) { v.SetEmptySlice().AppendEmpty().SetStr(Slot("body_list")) },
	}
	for _, set := range bodies {
		lr := sl.LogRecords().AppendEmpty()
		set(lr.Body())
		fill(lr.Attributes(), "record")
		lr.SetTimestamp(pcommon.NewTimestampFromTime(now))
		lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(now))
		lr.SetSeverityText(Slot("severity_text"))
		lr.SetEventName(Slot("event_name"))
		lr.SetTraceID(TraceID)
		lr.SetSpanID(SpanID)
		lr.SetDroppedAttributesCount(7)
	}
	return ld
}

// Metrics has metrics of every kind under names that the policy does not
// know, and shop.orders, which it does, with canaries in all that is not named.
func Metrics(now time.Time, orders int64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	fillResource(rm.Resource(), "frontend")
	rm.SetSchemaUrl(Slot("schema_url"))
	sm := rm.ScopeMetrics().AppendEmpty()
	fillScope(sm.Scope())
	sm.SetSchemaUrl(Slot("scope_schema_url"))

	start, ts := pcommon.NewTimestampFromTime(now.Add(-time.Second)), pcommon.NewTimestampFromTime(now)
	exemplar := func(e pmetric.Exemplar) {
		fill(e.FilteredAttributes(), "exemplar")
		e.SetTimestamp(ts)
		e.SetTraceID(TraceID)
		e.SetSpanID(SpanID)
		e.SetDoubleValue(1)
	}
	metric := func(name, unit string) pmetric.Metric {
		m := sm.Metrics().AppendEmpty()
		m.SetName(name)
		m.SetUnit(unit)
		m.SetDescription(Slot("description"))
		fill(m.Metadata(), "metadata")
		return m
	}
	number := func(dp pmetric.NumberDataPoint) {
		fill(dp.Attributes(), "point")
		dp.SetStartTimestamp(start)
		dp.SetTimestamp(ts)
		dp.SetIntValue(orders)
		exemplar(dp.Exemplars().AppendEmpty())
	}

	sum := metric("shop.orders", "{order}").SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	for _, region := range []string{"eu", "us", Slot("enum_value")} {
		dp := sum.DataPoints().AppendEmpty()
		number(dp)
		dp.Attributes().PutStr("region", region)
	}
	other := metric(Slot("sum_name"), Slot("unit")).SetEmptySum()
	other.SetIsMonotonic(true)
	other.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	number(other.DataPoints().AppendEmpty())
	number(metric(Slot("gauge_name"), "1").SetEmptyGauge().DataPoints().AppendEmpty())

	h := metric(Slot("histogram_name"), "s").SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	hp := h.DataPoints().AppendEmpty()
	fill(hp.Attributes(), "histogram_point")
	hp.SetStartTimestamp(start)
	hp.SetTimestamp(ts)
	hp.ExplicitBounds().FromRaw([]float64{1})
	hp.BucketCounts().FromRaw([]uint64{1, 0})
	hp.SetCount(1)
	hp.SetSum(0.5)
	exemplar(hp.Exemplars().AppendEmpty())

	eh := metric(Slot("exphist_name"), "s").SetEmptyExponentialHistogram()
	eh.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	ep := eh.DataPoints().AppendEmpty()
	fill(ep.Attributes(), "exphist_point")
	ep.SetStartTimestamp(start)
	ep.SetTimestamp(ts)
	ep.SetCount(1)
	ep.SetSum(1)
	ep.Positive().BucketCounts().FromRaw([]uint64{1})
	exemplar(ep.Exemplars().AppendEmpty())

	s := metric(Slot("summary_name"), "s").SetEmptySummary().DataPoints().AppendEmpty()
	fill(s.Attributes(), "summary_point")
	s.SetStartTimestamp(start)
	s.SetTimestamp(ts)
	s.SetCount(1)
	s.SetSum(1)
	return md
}

// Traces has spans with events and links.
func Traces(now time.Time) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	fillResource(rs.Resource(), "cart")
	rs.SetSchemaUrl(Slot("schema_url"))
	ss := rs.ScopeSpans().AppendEmpty()
	fillScope(ss.Scope())
	ss.SetSchemaUrl(Slot("scope_schema_url"))
	for _, kind := range []ptrace.SpanKind{ptrace.SpanKindServer, ptrace.SpanKindClient} {
		sp := ss.Spans().AppendEmpty()
		sp.SetTraceID(TraceID)
		sp.SetSpanID(SpanID)
		sp.SetParentSpanID(SpanID)
		sp.TraceState().FromRaw("vendor=" + Slot("tracestate"))
		sp.SetName(Slot("span_name"))
		sp.SetKind(kind)
		sp.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Millisecond)))
		sp.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
		fill(sp.Attributes(), "span")
		sp.Attributes().PutInt("http.response.status_code", 500)
		sp.Attributes().PutStr("http.route", Slot("route"))
		sp.Status().SetCode(ptrace.StatusCodeError)
		sp.Status().SetMessage(Slot("status_message"))
		ev := sp.Events().AppendEmpty()
		ev.SetName(Slot("event_name"))
		fill(ev.Attributes(), "event")
		ln := sp.Links().AppendEmpty()
		ln.SetTraceID(TraceID)
		ln.SetSpanID(SpanID)
		ln.TraceState().FromRaw("vendor=" + Slot("link_tracestate"))
		fill(ln.Attributes(), "link")
	}
	return td
}
