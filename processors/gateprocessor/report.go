package gateprocessor

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// The fleet's own gauges. A policy cannot declare names under weir.fleet.
const (
	sequenceGauge   = "weir.fleet.report.sequence"
	lastReportGauge = "weir.fleet.last.report"
	revisionGauge   = "weir.fleet.policy.revision"
	intervalGauge   = "weir.fleet.report.interval" // how soon the next one is due
)

// report is what the fleet itself wants to know of one.
type report struct {
	install  string
	sequence uint64
	time     pcommon.Timestamp
}

// readReport reads a report that has passed the gate, which knows that all of it is
// there.
func readReport(md pmetric.Metrics) report {
	rm := md.ResourceMetrics().At(0)
	install, _ := rm.Resource().Attributes().Get(gate.InstallKey)
	ms := rm.ScopeMetrics().At(0).Metrics()
	last := ms.At(ms.Len() - 1).Gauge().DataPoints().At(0)
	return report{install: install.Str(), sequence: uint64(last.DoubleValue()), time: last.Timestamp()}
}

// admit builds what the fleet stores: the signals as they came, under the
// install's identity. The digest is left out of the resource, where it would
// start every series anew with each revision; the revision is a gauge instead.
func admit(md pmetric.Metrics, p *policy.Policy, r report, now time.Time) pmetric.Metrics {
	in := md.ResourceMetrics().At(0)
	out := pmetric.NewMetrics()
	rm := out.ResourceMetrics().AppendEmpty()
	for key, value := range in.Resource().Attributes().All() {
		if key != gate.DigestAttribute {
			value.CopyTo(rm.Resource().Attributes().PutEmpty(key))
		}
	}
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(gate.ScopeName)
	from, to := in.ScopeMetrics().At(0).Metrics(), sm.Metrics()
	to.EnsureCapacity(from.Len() + 3)
	for i := range from.Len() - 1 {
		from.At(i).CopyTo(to.AppendEmpty())
	}
	to.RemoveIf(withoutValues)
	gauge(to, sequenceGauge, "{report}", r.time, float64(r.sequence))
	// Whole seconds: of reports that come in a burst, two in one millisecond
	// have one value and do not contradict each other.
	gauge(to, lastReportGauge, "s", pcommon.NewTimestampFromTime(now), float64(now.Unix()))
	gauge(to, revisionGauge, "{revision}", r.time, float64(p.Revision))
	gauge(to, intervalGauge, "s", r.time, p.Interval.Seconds())
	return out
}

// withoutValues takes out of a gauge the points that say "not measured in this
// interval", and says whether none is left. Stored, each would end its series
// until the next value, and what is measured more seldom than it is reported
// would come and go; without them a series ends as any other does that is no
// longer heard of.
func withoutValues(m pmetric.Metric) bool {
	if m.Type() != pmetric.MetricTypeGauge {
		return false
	}
	points := m.Gauge().DataPoints()
	points.RemoveIf(func(p pmetric.NumberDataPoint) bool { return p.Flags().NoRecordedValue() })
	return points.Len() == 0
}

func gauge(to pmetric.MetricSlice, name, unit string, at pcommon.Timestamp, value float64) {
	m := to.AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(at)
	p.SetDoubleValue(value)
}
