package vitals

import (
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// ScopeName is the instrumentation scope of all that is emitted.
const ScopeName = "github.com/weir-telemetry/weir/vitals"

// ResourceName is the service.name of the resource: the one that measures. The
// one that is measured is an attribute of each point.
const ResourceName = "weir"

// Metrics says what has been added up until now, and forgets who has been
// silent for long. Sums and histograms are cumulative, and each begins with a
// zero at its start; a service that comes back after it was forgotten starts
// anew, with a new start time. A service's severities and classes of status
// appear all together, zeros included, and so does a service that never failed.
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
	w := newWriter(sm.Metrics(), now)

	logged := w.sum("weir.log.records", "{record}", "Log records by service and severity.")
	served := w.sum("weir.service.requests", "{request}", "Requests served and messages taken, by service, kind and class of HTTP status.")
	failed := w.sum("weir.service.errors", "{error}", "Requests that ended in an error or in a status of 500 and above.")
	durations := [measures]pmetric.ExponentialHistogramDataPointSlice{}
	for i := range durations {
		durations[i] = w.histogram(measured[i].name, "s", measured[i].description)
	}
	running := w.gauge("weir.service.version", "{version}", "Versions of services seen in the last hour.")
	firstSeen := w.gauge("weir.service.version.first_seen", "s", "When a version of a service was seen first, since the epoch.")
	lastSeen := w.gauge("weir.service.version.last_seen", "s", "When a version of a service was seen last, since the epoch.")
	deployed := w.sum("weir.service.deploys", "{deploy}", "Times that a version came after another.")
	silence := w.gauge("weir.service.silence", "s", "Time since a service was last heard.")
	states := w.gauge("weir.services", "{service}", "Services heard within the limit, and those that fell silent.")

	heard, silent := 0.0, 0.0
	for _, name := range slices.Sorted(maps.Keys(v.services)) {
		s := v.services[name]
		if s.gone(now) {
			continue
		}
		if s.logs.any {
			for sev, n := range s.logs.bySeverity {
				w.count(logged, n, s.logs.series, name).put("severity", severityNames[sev])
			}
			s.logs.told = true
		}
		for kind := range s.requests {
			r := &s.requests[kind]
			if r.errors == nil {
				continue
			}
			for class, n := range r.byClass {
				w.count(served, n, r.series, name).put("span.kind", kindNames[kind]).put("http.response.status_class", classNames[class])
			}
			r.told = true
			for _, errorType := range slices.Sorted(maps.Keys(r.errors)) {
				f := r.errors[errorType]
				w.count(failed, f.count, f.series, name).put("span.kind", kindNames[kind]).put("error.type", errorType)
				f.told = true
			}
		}
		for _, d := range s.inOrder {
			if s.own[d.key.measure].said(now, v.opts.OwnWithin) {
				w.durations(durations[d.key.measure], d, name)
				d.told = true
			}
		}
		for i := range s.versions {
			ver := &s.versions[i]
			if ver.runs(now) {
				w.value(running, 1, name).put("service.version", ver.name)
			}
			w.value(firstSeen, float64(ver.first)/1e9, name).put("service.version", ver.name)
			w.value(lastSeen, float64(ver.last)/1e9, name).put("service.version", ver.name)
			w.count(deployed, ver.deploys, ver.series, name).put("service.version", ver.name)
			ver.told = true
		}
		silentFor := max(0, now-s.last)
		w.value(silence, float64(silentFor)/1e9, name)
		if silentFor < int64(v.opts.SilentAfter) {
			heard++
		} else {
			silent++
		}
	}
	w.value(states, heard, "").put("weir.state", "heard")
	w.value(states, silent, "").put("weir.state", "silent")

	beats := w.sum("weir.heartbeat", "{beat}", "Intervals in which Weir was alive.")
	w.count(beats, v.beats, series{start: v.opts.Start.UnixNano(), told: true}, "")
	uptime := w.gauge("process.uptime", "s", "How long Weir has been running.")
	w.value(uptime, max(0, at.Sub(v.opts.ProcessStart).Seconds()), "")

	sm.Metrics().RemoveIf(empty)
	v.emitted = now
	return md
}
