package metricstore

import (
	"github.com/prometheus/otlptranslator"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// sifted is a batch divided by what has to happen to it. The parts share no
// memory with the batch, except that cumulative is the batch itself if nothing
// had to be taken out of it.
type sifted struct {
	cumulative pmetric.Metrics
	// delta holds the metrics of delta temporality, marked as cumulative, for
	// the cumulator to make them so.
	delta    pmetric.Metrics
	hasDelta bool
	// known is how many errors the converter will report that lose nothing:
	// it reports a metric without points.
	known int
}

// sift looks at a batch before the converter does. The converter gives up a
// metric at its first bad point, and the points behind that one would be lost
// without a count; so the bad ones are taken out first. They are rare: the
// usual batch is only read, and passed on as it is.
func sift(md pmetric.Metrics, res *Result) sifted {
	out := sifted{cumulative: md}
	clean := true
	eachMetric(md, func(m pmetric.Metric) {
		switch kindOf(m) {
		case kindDelta, kindRefused:
			clean = false
		default:
			if points(m) == 0 {
				out.known++
			}
			clean = clean && !hasBadPoint(m)
		}
	})
	if clean {
		return out
	}

	out.cumulative, out.delta = pmetric.NewMetrics(), pmetric.NewMetrics()
	for _, rm := range md.ResourceMetrics().All() {
		toCumulative, toDelta := lazyResource{dst: out.cumulative, src: rm}, lazyResource{dst: out.delta, src: rm}
		for _, sm := range rm.ScopeMetrics().All() {
			toCumulative.nextScope(sm)
			toDelta.nextScope(sm)
			for _, m := range sm.Metrics().All() {
				if reason := refusal(m); reason != "" {
					res.reject(reason, max(1, points(m)))
					continue
				}
				dst := &toCumulative
				if kindOf(m) == kindDelta {
					dst, out.hasDelta = &toDelta, true
				}
				copied := dst.scope().Metrics().AppendEmpty()
				m.CopyTo(copied)
				markCumulative(copied)
				removeBadPoints(copied, res)
			}
		}
	}
	// A metric may have lost its last point just now.
	out.known = 0
	for _, part := range []pmetric.Metrics{out.cumulative, out.delta} {
		eachMetric(part, func(m pmetric.Metric) {
			if points(m) == 0 {
				out.known++
			}
		})
	}
	return out
}

// lazyResource copies a resource and a scope when their first metric comes, so
// that no resource without data gives a target_info.
type lazyResource struct {
	dst      pmetric.Metrics
	src      pmetric.ResourceMetrics
	srcScope pmetric.ScopeMetrics
	rm       pmetric.ResourceMetrics
	sm       pmetric.ScopeMetrics
	hasRM    bool
	hasSM    bool
}

func (l *lazyResource) nextScope(sm pmetric.ScopeMetrics) { l.srcScope, l.hasSM = sm, false }

func (l *lazyResource) scope() pmetric.ScopeMetrics {
	if !l.hasRM {
		l.rm, l.hasRM = l.dst.ResourceMetrics().AppendEmpty(), true
		l.src.Resource().CopyTo(l.rm.Resource())
	}
	if !l.hasSM {
		l.sm, l.hasSM = l.rm.ScopeMetrics().AppendEmpty(), true
		l.srcScope.Scope().CopyTo(l.sm.Scope())
	}
	return l.sm
}

type kind int

const (
	kindCumulative kind = iota // or without temporality
	kindDelta
	kindRefused
)

func kindOf(m pmetric.Metric) kind {
	switch {
	case refusal(m) != "":
		return kindRefused
	case temporality(m) == pmetric.AggregationTemporalityDelta:
		return kindDelta
	default:
		return kindCumulative
	}
}

// refusal is the reason for which a metric cannot be stored at all, or "".
func refusal(m pmetric.Metric) Reason {
	if m.Type() == pmetric.MetricTypeEmpty {
		return ReasonUnsupportedType
	}
	if temporality(m) == pmetric.AggregationTemporalityUnspecified {
		return ReasonUnsupportedTemporality
	}
	if !usable(m.Name()) {
		// A unit or a type may still make a name out of nothing; the namer
		// knows.
		namer := otlptranslator.MetricNamer{WithMetricSuffixes: true}
		if _, err := namer.Build(prometheusremotewrite.TranslatorMetricFromOtelMetric(m)); err != nil {
			return ReasonInvalidName
		}
	}
	return ""
}

// temporality of a metric; cumulative for the types that have none.
func temporality(m pmetric.Metric) pmetric.AggregationTemporality {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		return m.Sum().AggregationTemporality()
	case pmetric.MetricTypeHistogram:
		return m.Histogram().AggregationTemporality()
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().AggregationTemporality()
	default:
		return pmetric.AggregationTemporalityCumulative
	}
}

func markCumulative(m pmetric.Metric) {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	case pmetric.MetricTypeHistogram:
		m.Histogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	case pmetric.MetricTypeExponentialHistogram:
		m.ExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	}
}

// usable tells whether the converter can make a name of a label or a metric
// out of a text: it must hold a letter or a digit of ASCII.
func usable(name string) bool {
	for i := range len(name) {
		c := name[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
			return true
		}
	}
	return false
}

func badAttributes(attrs pcommon.Map) bool {
	for key := range attrs.All() {
		if !usable(key) {
			return true
		}
	}
	return false
}

// badScale: a native histogram has no schema below -4, and merging buckets
// down is possible in the other direction only.
func badScale(p pmetric.ExponentialHistogramDataPoint) bool {
	return p.Scale() < histogram.ExponentialSchemaMin
}

func hasBadPoint(m pmetric.Metric) bool {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			if badAttributes(p.Attributes()) {
				return true
			}
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			if badAttributes(p.Attributes()) {
				return true
			}
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			if badAttributes(p.Attributes()) {
				return true
			}
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			if badScale(p) || badAttributes(p.Attributes()) {
				return true
			}
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			if badAttributes(p.Attributes()) {
				return true
			}
		}
	}
	return false
}

func removeBadPoints(m pmetric.Metric, res *Result) {
	label := func(attrs pcommon.Map) bool {
		if badAttributes(attrs) {
			res.reject(ReasonInvalidLabel, 1)
			return true
		}
		return false
	}
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		m.Gauge().DataPoints().RemoveIf(func(p pmetric.NumberDataPoint) bool { return label(p.Attributes()) })
	case pmetric.MetricTypeSum:
		m.Sum().DataPoints().RemoveIf(func(p pmetric.NumberDataPoint) bool { return label(p.Attributes()) })
	case pmetric.MetricTypeHistogram:
		m.Histogram().DataPoints().RemoveIf(func(p pmetric.HistogramDataPoint) bool { return label(p.Attributes()) })
	case pmetric.MetricTypeExponentialHistogram:
		m.ExponentialHistogram().DataPoints().RemoveIf(func(p pmetric.ExponentialHistogramDataPoint) bool {
			if badScale(p) {
				res.reject(ReasonInvalidHistogram, 1)
				return true
			}
			return label(p.Attributes())
		})
	case pmetric.MetricTypeSummary:
		m.Summary().DataPoints().RemoveIf(func(p pmetric.SummaryDataPoint) bool { return label(p.Attributes()) })
	}
}

// points is the number of a metric's data points.
func points(m pmetric.Metric) int {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints().Len()
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints().Len()
	case pmetric.MetricTypeHistogram:
		return m.Histogram().DataPoints().Len()
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().DataPoints().Len()
	case pmetric.MetricTypeSummary:
		return m.Summary().DataPoints().Len()
	default:
		return 0
	}
}

func eachMetric(md pmetric.Metrics, visit func(pmetric.Metric)) {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				visit(m)
			}
		}
	}
}
