package vitals

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// writer writes points of one moment.
type writer struct {
	metrics pmetric.MetricSlice
	now     int64
}

func newWriter(metrics pmetric.MetricSlice, now int64) *writer { return &writer{metrics, now} }

// labelled are the points that are one to a reader: the value, and before it
// the zero of a series that begins.
type labelled [2]pcommon.Map

func (l labelled) put(key, value string) labelled {
	for _, attrs := range l {
		if attrs != (pcommon.Map{}) {
			attrs.PutStr(key, value)
		}
	}
	return l
}

func (l labelled) named(service string) labelled {
	if service == "" {
		return l
	}
	return l.put("service.name", service)
}

func (w *writer) metric(name, unit, description string) pmetric.Metric {
	m := w.metrics.AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	m.SetDescription(description)
	return m
}

func (w *writer) sum(name, unit, description string) pmetric.NumberDataPointSlice {
	s := w.metric(name, unit, description).SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	return s.DataPoints()
}

func (w *writer) gauge(name, unit, description string) pmetric.NumberDataPointSlice {
	return w.metric(name, unit, description).SetEmptyGauge().DataPoints()
}

func (w *writer) histogram(name, unit, description string) pmetric.ExponentialHistogramDataPointSlice {
	h := w.metric(name, unit, description).SetEmptyExponentialHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	return h.DataPoints()
}

// times are a series' start and now. A clock that stepped back since it began
// must not make a series that starts after its own point.
func (w *writer) times(s series) (start, now pcommon.Timestamp) {
	return pcommon.Timestamp(min(s.start, w.now)), pcommon.Timestamp(w.now)
}

// begins says whether a zero is due: once, for a series that has a past and
// something to say.
func (w *writer) begins(s series, n uint64) bool { return !s.told && n > 0 && s.start < w.now }

func (w *writer) count(points pmetric.NumberDataPointSlice, n uint64, s series, service string) labelled {
	start, now := w.times(s)
	var l labelled
	if w.begins(s, n) {
		p := points.AppendEmpty()
		p.SetStartTimestamp(start)
		p.SetTimestamp(start)
		p.SetIntValue(0)
		l[0] = p.Attributes()
	}
	p := points.AppendEmpty()
	p.SetStartTimestamp(start)
	p.SetTimestamp(now)
	p.SetIntValue(int64(n))
	l[1] = p.Attributes()
	return l.named(service)
}

func (w *writer) value(points pmetric.NumberDataPointSlice, f float64, service string) labelled {
	p := points.AppendEmpty()
	p.SetTimestamp(pcommon.Timestamp(w.now))
	p.SetDoubleValue(f)
	return labelled{1: p.Attributes()}.named(service)
}

func (w *writer) durations(points pmetric.ExponentialHistogramDataPointSlice, d *duration, service string) {
	start, now := w.times(d.series)
	if w.begins(d.series, d.histogram.count) {
		p := points.AppendEmpty()
		p.SetStartTimestamp(start)
		p.SetTimestamp(start)
		p.SetScale(maxScale)
		d.key.write(labelled{p.Attributes()}.named(service))
	}
	p := points.AppendEmpty()
	p.SetStartTimestamp(start)
	p.SetTimestamp(now)
	d.write(p)
	d.key.write(labelled{p.Attributes()}.named(service))
}

// empty says that a metric has no points; such a one is malformed to some.
func empty(m pmetric.Metric) bool {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints().Len() == 0
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints().Len() == 0
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().DataPoints().Len() == 0
	}
	return true
}
