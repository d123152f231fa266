package gate

import (
	"math"
	"math/bits"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// Envelope is the entry under which the bits of the report itself are counted:
// whether one came, and since when it counts. Names like it are reserved.
const Envelope = "weir.report.envelope"

// count says how many bits a report carries that has passed, entry by entry:
// the length of the shortest message that would tell it from all others of its
// policy, in a code that is fixed by the policy.
//
// It counts what is in the report. What policy.Budget says before there was
// one is the most that this can come to, and is computed without this.
func count(p *policy.Policy, md pmetric.Metrics, at time.Time) map[string]float64 {
	points := map[string]int{}
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				points[m.Name()] += pointsOf(m)
			}
		}
	}
	used := map[string]float64{Envelope: envelopeBits(p)}
	for i := range p.Signals {
		if s := &p.Signals[i]; !s.Expired(at) {
			used[s.Name] = signalBits(s, points[s.Name])
		}
	}
	return used
}

// envelopeBits is one for this report instead of none, and which of the
// intervals that 32 bits of seconds hold its counts began with.
func envelopeBits(p *policy.Policy) float64 {
	return 1 + 32 - math.Log2(p.Interval.Seconds())
}

// signalBits is what so many points of a signal say.
//
// Series that are always there say their values. Of the others the report also
// says how many there are and which; since they are sorted, the order in which
// they could have come is not said.
func signalBits(s *policy.Signal, points int) float64 {
	one, closed := valueBits(s), true
	for _, a := range s.Attributes {
		b, dense := attributeBits(a)
		one, closed = one+b, closed && dense
	}
	k, most := float64(points), float64(s.MaxSeries)
	switch {
	case closed:
		return k * valueBits(s)
	case most < 3:
		// There is next to no order to save on: each place is empty or holds one.
		return most * (one + math.Log1p(math.Exp2(-one))/math.Ln2)
	}
	orders, _ := math.Lgamma(k + 1)
	return math.Log2(most+1) + k*one - orders/math.Ln2
}

// valueBits is what one point says beside which series it is of.
func valueBits(s *policy.Signal) float64 {
	grid := 0.0
	if s.HasValue {
		grid = math.Round((s.Value.Max-s.Value.Min)/s.Value.Step) + 1
	}
	switch s.Kind {
	case policy.KindHistogram:
		buckets := len(s.Bounds) + 1
		return float64(buckets*bits.Len64(policy.MaxBucketCount)) + math.Log2(max(grid, 1))
	case policy.KindGauge:
		return math.Log2(grid + 1) // or no value
	default:
		return math.Log2(grid)
	}
}

// attributeBits is what an attribute's value says, and whether all its values
// are written in the policy.
func attributeBits(a policy.Attribute) (n float64, closed bool) {
	values := 0.0
	switch d := a.Domain; d.Kind {
	case policy.DomainEnum:
		closed, values = true, float64(len(d.Values))
	case policy.DomainBool:
		closed, values = true, 2
	case policy.DomainInt:
		closed, values = true, float64(d.Max-d.Min)+1
	case policy.DomainHMAC:
		values = math.Pow(16, policy.HMACLength)
	case policy.DomainUUID:
		values = math.Pow(16, policy.UUIDLength-4) // four are hyphens
	case policy.DomainSemver:
		for length := range policy.MaxSemverLength {
			values += math.Pow(65, float64(length+1)) // letters, digits, ".", "-", "+"
		}
	}
	if !a.Otherwise.Drop && !(closed && a.Domain.Contains(a.Otherwise.Constant)) {
		values++
	}
	return math.Log2(values), closed
}

func pointsOf(m pmetric.Metric) int {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints().Len()
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints().Len()
	case pmetric.MetricTypeHistogram:
		return m.Histogram().DataPoints().Len()
	default:
		return 0
	}
}
