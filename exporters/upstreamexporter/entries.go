package upstreamexporter

import (
	"context"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/weir-telemetry/weir/redaction/gate"
)

// countSent counts the bytes that were handed to the network, in all and by entry
// of the policy. What is no entry's is the envelope's: identity, digest, sequence,
// framing. So the entries add up to the whole.
//
// The names are the policy's own: the gate has let these bytes pass.
func (u *upstream) countSent(ctx context.Context, body []byte) {
	u.tel.UpstreamSentBytes.Add(ctx, int64(len(body)))
	envelope := int64(len(body))
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(body)
	if err == nil {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					if m.Name() == gate.SequenceMetric {
						continue
					}
					size := int64((&pmetric.ProtoMarshaler{}).MetricSize(m))
					envelope -= size
					u.tel.UpstreamEntryBytes.Add(ctx, size, ofEntry(m.Name()))
					u.tel.UpstreamEntryItems.Add(ctx, values(m), ofEntry(m.Name()))
				}
			}
		}
	}
	u.tel.UpstreamEntryBytes.Add(ctx, envelope, ofEntry(gate.Envelope))
}

func ofEntry(name string) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("entry", name))
}

// values is how many data points of a metric say something: a report has all of a
// closed signal's series, with or without a value.
func values(m pmetric.Metric) int64 {
	n := int64(0)
	switch m.Type() {
	case pmetric.MetricTypeSum:
		return int64(m.Sum().DataPoints().Len())
	case pmetric.MetricTypeHistogram:
		return int64(m.Histogram().DataPoints().Len())
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			if !p.Flags().NoRecordedValue() {
				n++
			}
		}
	}
	return n
}
