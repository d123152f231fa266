package upstreamexporter

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/gate"
)

// stamp returns a copy of the report with its sequence as the last metric.
func stamp(md pmetric.Metrics, sequence uint64, interval time.Duration, now time.Time) pmetric.Metrics {
	out := pmetric.NewMetrics()
	md.CopyTo(out)
	if out.ResourceMetrics().Len() == 0 || out.ResourceMetrics().At(0).ScopeMetrics().Len() == 0 {
		return out // the gate says what is wrong with it
	}
	at, ok := reportTime(md)
	if !ok {
		n := uint64(now.UnixNano())
		at = pcommon.Timestamp(n - n%uint64(interval))
	}
	m := out.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	m.SetName(gate.SequenceMetric)
	m.SetUnit(gate.SequenceUnit)
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(at)
	p.SetDoubleValue(float64(sequence))
	return out
}

// reportTime is the time of the report's first point; all have the same.
func reportTime(md pmetric.Metrics) (pcommon.Timestamp, bool) {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				switch m.Type() {
				case pmetric.MetricTypeSum:
					if m.Sum().DataPoints().Len() > 0 {
						return m.Sum().DataPoints().At(0).Timestamp(), true
					}
				case pmetric.MetricTypeGauge:
					if m.Gauge().DataPoints().Len() > 0 {
						return m.Gauge().DataPoints().At(0).Timestamp(), true
					}
				case pmetric.MetricTypeHistogram:
					if m.Histogram().DataPoints().Len() > 0 {
						return m.Histogram().DataPoints().At(0).Timestamp(), true
					}
				}
			}
		}
	}
	return 0, false
}

// digestOf is the policy's digest that the report says it was built under.
func digestOf(md pmetric.Metrics) string {
	if md.ResourceMetrics().Len() == 0 {
		return ""
	}
	v, ok := md.ResourceMetrics().At(0).Resource().Attributes().Get(gate.DigestAttribute)
	if !ok || v.Type() != pcommon.ValueTypeStr {
		return ""
	}
	return v.Str()
}
