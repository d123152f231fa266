package e2e

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// mark is in every text slot that a sender can fill, followed by the slot's
// name; none of it may leave. It has no characters that URL-encoding changes,
// so the raw form covers that one too.
const mark = "weircanary7c1e"

func slot(name string) string { return mark + "_" + name }

// traceID and spanID are canaries of the binary kind: 16 and 8 bytes of text.
var (
	traceID = pcommon.TraceID([]byte("weircanary7c1e16"))
	spanID  = pcommon.SpanID([]byte("7c1ecany"))
)

// fill puts canaries into every kind of attribute: key, string, bytes, nested
// key and value, list.
func fill(m pcommon.Map, where string) {
	m.PutStr(slot(where+"_key"), "x")
	m.PutStr("plain."+where, slot(where+"_string"))
	m.PutEmptyBytes("bytes." + where).FromRaw([]byte(slot(where + "_bytes")))
	nested := m.PutEmptyMap("map." + where)
	nested.PutStr(slot(where+"_nested_key"), slot(where+"_nested_value"))
	list := m.PutEmptySlice("list." + where)
	list.AppendEmpty().SetStr(slot(where + "_list"))
	list.AppendEmpty().SetEmptyMap().PutStr(slot(where+"_list_key"), slot(where+"_list_value"))
}

func fillResource(r pcommon.Resource, service string) {
	r.Attributes().PutStr("service.name", service)
	r.Attributes().PutStr("service.version", slot("service_version"))
	r.Attributes().PutStr("weir.install.id", slot("install_id"))
	r.Attributes().PutStr("weir.policy.digest", slot("policy_digest"))
	fill(r.Attributes(), "resource")
	r.SetDroppedAttributesCount(7)
}

func fillScope(s pcommon.InstrumentationScope) {
	s.SetName(slot("scope_name"))
	s.SetVersion(slot("scope_version"))
	fill(s.Attributes(), "scope")
	s.SetDroppedAttributesCount(7)
}

func canaryLogs(now time.Time) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	fillResource(rl.Resource(), "frontend")
	rl.SetSchemaUrl(slot("schema_url"))
	sl := rl.ScopeLogs().AppendEmpty()
	fillScope(sl.Scope())
	sl.SetSchemaUrl(slot("scope_schema_url"))
	bodies := []func(pcommon.Value){
		func(v pcommon.Value) { v.SetStr(slot("body_string")) },
		func(v pcommon.Value) { v.SetEmptyBytes().FromRaw([]byte(slot("body_bytes"))) },
		func(v pcommon.Value) { v.SetEmptyMap().PutStr(slot("body_key"), slot("body_value")) },
		func(v pcommon.Value) { v.SetEmptySlice().AppendEmpty().SetStr(slot("body_list")) },
	}
	for _, set := range bodies {
		lr := sl.LogRecords().AppendEmpty()
		set(lr.Body())
		fill(lr.Attributes(), "record")
		lr.SetTimestamp(pcommon.NewTimestampFromTime(now))
		lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(now))
		lr.SetSeverityText(slot("severity_text"))
		lr.SetEventName(slot("event_name"))
		lr.SetTraceID(traceID)
		lr.SetSpanID(spanID)
		lr.SetDroppedAttributesCount(7)
	}
	return ld
}

// canaryMetrics has metrics of every kind under names that the policy does not
// know, and shop.orders, which it does, with canaries in all that is not named.
func canaryMetrics(now time.Time, orders int64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	fillResource(rm.Resource(), "frontend")
	rm.SetSchemaUrl(slot("schema_url"))
	sm := rm.ScopeMetrics().AppendEmpty()
	fillScope(sm.Scope())
	sm.SetSchemaUrl(slot("scope_schema_url"))

	start, ts := pcommon.NewTimestampFromTime(now.Add(-time.Second)), pcommon.NewTimestampFromTime(now)
	exemplar := func(e pmetric.Exemplar) {
		fill(e.FilteredAttributes(), "exemplar")
		e.SetTimestamp(ts)
		e.SetTraceID(traceID)
		e.SetSpanID(spanID)
		e.SetDoubleValue(1)
	}
	metric := func(name, unit string) pmetric.Metric {
		m := sm.Metrics().AppendEmpty()
		m.SetName(name)
		m.SetUnit(unit)
		m.SetDescription(slot("description"))
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
	for _, region := range []string{"eu", "us", slot("enum_value")} {
		dp := sum.DataPoints().AppendEmpty()
		number(dp)
		dp.Attributes().PutStr("region", region)
	}
	other := metric(slot("sum_name"), slot("unit")).SetEmptySum()
	other.SetIsMonotonic(true)
	other.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	number(other.DataPoints().AppendEmpty())
	number(metric(slot("gauge_name"), "1").SetEmptyGauge().DataPoints().AppendEmpty())

	h := metric(slot("histogram_name"), "s").SetEmptyHistogram()
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

	eh := metric(slot("exphist_name"), "s").SetEmptyExponentialHistogram()
	eh.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	ep := eh.DataPoints().AppendEmpty()
	fill(ep.Attributes(), "exphist_point")
	ep.SetStartTimestamp(start)
	ep.SetTimestamp(ts)
	ep.SetCount(1)
	ep.SetSum(1)
	ep.Positive().BucketCounts().FromRaw([]uint64{1})
	exemplar(ep.Exemplars().AppendEmpty())

	s := metric(slot("summary_name"), "s").SetEmptySummary().DataPoints().AppendEmpty()
	fill(s.Attributes(), "summary_point")
	s.SetStartTimestamp(start)
	s.SetTimestamp(ts)
	s.SetCount(1)
	s.SetSum(1)
	return md
}

func canaryTraces(now time.Time) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	fillResource(rs.Resource(), "cart")
	rs.SetSchemaUrl(slot("schema_url"))
	ss := rs.ScopeSpans().AppendEmpty()
	fillScope(ss.Scope())
	ss.SetSchemaUrl(slot("scope_schema_url"))
	for _, kind := range []ptrace.SpanKind{ptrace.SpanKindServer, ptrace.SpanKindClient} {
		sp := ss.Spans().AppendEmpty()
		sp.SetTraceID(traceID)
		sp.SetSpanID(spanID)
		sp.SetParentSpanID(spanID)
		sp.TraceState().FromRaw("vendor=" + slot("tracestate"))
		sp.SetName(slot("span_name"))
		sp.SetKind(kind)
		sp.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Millisecond)))
		sp.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
		fill(sp.Attributes(), "span")
		sp.Attributes().PutInt("http.response.status_code", 500)
		sp.Attributes().PutStr("http.route", slot("route"))
		sp.Status().SetCode(ptrace.StatusCodeError)
		sp.Status().SetMessage(slot("status_message"))
		ev := sp.Events().AppendEmpty()
		ev.SetName(slot("event_name"))
		fill(ev.Attributes(), "event")
		ln := sp.Links().AppendEmpty()
		ln.SetTraceID(traceID)
		ln.SetSpanID(spanID)
		ln.TraceState().FromRaw("vendor=" + slot("link_tracestate"))
		fill(ln.Attributes(), "link")
	}
	return td
}
