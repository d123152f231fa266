package vitals

import (
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// ScopeName is the instrumentation scope of all that is emitted.
const ScopeName = "github.com/weir-telemetry/weir/vitals"

// ResourceName is the service.name of the resource: the one that measures. The
// one that is measured is an attribute of each point.
const ResourceName = "weir"

// Metrics says what has been added up until now, and forgets who has been
// silent for long. Sums and histograms are cumulative; a service that comes
// back after it was forgotten starts anew, with a new start time. A service's
// series of one metric appear all together, zeros included, so that a rate does
// not begin with the second error.
func (v *Vitals) Metrics(at time.Time) pmetric.Metrics {
	now := at.UnixNano()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forget(now)

	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", ResourceName)
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(ScopeName)
	e := emitter{metrics: sm.Metrics(), now: pcommon.Timestamp(now)}

	names := slices.Sorted(maps.Keys(v.services))
	records := e.sum("weir.log.records", "{record}", "Log records by service and severity.")
	served := e.sum("weir.service.requests", "{request}", "Requests served and messages taken, by service and class of HTTP status.")
	failed := e.sum("weir.service.errors", "{error}", "Requests that ended in an error or in a status of 500 and above.")
	duration := e.histogram("weir.service.request.duration", "s", "How long requests took.")
	running := e.gauge("weir.service.version", "{version}", "Versions of services seen in the last hour.")
	silence := e.gauge("weir.service.silence", "s", "Time since a service was last heard.")

	for _, name := range names {
		s := v.services[name]
		if s.hasLogs {
			for sev, n := range s.logs {
				e.count(records, n, s.first, name).PutStr("severity", severityNames[sev])
			}
		}
		if s.requests.count > 0 {
			for class, n := range s.requests.byClass {
				e.count(served, n, s.first, name).PutStr("http.response.status_class", classNames[class])
			}
			e.count(failed, s.requests.errors, s.first, name)
			e.durations(duration, &s.requests, s.first, name)
		}
		s.forgetVersions(now)
		for _, ver := range s.versions {
			e.value(running, 1, name).PutStr("service.version", ver.name)
		}
		e.value(silence, max(0, float64(now-s.last)/1e9), name)
	}

	beats := e.sum("weir.heartbeat", "{beat}", "Intervals in which Weir was alive.")
	e.count(beats, v.beats, v.opts.Start.UnixNano(), "")
	uptime := e.gauge("process.uptime", "s", "How long Weir has been running.")
	e.value(uptime, max(0, at.Sub(v.opts.ProcessStart).Seconds()), "")

	sm.Metrics().RemoveIf(empty)
	return md
}

type emitter struct {
	metrics pmetric.MetricSlice
	now     pcommon.Timestamp
}

func (e *emitter) metric(name, unit, description string) pmetric.Metric {
	m := e.metrics.AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	m.SetDescription(description)
	return m
}

func (e *emitter) sum(name, unit, description string) pmetric.NumberDataPointSlice {
	s := e.metric(name, unit, description).SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	return s.DataPoints()
}

func (e *emitter) gauge(name, unit, description string) pmetric.NumberDataPointSlice {
	return e.metric(name, unit, description).SetEmptyGauge().DataPoints()
}

func (e *emitter) histogram(name, unit, description string) pmetric.HistogramDataPointSlice {
	h := e.metric(name, unit, description).SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	return h.DataPoints()
}

func (e *emitter) count(points pmetric.NumberDataPointSlice, n uint64, start int64, service string) pcommon.Map {
	p := points.AppendEmpty()
	p.SetStartTimestamp(pcommon.Timestamp(start))
	p.SetTimestamp(e.now)
	p.SetIntValue(int64(n))
	return named(p.Attributes(), service)
}

func (e *emitter) value(points pmetric.NumberDataPointSlice, f float64, service string) pcommon.Map {
	p := points.AppendEmpty()
	p.SetTimestamp(e.now)
	p.SetDoubleValue(f)
	return named(p.Attributes(), service)
}

func (e *emitter) durations(points pmetric.HistogramDataPointSlice, r *requests, start int64, service string) {
	p := points.AppendEmpty()
	p.SetStartTimestamp(pcommon.Timestamp(start))
	p.SetTimestamp(e.now)
	p.ExplicitBounds().FromRaw(durationBounds[:])
	p.BucketCounts().FromRaw(r.buckets[:])
	p.SetCount(r.count)
	p.SetSum(r.nanos / 1e9)
	named(p.Attributes(), service)
}

func named(attrs pcommon.Map, service string) pcommon.Map {
	if service != "" {
		attrs.PutStr("service.name", service)
	}
	return attrs
}

// empty says that a metric has no points; such a one is malformed to some.
func empty(m pmetric.Metric) bool {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints().Len() == 0
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints().Len() == 0
	case pmetric.MetricTypeHistogram:
		return m.Histogram().DataPoints().Len() == 0
	}
	return true
}
