package table

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
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
	var attributes [chunkSize]pcommon.Map
	for from := 0; from < dps.Len(); from += chunkSize {
		n := min(chunkSize, dps.Len()-from)
		for i := range n {
			dp := dps.At(from + i)
			attributes[i] = dp.Attributes()
			o.chunk[i].number(dp)
		}
		o.locate(s, attributes[:n])
		o.flushGauges(s, n)
	}
}

// flushGauges takes the first n entries of the chunk.
func (o *observer) flushGauges(s *signal, n int) {
	s.mu.Lock()
	for i := range o.chunk[:n] {
		e := &o.chunk[i]
		if e.reason == located {
			if s.needsSource {
				e.reason = s.level(e)
			} else {
				e.reason = s.gauges[e.cell].merge(s.merge, toFloat(e.value, e.isInt), e.time)
			}
		}
		o.counts.note(e.reason)
	}
	s.mu.Unlock()
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
