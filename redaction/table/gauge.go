package table

import (
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// gauge is a cell of a gauge over one interval: of last, min and max what the
// points made so far; of sum and mean it is filled from the sources when the
// interval ends.
type gauge struct {
	value float64
	time  uint64 // of last
	count uint32 // 0: nothing observed
}

// gauges merges a metric's points into the cells of a gauge.
func (o *observer) gauges(s *signal, dps pmetric.NumberDataPointSlice) {
	for i := range dps.Len() {
		dp := dps.At(i)
		e := &o.chunk[o.chunkUsed]
		if reason := e.number(dp); reason != located {
			o.counts.dropped[reason]++
			continue
		}
		cell, id, reason := o.locate(s, dp.Attributes())
		if reason != located {
			o.counts.dropped[reason]++
			continue
		}
		e.cell, e.id = cell, id
		e.start, e.time = uint64(dp.StartTimestamp()), uint64(dp.Timestamp())
		if o.chunkUsed++; o.chunkUsed == chunkSize {
			o.flushGauges(s)
		}
	}
	o.flushGauges(s)
}

func (o *observer) flushGauges(s *signal) {
	if o.chunkUsed == 0 {
		return
	}
	s.mu.Lock()
	for i := range o.chunk[:o.chunkUsed] {
		e := &o.chunk[i]
		reason := located
		if s.needsSource {
			reason = s.level(e)
		} else {
			reason = s.gauges[e.cell].merge(s.merge, toFloat(e.value, e.isInt), e.time)
		}
		if reason != located {
			o.counts.dropped[reason]++
			continue
		}
		o.counts.kept++
	}
	s.mu.Unlock()
	o.chunkUsed = 0
}

// merge takes a point of last, min or max.
func (g *gauge) merge(how policy.Merge, v float64, time uint64) Reason {
	switch {
	case g.count == 0:
		g.value, g.time = v, time
	case how == policy.MergeMin:
		g.value = min(g.value, v)
	case how == policy.MergeMax:
		g.value = max(g.value, v)
	case time != 0 && time < g.time:
		return OutOfOrder
	default: // of two points of one time the one that came later
		g.value, g.time = v, max(g.time, time)
	}
	g.count = 1
	return located
}

// level remembers the last value of a source, for sum and mean. Needs the lock.
func (s *signal) level(e *entry) Reason {
	pos, known := s.sources.find(e.id)
	if !known {
		if _, ok := s.track(source{id: e.id, start: e.start, time: e.time, value: e.value, isInt: e.isInt, cell: e.cell, seen: s.epoch}); !ok {
			return SourceLimit
		}
		return located
	}
	src := &s.sources.list[pos]
	if reason := src.order(e.time); reason != located {
		return reason
	}
	src.value, src.isInt = e.value, e.isInt
	src.keep(e, s.epoch)
	return located
}

// settle fills the cells of sum and mean from the sources that said something
// in this interval, in the order in which they first came. Needs the lock.
func (s *signal) settle() {
	if !s.needsSource {
		return
	}
	for i := range s.sources.list {
		src := &s.sources.list[i]
		if src.seen != s.epoch {
			continue
		}
		g := &s.gauges[src.cell]
		g.value += toFloat(src.value, src.isInt)
		g.count++
	}
	if s.merge != policy.MergeMean {
		return
	}
	for i := range s.gauges {
		if g := &s.gauges[i]; g.count > 1 {
			g.value /= float64(g.count)
		}
	}
}

// reading is what a report says of the cell; false: nothing.
func (g *gauge) reading(v policy.Value) (float64, bool) {
	if g.count == 0 {
		return 0, false
	}
	return v.Snap(g.value), true
}
