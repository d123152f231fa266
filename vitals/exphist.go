package vitals

import (
	"math"
	"math/bits"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

const (
	// maxScale is the finest: eight buckets between a duration and its double,
	// each 9 % wide. Prometheus' own libraries take the same.
	maxScale = 3
	// maxBuckets is OpenTelemetry's default. At scale 3 they span a factor of a
	// million, from 100 µs to 100 s say; what lies further apart halves the
	// scale. All that a span can say, from a nanosecond to 584 years, fits at
	// scale 1.
	maxBuckets = 160
)

// histogram is a base-2 exponential histogram of durations. Bucket i holds what
// is above b^i and at most b^(i+1), where b is 2^(2^-scale).
//
// The buckets in use are low to high, and lie in a ring: i at i modulo
// maxBuckets. All others are zero, so that to use one more is to say so.
type histogram struct {
	buckets   [maxBuckets]uint64
	low, high int32
	coarser   uint8 // maxScale minus the scale
	zero      uint64
	count     uint64
	nanos     float64
}

// add counts one duration. It allocates nothing.
func (h *histogram) add(nanos uint64) {
	h.nanos += float64(nanos)
	if nanos == 0 {
		h.zero++
		h.count++
		return
	}
	i := bucketOf(nanos) >> h.coarser
	low, high := i, i
	if h.count > h.zero {
		low, high = min(h.low, i), max(h.high, i)
	}
	h.count++
	for high-low >= maxBuckets {
		h.coarsen()
		low, high, i = low>>1, high>>1, i>>1
	}
	h.low, h.high = low, high
	h.buckets[place(i)]++
}

// coarsen halves the scale: two buckets become one.
func (h *histogram) coarsen() {
	var merged [maxBuckets]uint64
	for i := h.low; i <= h.high; i++ {
		merged[place(i>>1)] += h.buckets[place(i)]
	}
	h.buckets = merged
	h.low, h.high = h.low>>1, h.high>>1
	h.coarser++
}

// place is where a bucket lies in the ring. No bucket is below -241, that of a
// nanosecond; the addend makes all of them positive.
func place(bucket int32) uint32 { return uint32(bucket+2*maxBuckets) % maxBuckets }

// eighths are the bounds between a power of two and the next, as the fractions
// of floating-point numbers.
var eighths = func() (fractions [1 << maxScale]uint64) {
	for k := range fractions {
		fractions[k] = math.Float64bits(math.Exp2(float64(k)/(1<<maxScale))) & (1<<52 - 1)
	}
	return fractions
}()

// bucketOf is the bucket of a duration at maxScale. It is exact where a
// logarithm would round, and has no branch that random durations would
// mispredict: the borrow is 1 where the duration is above a bound.
func bucketOf(nanos uint64) int32 {
	b := math.Float64bits(float64(nanos) / 1e9)
	exponent, fraction := int32(b>>52)-1023, b&(1<<52-1)
	above := uint64(0)
	for _, bound := range eighths {
		_, borrow := bits.Sub64(bound, fraction, 0)
		above += borrow
	}
	return exponent<<maxScale + int32(above) - 1
}

// write fills a point with all but its times and attributes.
func (h *histogram) write(p pmetric.ExponentialHistogramDataPoint) {
	p.SetScale(maxScale - int32(h.coarser))
	p.SetCount(h.count)
	p.SetSum(h.nanos / 1e9)
	p.SetZeroCount(h.zero)
	if h.count == h.zero {
		return
	}
	p.Positive().SetOffset(h.low)
	counts := p.Positive().BucketCounts()
	counts.EnsureCapacity(int(h.high-h.low) + 1)
	for i := h.low; i <= h.high; i++ {
		counts.Append(h.buckets[place(i)])
	}
}
