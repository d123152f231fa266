package gate

import (
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// metrics checks the list: the policy's signals in order, each at most once,
// none missing that is always there, and the sequence at the end.
func (c *checker) metrics(in, out pmetric.MetricSlice) *Refusal {
	n := in.Len() - 1
	if n < 0 || in.At(n).Name() != SequenceMetric {
		return refuse(Sequence)
	}
	// The sequence goes first: its point says the report's time, and that
	// decides which signals have expired.
	number, r := c.sequence(in.At(n))
	if r != nil {
		return r
	}
	signals := c.active()
	next := 0
	for i := range n {
		m := in.At(i)
		at := find(signals, m.Name())
		switch {
		case at < 0:
			return refuse(MetricUnknown)
		case at < next:
			return refuse(MetricOrder)
		}
		if r := missing(signals[next:at]); r != nil {
			return r
		}
		next = at + 1
		c.signal = signals[at]
		if r := c.metric(m, out.AppendEmpty()); r != nil {
			return r
		}
		c.signal = nil
	}
	if r := missing(signals[next:]); r != nil {
		return r
	}
	writeSequence(out.AppendEmpty(), number, c.time)
	return nil
}

func (c *checker) active() []*policy.Signal {
	var list []*policy.Signal
	now := c.time.AsTime()
	for i := range c.policy.Signals {
		if s := &c.policy.Signals[i]; !s.Expired(now) {
			list = append(list, s)
		}
	}
	return list
}

func find(signals []*policy.Signal, name string) int {
	for i, s := range signals {
		if s.Name == name {
			return i
		}
	}
	return -1
}

// missing refuses signals that were left out although they always have series.
func missing(skipped []*policy.Signal) *Refusal {
	for _, s := range skipped {
		if s.DenseSize() >= 0 {
			return &Refusal{Reason: MetricMissing, Signal: s.Name}
		}
	}
	return nil
}

// sequence checks the last metric and takes the report's time from it.
func (c *checker) sequence(m pmetric.Metric) (float64, *Refusal) {
	if m.Unit() != SequenceUnit || m.Description() != "" || m.Metadata().Len() != 0 ||
		m.Type() != pmetric.MetricTypeGauge || m.Gauge().DataPoints().Len() != 1 {
		return 0, refuse(Sequence)
	}
	p := m.Gauge().DataPoints().At(0)
	v := p.DoubleValue()
	switch {
	case p.ValueType() != pmetric.NumberDataPointValueTypeDouble || p.Attributes().Len() != 0 ||
		p.Flags() != 0 || p.Exemplars().Len() != 0 || p.StartTimestamp() != 0:
		return 0, refuse(Sequence)
	case !(v >= 1 && v <= 1<<53) || v != math.Trunc(v):
		return 0, refuse(Sequence)
	case c.facts.Sequence != 0 && v != float64(c.facts.Sequence):
		return 0, refuse(Sequence)
	}
	c.time = p.Timestamp()
	if !c.onGrid(c.time) {
		return 0, refuse(TimeGrid)
	}
	at := c.time.AsTime()
	switch {
	case c.policy.Expired(at):
		return 0, refuse(PolicyExpired)
	case c.facts.MaxSkew > 0 && at.Sub(c.facts.Now) > c.facts.MaxSkew:
		return 0, refuse(TimeSkew)
	case c.facts.MaxAge > 0 && c.facts.Now.Sub(at) > c.facts.MaxAge:
		return 0, refuse(TimeSkew)
	}
	return v, nil
}

// onGrid holds for any epoch that is a midnight, since intervals divide a day.
func (c *checker) onGrid(t pcommon.Timestamp) bool {
	return t > 0 && t <= math.MaxInt64 && time.Duration(t)%c.policy.Interval == 0
}

func writeSequence(out pmetric.Metric, number float64, t pcommon.Timestamp) {
	out.SetName(SequenceMetric)
	out.SetUnit(SequenceUnit)
	p := out.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(t)
	p.SetDoubleValue(number)
}

func (c *checker) metric(in, out pmetric.Metric) *Refusal {
	s := c.signal
	switch {
	case in.Description() != "":
		return refuse(MetricText)
	case in.Metadata().Len() != 0:
		return refuse(MetricMetadata)
	case in.Unit() != s.Unit:
		return refuse(MetricUnit)
	}
	out.SetName(s.Name)
	out.SetUnit(s.Unit)
	switch s.Kind {
	case policy.KindSum:
		if in.Type() != pmetric.MetricTypeSum {
			return refuse(MetricKind)
		}
		if in.Sum().AggregationTemporality() != pmetric.AggregationTemporalityCumulative || in.Sum().IsMonotonic() == s.UpDown {
			return refuse(Temporality)
		}
		sum := out.SetEmptySum()
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		sum.SetIsMonotonic(!s.UpDown)
		return c.numbers(in.Sum().DataPoints(), sum.DataPoints())
	case policy.KindGauge:
		if in.Type() != pmetric.MetricTypeGauge {
			return refuse(MetricKind)
		}
		return c.numbers(in.Gauge().DataPoints(), out.SetEmptyGauge().DataPoints())
	case policy.KindHistogram:
		if in.Type() != pmetric.MetricTypeHistogram {
			return refuse(MetricKind)
		}
		if in.Histogram().AggregationTemporality() != pmetric.AggregationTemporalityCumulative {
			return refuse(Temporality)
		}
		h := out.SetEmptyHistogram()
		h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		return c.histograms(in.Histogram().DataPoints(), h.DataPoints())
	default:
		return refuse(MetricKind)
	}
}
