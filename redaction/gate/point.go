package gate

import (
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

const noRecordedValue = pmetric.DataPointFlags(1)

// numbers checks the points of a sum or a gauge.
func (c *checker) numbers(in, out pmetric.NumberDataPointSlice) *Refusal {
	s := c.signal
	gauge := s.Kind == policy.KindGauge
	series := seriesOf(s)
	if r := series.count(in.Len()); r != nil {
		return r
	}
	for i := range in.Len() {
		p, q := in.At(i), out.AppendEmpty()
		if r := series.next(p.Attributes(), q.Attributes()); r != nil {
			return r
		}
		if p.Exemplars().Len() != 0 {
			return refuse(Exemplars)
		}
		if r := c.times(p.Timestamp(), p.StartTimestamp(), !gauge); r != nil {
			return r
		}
		q.SetTimestamp(p.Timestamp())
		q.SetStartTimestamp(p.StartTimestamp())
		switch v := p.DoubleValue(); {
		case gauge && p.Flags() == noRecordedValue:
			if p.ValueType() != pmetric.NumberDataPointValueTypeEmpty {
				return refuse(ValueType) // no value is one thing, not 2^64
			}
			q.SetFlags(noRecordedValue)
		case p.ValueType() != pmetric.NumberDataPointValueTypeDouble:
			return refuse(ValueType)
		case p.Flags() != 0:
			return refuse(Flags)
		case !s.Value.Holds(v):
			return refuse(ValueGrid)
		default:
			q.SetDoubleValue(s.Value.Snap(v))
		}
	}
	return series.end()
}

func (c *checker) histograms(in, out pmetric.HistogramDataPointSlice) *Refusal {
	s := c.signal
	series := seriesOf(s)
	if r := series.count(in.Len()); r != nil {
		return r
	}
	for i := range in.Len() {
		p, q := in.At(i), out.AppendEmpty()
		if r := series.next(p.Attributes(), q.Attributes()); r != nil {
			return r
		}
		if r := c.times(p.Timestamp(), p.StartTimestamp(), true); r != nil {
			return r
		}
		q.SetTimestamp(p.Timestamp())
		q.SetStartTimestamp(p.StartTimestamp())
		bounds, counts := p.ExplicitBounds().AsRaw(), p.BucketCounts().AsRaw()
		total := uint64(0)
		for _, n := range counts {
			if n > policy.MaxBucketCount {
				return refuse(BucketCounts)
			}
			total += n
		}
		switch {
		case p.Exemplars().Len() != 0:
			return refuse(Exemplars)
		case p.Flags() != 0:
			return refuse(Flags)
		case p.HasMin() || p.HasMax():
			return refuse(MinMax)
		case !slices.Equal(bounds, s.Bounds):
			return refuse(Bounds)
		case len(counts) != len(s.Bounds)+1 || p.Count() != total:
			return refuse(BucketCounts)
		case p.HasSum() != s.HasValue || s.HasValue && !s.Value.Holds(p.Sum()):
			return refuse(HistogramSum)
		}
		q.ExplicitBounds().FromRaw(s.Bounds)
		q.BucketCounts().FromRaw(counts)
		q.SetCount(total)
		if s.HasValue {
			q.SetSum(s.Value.Snap(p.Sum()))
		}
	}
	return series.end()
}

// times holds a point's times against the report's. A start is the same in all
// points that have one.
func (c *checker) times(t, start pcommon.Timestamp, hasStart bool) *Refusal {
	if t != c.time {
		return refuse(PointTime)
	}
	if !hasStart {
		if start != 0 {
			return refuse(PointStart)
		}
		return nil
	}
	if c.start == 0 {
		if !c.onGrid(start) {
			return refuse(TimeGrid)
		}
		if start > c.time {
			return refuse(PointStart)
		}
		c.start = start
	}
	if start != c.start {
		return refuse(PointStart)
	}
	return nil
}
