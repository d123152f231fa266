package gate

import (
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// Meter is the gate of one install. It remembers what it let pass, and holds
// that against what the policy declares (policy.Budget), so that the bound
// which a customer agreed to is one even if reports are made too often, twice,
// or under a clock that jumps:
//
//   - No entry of a report, nor the whole, says more bits than are declared for
//     an interval.
//   - Within a day of UTC no interval has two reports, under whichever policy:
//     one that changes to and fro opens no second count.
//   - No entry says more in a day than is declared for a day, nor does the
//     whole. In the whole count, too, the intervals that were passed over without a
//     report, and where a clock went back to.
//   - The day is that of the report's time; so that a clock which jumps from day
//     to day gains nothing, the whole is held to a day's bits in each day, less
//     an interval, of the time that passed while running, too.
//
// A report that is refused is not counted. One that was let pass stays counted
// whatever becomes of it. It is for concurrent use.
type Meter struct {
	// declare is policy.Budget; tests put less.
	declare func(*policy.Policy) policy.BudgetReport

	mu   sync.Mutex
	days map[int64]*day // by their number since the epoch
	run  map[policy.Digest]*stretch

	digest   policy.Digest // declared is of
	declared limits
}

// maxDays is how many days are remembered. A clock that is right needs one.
const maxDays = 8

// day is what left with times of one day.
type day struct {
	last  pcommon.Timestamp // the time of the last report, under any policy
	taken secondSet         // the seconds of the intervals that had one
	used  map[policy.Digest]map[string]float64
}

const daySeconds = 24 * 60 * 60

// secondSet is a set of a day's seconds.
type secondSet [daySeconds / 64]uint64

func (s *secondSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }
func (s *secondSet) add(i int)      { s[i/64] |= 1 << (i % 64) }

// stretch is what left under one policy since a moment of running.
type stretch struct {
	since time.Duration
	bits  float64
}

// rounding is what sums of logarithms may differ by, in bits.
const rounding = 1e-6

// NewMeter returns a meter that remembers nothing. See [Meter.Recall].
func NewMeter() *Meter {
	return &Meter{declare: policy.Budget, days: map[int64]*day{}, run: map[policy.Digest]*stretch{}}
}

// CheckBytes is [CheckBytes], and counts the report if it may pass.
func (m *Meter) CheckBytes(p *policy.Policy, data []byte, f Facts) error {
	md, err := checkBytes(p, data, f)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.admit(p, md, f.Running); r != nil {
		return r
	}
	return nil
}

// Recall counts a report that left before, so that the count outlives a
// restart. Without the policy that it was made under, which is nil then, its
// time alone counts. It judges nothing, and takes no notice of what is no report.
func (m *Meter) Recall(p *policy.Policy, body []byte) {
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(body)
	if err != nil {
		return
	}
	at, ok := timeOf(md)
	if !ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.day(at)
	if p == nil {
		d.take(at, 1)
		return
	}
	d.add(p, count(p, md, at.AsTime()), at)
}

// Usage is how much of an entry's budget is used up in a day.
type Usage struct {
	Entry       string // a signal of the policy, or Envelope
	Used, Limit float64
}

// Usage returns the count of now's day under p: the envelope, then each signal.
func (m *Meter) Usage(p *policy.Policy, now time.Time) []Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	var used map[string]float64
	if d := m.days[dayOf(pcommon.NewTimestampFromTime(now))]; d != nil {
		used = d.used[p.Digest]
	}
	l := m.limits(p)
	list := []Usage{{Envelope, used[Envelope], l.perDay[Envelope]}}
	for i := range p.Signals {
		name := p.Signals[i].Name
		list = append(list, Usage{name, used[name], l.perDay[name]})
	}
	return list
}

// admit counts a report that has passed [Check], or says why it may not leave.
func (m *Meter) admit(p *policy.Policy, md pmetric.Metrics, running time.Duration) *Refusal {
	at, ok := timeOf(md)
	if !ok {
		return refuse(Sequence)
	}
	d := m.day(at)
	if d.isTaken(at, seconds(p.Interval)) {
		return refuse(IntervalUsed)
	}
	says, limit := count(p, md, at.AsTime()), m.limits(p)
	if r := limit.hold(says, limit.perInterval, BudgetInterval); r != nil {
		return r
	}
	whole := map[string]float64{}
	maps.Copy(whole, d.used[p.Digest])
	for entry, bits := range says {
		whole[entry] += bits
	}
	if r := limit.hold(whole, limit.perDay, BudgetDay); r != nil {
		return r
	}
	if total(whole)+d.place(p, at) > limit.perDay[""]+rounding {
		return refuse(BudgetDay)
	}
	s := m.run[p.Digest]
	if s == nil || running-s.since >= runningDay(p) {
		s = &stretch{since: running}
	}
	bits := s.bits + total(says)
	if bits > limit.perDay[""]+rounding {
		return refuse(BudgetDay)
	}
	s.bits = bits
	m.run[p.Digest] = s
	d.add(p, says, at)
	return nil
}

// runningDay is a little shorter than a day, so that a report which comes a
// moment early is not taken for one too many.
func runningDay(p *policy.Policy) time.Duration {
	return 24*time.Hour - min(p.Interval, 12*time.Hour)
}

// day returns the day of a time, and forgets the earliest if there are too many.
func (m *Meter) day(at pcommon.Timestamp) *day {
	n := dayOf(at)
	if m.days[n] == nil {
		for len(m.days) >= maxDays {
			delete(m.days, slices.Min(slices.Collect(maps.Keys(m.days))))
		}
		m.days[n] = &day{used: map[policy.Digest]map[string]float64{}}
	}
	return m.days[n]
}

// add counts what a report says, and what its place among the others does.
func (d *day) add(p *policy.Policy, says map[string]float64, at pcommon.Timestamp) {
	used := d.used[p.Digest]
	if used == nil {
		used = map[string]float64{}
		d.used[p.Digest] = used
	}
	used[Envelope] += d.place(p, at)
	for entry, bits := range says {
		used[entry] += bits
	}
	d.take(at, seconds(p.Interval))
}

// place is what the time of a report says: one bit for each interval that was
// passed over and had none, and if the clock went back, to which interval.
func (d *day) place(p *policy.Policy, at pcommon.Timestamp) float64 {
	from, interval := 0, seconds(p.Interval)
	switch {
	case d.last == 0:
	case at < d.last:
		return math.Log2(daySeconds / float64(interval))
	default:
		from = secondOf(d.last) + 1
	}
	free := 0
	for i := from; i < secondOf(at); i++ {
		if !d.taken.has(i) {
			free++
		}
	}
	return float64(free / interval)
}

func (d *day) isTaken(at pcommon.Timestamp, interval int) bool {
	s := secondOf(at)
	for i := s; i < min(s+interval, daySeconds); i++ {
		if d.taken.has(i) {
			return true
		}
	}
	return false
}

func (d *day) take(at pcommon.Timestamp, interval int) {
	s := secondOf(at)
	for i := s; i < min(s+interval, daySeconds); i++ {
		d.taken.add(i)
	}
	d.last = at
}

func seconds(interval time.Duration) int { return int(interval / time.Second) }

// secondOf is the second of its day.
func secondOf(at pcommon.Timestamp) int { return int(int64(at)/int64(time.Second)) % daySeconds }

func dayOf(at pcommon.Timestamp) int64 { return int64(at) / int64(24*time.Hour) }

// limits is what a policy declares, by entry; "" is the whole.
type limits struct{ perInterval, perDay map[string]float64 }

func (m *Meter) limits(p *policy.Policy) limits {
	if m.digest == p.Digest && m.declared.perDay != nil {
		return m.declared
	}
	b := m.declare(p)
	l := limits{
		perInterval: map[string]float64{"": b.BitsPerInterval, Envelope: b.EnvelopeBits},
		perDay:      map[string]float64{"": b.BitsPerDay, Envelope: b.EnvelopeBits * float64(b.IntervalsPerDay)},
	}
	for _, s := range b.Signals {
		l.perInterval[s.Name], l.perDay[s.Name] = s.BitsPerInterval, s.BitsPerDay
	}
	m.digest, m.declared = p.Digest, l
	return l
}

// hold refuses what says more than its limit, the first entry by name first.
// The envelope is held in the whole: there a clock that was wrong finds room.
func (limits) hold(says, limit map[string]float64, reason Reason) *Refusal {
	var over []string
	for entry, bits := range says {
		if entry != Envelope && bits > limit[entry]+rounding {
			over = append(over, entry)
		}
	}
	switch {
	case len(over) > 0:
		return &Refusal{Reason: reason, Signal: slices.Min(over)}
	case total(says) > limit[""]+rounding:
		return refuse(reason)
	}
	return nil
}

func total(says map[string]float64) float64 {
	sum := 0.0
	for _, bits := range says {
		sum += bits
	}
	return sum
}

// timeOf is the time of a report, which its last metric says.
func timeOf(md pmetric.Metrics) (pcommon.Timestamp, bool) {
	if md.ResourceMetrics().Len() != 1 || md.ResourceMetrics().At(0).ScopeMetrics().Len() != 1 {
		return 0, false
	}
	ms := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	if ms.Len() == 0 {
		return 0, false
	}
	m := ms.At(ms.Len() - 1)
	if m.Name() != SequenceMetric || m.Type() != pmetric.MetricTypeGauge || m.Gauge().DataPoints().Len() != 1 {
		return 0, false
	}
	return m.Gauge().DataPoints().At(0).Timestamp(), true
}
