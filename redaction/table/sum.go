package table

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// sums adds a metric's points to the cells of a sum.
func (o *observer) sums(s *signal, dps pmetric.NumberDataPointSlice, delta bool) {
	var attributes [chunkSize]pcommon.Map
	for from := 0; from < dps.Len(); from += chunkSize {
		n := min(chunkSize, dps.Len()-from)
		for i := range n {
			dp, e := dps.At(from+i), &o.chunk[i]
			attributes[i] = dp.Attributes()
			e.number(dp)
			if e.reason == located && e.isNegative() && !s.policy.UpDown {
				e.reason = Negative
			}
		}
		o.locate(s, attributes[:n])
		o.flushSums(s, n, delta)
	}
}

// number takes a point's times and value, or says what is wrong with it. A
// double's -0 becomes 0.
func (e *entry) number(dp pmetric.NumberDataPoint) {
	e.times(dp.StartTimestamp(), dp.Timestamp(), dp.Flags())
	if e.reason != located {
		return
	}
	switch dp.ValueType() {
	case pmetric.NumberDataPointValueTypeInt:
		e.value, e.isInt = uint64(dp.IntValue()), true
	case pmetric.NumberDataPointValueTypeDouble:
		v := dp.DoubleValue()
		if math.IsNaN(v) || math.IsInf(v, 0) {
			e.reason = NotFinite
		}
		e.value, e.isInt = math.Float64bits(v+0), false
	default:
		e.reason = NoValue
	}
}

// Ints and doubles have their sign in the same bit; -0 is gone.
func (e *entry) isNegative() bool { return int64(e.value) < 0 }

func toFloat(bits uint64, isInt bool) float64 {
	if isInt {
		return float64(int64(bits))
	}
	return math.Float64frombits(bits)
}

// flushSums takes the first n entries of the chunk.
func (o *observer) flushSums(s *signal, n int, delta bool) {
	s.mu.Lock()
	for i := range o.chunk[:n] {
		e := &o.chunk[i]
		if e.reason == located {
			if s.policy.UpDown {
				e.reason = s.stand(e, delta)
			} else {
				e.reason = s.rise(e, delta)
			}
		}
		o.counts.note(e.reason)
	}
	s.mu.Unlock()
}

// rise adds what a point adds. Needs the lock.
func (s *signal) rise(e *entry, delta bool) Reason {
	increment, reason := s.increment(e, delta)
	if reason == located {
		s.values[e.cell] = min(s.values[e.cell]+increment, s.max)
	}
	return reason
}

// increment is what a point adds, and remembers the point. Needs the lock.
func (s *signal) increment(e *entry, delta bool) (float64, Reason) {
	pos, known := s.sources.find(e.id)
	if !known {
		_, tracked := s.track(source{id: e.id, start: e.start, time: e.time, value: e.value, isInt: e.isInt, cell: e.cell, seen: s.epoch})
		switch {
		case delta:
			return toFloat(e.value, e.isInt), located // only repetitions go unnoticed
		case !tracked:
			return 0, SourceLimit
		case s.fresh(e):
			return toFloat(e.value, e.isInt), located
		default:
			return 0, located
		}
	}
	src := &s.sources.list[pos]
	if reason := src.order(e.time); reason != located {
		return 0, reason
	}
	increment, dropped := difference(e, src)
	if delta || dropped || src.restarted(e) {
		increment = toFloat(e.value, e.isInt)
	}
	src.value, src.isInt = e.value, e.isInt
	src.keep(e, s.epoch)
	return increment, located
}

// difference is exact for two ints, neither of which is negative.
func difference(e *entry, src *source) (d float64, dropped bool) {
	if e.isInt && src.isInt {
		return float64(int64(e.value - src.value)), int64(e.value) < int64(src.value)
	}
	d = toFloat(e.value, e.isInt) - toFloat(src.value, src.isInt)
	return d, d < 0
}

// fresh reports whether the stream began under this table, so that its first
// point counts in full. An unknown start, or one after the point, says nothing.
func (s *signal) fresh(e *entry) bool {
	return e.start >= s.since && (e.time == 0 || e.start <= e.time)
}

// order says what a point's time means to its source. What it refuses does not
// keep the source from being forgotten: a single time from the future must not
// silence it for good.
func (src *source) order(time uint64) Reason {
	switch {
	case time == 0 || src.time == 0 || time > src.time:
		return located
	case time == src.time:
		return Duplicate
	default:
		return OutOfOrder
	}
}

// restarted reports whether the stream began anew since its last point. A
// start that moves but stays before the last point is a sender that guesses
// its start anew each time; only the values tell then.
func (src *source) restarted(e *entry) bool {
	return e.start > src.start && src.start != 0 && src.time != 0 && e.start >= src.time && (e.time == 0 || e.start <= e.time)
}

func (src *source) keep(e *entry, epoch uint32) {
	src.start = max(src.start, e.start)
	src.time = max(src.time, e.time)
	src.seen = epoch
}
