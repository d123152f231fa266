package table

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// exponentials adds a metric's points to the cells of a histogram, as
// histograms does.
func (o *observer) exponentials(s *signal, dps pmetric.ExponentialHistogramDataPointSlice, delta bool) {
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
				dp := dps.At(from + i)
				spread(dp, s.bounds, s.rebucketed)
				e.reason = s.distribute(e, dp.Sum(), dp.HasSum(), delta, fellInAll)
			}
			o.counts.note(e.reason)
		}
		s.mu.Unlock()
	}
}

// spread puts an exponential histogram onto other bounds. Its bucket of index
// k holds the values from base^k, exclusive, to base^(k+1), with the base
// 2^(2^-scale), or their negatives. Each goes where its upper bound lies, zeros
// where zero lies. One without buckets goes into the last.
//
// Whatever the scale and the offset, the work is one step for each bucket of
// the message and one logarithm for each bound.
func spread(dp pmetric.ExponentialHistogramDataPoint, bounds []float64, to []uint64) {
	clear(to)
	last, scale := len(bounds), dp.Scale()
	positive, negative := dp.Positive().BucketCounts(), dp.Negative().BucketCounts()
	add := func(j int, n uint64) { to[j] = min(to[j]+min(n, mostCount), mostCount) }
	if positive.Len() == 0 && negative.Len() == 0 && dp.ZeroCount() == 0 {
		add(last, dp.Count())
		return
	}
	j, edge := -1, int64(0) // edge is the largest index whose base^index is not above bounds[j]
	next := func() {
		if j++; j < last && bounds[j] > 0 {
			edge, _ = steps(bounds[j], scale)
		}
	}
	next()
	for i := range positive.Len() {
		upper := int64(dp.Positive().Offset()) + int64(i) + 1
		for j < last && (bounds[j] <= 0 || upper > edge) {
			next()
		}
		add(j, positive.At(i))
	}
	zero := 0
	for zero < last && bounds[zero] < 0 {
		zero++
	}
	add(zero, dp.ZeroCount())
	// From the least value up; the upper bound of a negative bucket is
	// -base^index. edge is now the smallest index for which that is not above.
	j = -1
	next = func() {
		if j++; j < zero {
			_, edge = steps(-bounds[j], scale)
		}
	}
	next()
	for i := negative.Len() - 1; i >= 0; i-- {
		index := int64(dp.Negative().Offset()) + int64(i)
		for j < zero && index < edge {
			next()
		}
		add(j, negative.At(i))
	}
}

// farSteps is beyond every index: those are 32-bit offsets and the positions
// in a message.
const farSteps = 1 << 60

// steps is the logarithm of a positive number to the base 2^(2^-scale),
// rounded down and up. It is exact where the number is a power of the base:
// that is a power of two, or irrational and no bound.
func steps(x float64, scale int32) (down, up int64) {
	if scale > 0 {
		n := math.Ldexp(math.Log2(x), int(min(scale, 4096)))
		n = min(max(n, -farSteps), farSteps)
		return int64(math.Floor(n)), int64(math.Ceil(n))
	}
	fraction, exponent := math.Frexp(x) // fraction is in [0.5, 1)
	n, shift := int64(exponent-1), min(-int64(scale), 62)
	down = n >> shift
	if up = down; fraction != 0.5 || down<<shift != n {
		up++
	}
	return down, up
}

// fellInAll is fell for exponential histograms. One that is full halves its
// scale, and then counts move into buckets with higher bounds: only a total
// that falls is a reset.
func fellInAll(now, before []uint64) bool {
	return total(now) < total(before)
}

// total saturates.
func total(counts []uint64) uint64 {
	var sum uint64
	for _, n := range counts {
		sum = min(sum+n, 8*mostCount) // and cannot overflow before
	}
	return sum
}
