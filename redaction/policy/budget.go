package policy

import (
	"math"
	"time"
)

// BudgetReport says how much information can leave at most, in bits: the
// logarithm of the number of different reports that [Policy] allows. It is a
// bound, not an estimate. What leaves in practice is far less.
type BudgetReport struct {
	IntervalsPerDay int `json:"intervals_per_day"`
	// IdentityBits name the install. They are the same in every report, and so
	// are not in the sums below.
	IdentityBits float64 `json:"identity_bits"`
	// EnvelopeBits are those of the report itself: whether one came in this
	// interval, and since when it counts.
	EnvelopeBits    float64        `json:"envelope_bits_per_interval"`
	Signals         []SignalBudget `json:"signals"`
	BitsPerInterval float64        `json:"bits_per_interval"`
	BitsPerDay      float64        `json:"bits_per_day"`
}

// SignalBudget is the part of one signal.
type SignalBudget struct {
	Name            string  `json:"name"`
	Series          int     `json:"series"`
	BitsPerInterval float64 `json:"bits_per_interval"`
	BitsPerDay      float64 `json:"bits_per_day"`
}

// Budget computes the bound.
//
// The values of a grid with n steps are n+1. One series of a
//
//	sum        has   log2(n+1)                          bits
//	gauge      has   log2(n+2), the one more: no value  bits
//	histogram  has   40 * (len(bounds)+1), see MaxBucketCount,
//	                 and log2(n+1) more if it carries a sum
//
// A signal whose domains are all dense has all its series in every report:
//
//	series * bits of one
//
// One with a dictionary domain may show other series in every report, each
// with any of its attributes' values, or fewer than max_series:
//
//	max_series * log2(1 + 2^(bits of its attributes + bits of one))
//
// where an attribute has log2(its values) bits if dense, 64 as an hmac, 128 as
// a uuid (all of its digits are the sender's, not only the 122 that a random
// one has) and as a semver log2 of the strings of at most 32 out of 65
// characters, which is 192.8. `otherwise` with a constant adds one value.
//
// The envelope has one bit for whether a report came, and log2(2^32 s /
// interval) for the start of its counts. Its time and sequence follow from the
// report before it.
func Budget(p *Policy) BudgetReport {
	r := BudgetReport{Signals: make([]SignalBudget, 0, len(p.Signals))}
	if p.Interval > 0 {
		r.IntervalsPerDay = int(maxInterval / p.Interval)
		r.EnvelopeBits = 1 + 32 - math.Log2(float64(p.Interval)/float64(time.Second))
	}
	for _, a := range p.Identity {
		r.IdentityBits += a.bits()
	}
	r.IdentityBits, r.EnvelopeBits = up(r.IdentityBits), up(r.EnvelopeBits)
	r.BitsPerInterval = r.EnvelopeBits
	for _, s := range p.Signals {
		b := SignalBudget{Name: s.Name, Series: s.MaxSeries, BitsPerInterval: up(s.bits())}
		b.BitsPerDay = up(b.BitsPerInterval * float64(r.IntervalsPerDay))
		r.BitsPerInterval += b.BitsPerInterval
		r.Signals = append(r.Signals, b)
	}
	r.BitsPerInterval = up(r.BitsPerInterval)
	r.BitsPerDay = up(r.BitsPerInterval * float64(r.IntervalsPerDay))
	return r
}

// up rounds to a thousandth of a bit, upwards: machines differ in the last
// digit of a logarithm, and a bound stays a bound.
func up(bits float64) float64 { return math.Ceil(bits*1000) / 1000 }

func (s Signal) bits() float64 {
	one := s.pointBits()
	if dense := s.DenseSize(); dense >= 0 {
		return float64(dense) * one
	}
	for _, a := range s.Attributes {
		one += a.bits()
	}
	return float64(s.MaxSeries) * orNothing(one)
}

func (s Signal) pointBits() float64 {
	values := s.Value.Steps() + 1
	switch {
	case s.Kind == KindSum:
		return math.Log2(values)
	case s.Kind == KindGauge:
		return math.Log2(values + 1)
	case s.HasValue:
		return float64(len(s.Bounds)+1)*math.Log2(MaxBucketCount+1) + math.Log2(values)
	default:
		return float64(len(s.Bounds)+1) * math.Log2(MaxBucketCount+1)
	}
}

func (a Attribute) bits() float64 {
	var bits float64
	switch a.Domain.Kind {
	case DomainHMAC:
		bits = 4 * HMACLength
	case DomainUUID:
		bits = 4 * (UUIDLength - 4) // without its hyphens
	case DomainSemver:
		// 65 + 65^2 + ... + 65^32 < 65^33 / 64
		bits = (MaxSemverLength+1)*math.Log2(65) - math.Log2(64)
	default:
		return math.Log2(float64(a.Size()))
	}
	if a.Otherwise.Drop {
		return bits
	}
	return orNothing(bits)
}

// orNothing is log2(1 + 2^bits): one more possibility.
func orNothing(bits float64) float64 {
	if bits > 1000 {
		return bits // 2^bits is no double any more; the rest is below its rounding
	}
	return bits + math.Log1p(math.Exp2(-bits))/math.Ln2
}
