package table

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// histograms adds a metric's points to the cells of a histogram. Points are
// re-bucketed under the lock, into the signal's own scratch.
func (o *observer) histograms(s *signal, dps pmetric.HistogramDataPointSlice, delta bool) {
	var attributes [chunkSize]pcommon.Map
	for from := 0; from < dps.Len(); from += chunkSize {
		n := min(chunkSize, dps.Len()-from)
		for i := range n {
			dp := dps.At(from + i)
			attributes[i] = dp.Attributes()
			o.chunk[i].times(dp.StartTimestamp(), dp.Timestamp(), dp.Flags())
		}
		o.locate(s, attributes[:n])
		s.mu.Lock()
		for i := range n {
			e := &o.chunk[i]
			if e.reason == located {
				if dp := dps.At(from + i); rebucket(dp, s.bounds, s.rebucketed) {
					e.reason = s.distribute(e, dp.Sum(), dp.HasSum(), delta, fell)
				} else {
					e.reason = Malformed
				}
			}
			o.counts.note(e.reason)
		}
		s.mu.Unlock()
	}
}

// times takes what every point has.
func (e *entry) times(start, time pcommon.Timestamp, flags pmetric.DataPointFlags) {
	e.start, e.time = uint64(start), uint64(time)
	e.reason = located
	if flags.NoRecordedValue() {
		e.reason = NoValue
	}
}

// distribute adds the histogram that lies in the scratch to its cell, and
// remembers it. fell says whether it can be the one before, gone on. Needs the
// lock.
func (s *signal) distribute(e *entry, sum float64, hasSum, delta bool, fell func(now, before []uint64) bool) Reason {
	now := s.rebucketed
	hasSum = hasSum && !math.IsNaN(sum) && !math.IsInf(sum, 0)

	pos, known := s.sources.find(e.id)
	if !known {
		var tracked bool
		if pos, tracked = s.track(source{id: e.id, start: e.start, time: e.time, cell: e.cell, seen: s.epoch}); tracked {
			s.sources.list[pos].remember(sum, hasSum)
			copy(s.sources.counts(pos), now)
		} else if !delta {
			return SourceLimit
		}
		if delta || s.fresh(e) {
			s.pour(e.cell, now, sum, hasSum)
		}
		return located
	}
	src, before := &s.sources.list[pos], s.sources.counts(pos)
	if reason := src.order(e.time); reason != located {
		return reason
	}
	if delta || fell(now, before) || src.restarted(e) {
		s.pour(e.cell, now, sum, hasSum)
		copy(before, now)
	} else {
		for i, n := range now { // now becomes the increments, before what is remembered
			now[i], before[i] = n-before[i], n
		}
		settleCounts(now)
		s.pour(e.cell, now, sum-math.Float64frombits(src.value), hasSum && src.hasSum)
	}
	src.remember(sum, hasSum)
	src.keep(e, s.epoch)
	return located
}

// settleCounts makes increments of a whole that did not fall not negative: what went
// from one bucket into others is taken from theirs, from the next one above
// on, and the rest from below.
func settleCounts(increments []uint64) {
	var owed uint64
	take := func(i int) {
		switch n := increments[i]; {
		case int64(n) < 0:
			owed = min(owed-n, 8*mostCount) // a sender's counts cannot make it overflow
			increments[i] = 0
		default:
			paid := min(n, owed)
			increments[i], owed = n-paid, owed-paid
		}
	}
	for i := range increments {
		take(i)
	}
	for i := len(increments) - 1; i >= 0 && owed > 0; i-- {
		take(i)
	}
}

func (src *source) remember(sum float64, hasSum bool) {
	if hasSum {
		src.value, src.hasSum = math.Float64bits(sum), true
	}
}

// pour adds counts, and the sum's increment.
func (s *signal) pour(cell int32, increments []uint64, sum float64, hasSum bool) {
	counts := s.counts[int(cell)*s.width : (int(cell)+1)*s.width]
	for i, n := range increments {
		counts[i] = min(counts[i]+n, policy.MaxBucketCount)
	}
	if s.policy.HasValue && hasSum && sum > 0 {
		s.values[cell] = min(s.values[cell]+sum, s.max)
	}
}

func fell(now, before []uint64) bool {
	for i, n := range now {
		if n < before[i] {
			return true
		}
	}
	return false
}

// mostCount keeps a sender's counts far from an overflow.
const mostCount = 1 << 60

// rebucket puts a histogram onto other bounds. Each bucket goes where its
// upper bound lies, the last, which has none, into the last. It reports
// whether the buckets fit their own bounds, and these ascend.
func rebucket(dp pmetric.HistogramDataPoint, bounds []float64, to []uint64) bool {
	clear(to)
	own, counts := dp.ExplicitBounds(), dp.BucketCounts()
	n := own.Len()
	if counts.Len() == 0 && n == 0 {
		to[len(to)-1] = min(dp.Count(), mostCount)
		return true
	}
	if counts.Len() != n+1 {
		return false
	}
	j, last := 0, math.Inf(-1)
	for i := range n {
		b := own.At(i)
		if math.IsNaN(b) || i > 0 && b <= last {
			return false
		}
		last = b
		for j < len(bounds) && b > bounds[j] {
			j++
		}
		to[j] = min(to[j]+min(counts.At(i), mostCount), mostCount)
	}
	j = len(to) - 1
	to[j] = min(to[j]+min(counts.At(n), mostCount), mostCount)
	return true
}
