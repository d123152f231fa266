package gate

import (
	"maps"
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
//   - Within a day of UTC each report is of a later time than the one before,
//     under whichever policy: one report for each interval at most, and a
//     policy that changes to and fro opens no second count.
//   - No entry says more in a day than is declared for a day, nor does the
//     whole. The day is that of the report's time; so that a clock which jumps
//     from day to day gains nothing, the whole is held to a day's bits in each
//     day, less an interval, of the time that passed while running, too.
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
	last pcommon.Timestamp // the latest time, under any policy
	used map[policy.Digest]map[string]float64
}

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
	if p != nil {
		d.add(p, count(p, md, at.AsTime()), at)
	}
	d.last = max(d.last, at)
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
	if at <= d.last {
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
	whole[Envelope] += d.silence(p, at)
	if r := limit.hold(whole, limit.perDay, BudgetDay); r != nil {
		return r
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

// add counts what a report says, and what the intervals before it say by
// having had none.
func (d *day) add(p *policy.Policy, says map[string]float64, at pcommon.Timestamp) {
	used := d.used[p.Digest]
	if used == nil {
		used = map[string]float64{}
		d.used[p.Digest] = used
	}
	used[Envelope] += d.silence(p, at)
	for entry, bits := range says {
		used[entry] += bits
	}
	d.last = max(d.last, at)
}

// silence is one bit for each interval of the day that is over and had no
// report.
func (d *day) silence(p *policy.Policy, at pcommon.Timestamp) float64 {
	from := max(d.last+1, pcommon.Timestamp(dayOf(at))*pcommon.Timestamp(24*time.Hour))
	if at <= from {
		return 0
	}
	return float64((at - from) / pcommon.Timestamp(p.Interval))
}

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
func (limits) hold(says, limit map[string]float64, reason Reason) *Refusal {
	var over []string
	for entry, bits := range says {
		if bits > limit[entry]+rounding {
			over = append(over, entry)
		}
	}
	switch {
	case len(over) > 0:
		r := &Refusal{Reason: reason, Signal: slices.Min(over)}
		if r.Signal == Envelope {
			r.Signal = ""
		}
		return r
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
