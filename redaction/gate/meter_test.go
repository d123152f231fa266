package gate

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// at gives a report of the test's policy another time.
func at(md pmetric.Metrics, when time.Time) pmetric.Metrics {
	t := pcommon.NewTimestampFromTime(when)
	start := min(t, reportStart)
	ms := metricsOf(md)
	numbers := func(points pmetric.NumberDataPointSlice) {
		for i := range points.Len() {
			points.At(i).SetTimestamp(t)
			if points.At(i).StartTimestamp() != 0 {
				points.At(i).SetStartTimestamp(start)
			}
		}
	}
	for i := range ms.Len() {
		switch m := ms.At(i); m.Type() {
		case pmetric.MetricTypeSum:
			numbers(m.Sum().DataPoints())
		case pmetric.MetricTypeGauge:
			numbers(m.Gauge().DataPoints())
		case pmetric.MetricTypeHistogram:
			for j := range m.Histogram().DataPoints().Len() {
				m.Histogram().DataPoints().At(j).SetTimestamp(t)
				m.Histogram().DataPoints().At(j).SetStartTimestamp(start)
			}
		}
	}
	return md
}

func reasonOf(err error) Reason {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

// hourly is the test's policy with few enough reports a day to make them all.
func hourly(t interface{ Fatal(...any) }, revision int) *policy.Policy {
	return every(t, "1h", revision)
}

func every(t interface{ Fatal(...any) }, interval string, revision int) *policy.Policy {
	text := strings.NewReplacer("interval: 60s", "interval: "+interval, "revision: 3", fmt.Sprint("revision: ", revision)).Replace(source)
	p, err := policy.Parse("p", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var midnight = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

// What is counted is the length of a code: over all the reports that there are,
// 2^-length adds up to one at most. Then no more than 2^n of them, and of
// sequences of them, are worth n bits.
func TestTheCountIsTheLengthOfACode(t *testing.T) {
	gauge := policy.Signal{Kind: policy.KindGauge, HasValue: true, Value: policy.Value{Min: 0, Max: 2, Step: 1}, Merge: policy.MergeLast,
		Attributes: []policy.Attribute{{Key: "k", Domain: policy.Domain{Kind: policy.DomainEnum, Values: []string{"a", "b"}}, Otherwise: policy.Otherwise{Constant: "c"}}}, MaxSeries: 3}
	reports := math.Pow(3+1, 3) // of three series each has three values, or none
	if sum := reports * math.Exp2(-signalBits(&gauge, 3)); math.Abs(sum-1) > 1e-9 {
		t.Errorf("dense: the code lengths add up to %v", sum)
	}
	// With k series out of n, each with v values, there are choose(n, k) * v^k reports.
	for most := 1; most <= 60; most++ {
		for _, domain := range []policy.DomainKind{policy.DomainHMAC, policy.DomainUUID, policy.DomainSemver} {
			s := policy.Signal{Kind: policy.KindSum, HasValue: true, Value: policy.Value{Min: 0, Max: 6, Step: 1}, MaxSeries: most,
				Attributes: []policy.Attribute{{Key: "d", Domain: policy.Domain{Kind: domain}, Otherwise: policy.Otherwise{Drop: true}}}}
			n, _ := attributeBits(s.Attributes[0])
			sum := 0.0
			for k := range most + 1 {
				orders, _ := math.Lgamma(float64(k + 1))
				ways := float64(k)*(n+math.Log2(7)) - orders/math.Ln2 // at most, since n is far larger than k
				sum += math.Exp2(ways - signalBits(&s, k))
			}
			if sum > 1+1e-9 {
				t.Errorf("%d series: the code lengths add up to %v", most, sum)
			}
		}
	}
}

// The gate's count and the bound that a reviewer is told are computed apart.
func TestNoEntrySaysMoreThanIsDeclared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := policy.Signal{Name: "s", Kind: policy.Kind(rapid.IntRange(1, 3).Draw(t, "kind"))}
		if s.Kind != policy.KindHistogram || rapid.Bool().Draw(t, "sum") {
			steps := float64(rapid.SampledFrom([]int{1, 2, 9, 1000, 1 << 40, 1 << 53}).Draw(t, "steps"))
			s.HasValue, s.Value = true, policy.Value{Min: 0, Max: steps / 4, Step: 0.25}
		}
		if s.Kind == policy.KindHistogram {
			s.Bounds = make([]float64, rapid.IntRange(1, 64).Draw(t, "bounds"))
		}
		size, dense := 1, true
		for i := range rapid.IntRange(0, 3).Draw(t, "attributes") {
			a := policy.Attribute{Key: fmt.Sprint("k", i), Domain: policy.Domain{Kind: policy.DomainKind(rapid.IntRange(1, 6).Draw(t, "domain"))}}
			switch a.Domain.Kind {
			case policy.DomainEnum:
				a.Domain.Values = []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "enum")]
			case policy.DomainInt:
				a.Domain.Max = int64(rapid.IntRange(0, 20).Draw(t, "int"))
			}
			a.Otherwise = rapid.SampledFrom([]policy.Otherwise{{Drop: true}, {Constant: "a"}, {Constant: "other"}}).Draw(t, "otherwise")
			if n := a.Size(); n > 0 {
				size *= n
			} else {
				dense = false
			}
			s.Attributes = append(s.Attributes, a)
		}
		s.MaxSeries = size
		if !dense {
			s.MaxSeries = rapid.IntRange(1, 200).Draw(t, "max_series")
		}
		bound := policy.Budget(&policy.Policy{Interval: time.Minute, Signals: []policy.Signal{s}}).Signals[0].BitsPerInterval
		full := signalBits(&s, s.MaxSeries)
		if full > bound+rounding {
			t.Fatalf("%v bits, declared are %v", full, bound)
		}
		if dense && full < bound-0.001-rounding {
			t.Fatalf("%v bits of a signal that always says all of its %v", full, bound)
		}
		for k := range s.MaxSeries {
			if !dense && signalBits(&s, k) > full+rounding {
				t.Fatalf("%d series say more than %d", k, s.MaxSeries)
			}
		}
	})
}

func TestADayOfReportsPassesAndNoMore(t *testing.T) {
	p, m := hourly(t, 3), NewMeter()
	running := time.Duration(0)
	for i := range 24 * 3 {
		// Rounds come a little late, each by something else.
		f := Facts{Running: running + time.Duration(i%7)*time.Second}
		if err := m.CheckBytes(p, marshalled(at(report(most{}, p.Digest, float64(i+1)), midnight.Add(time.Duration(i)*time.Hour))), f); err != nil {
			t.Fatalf("report %d: %v", i, err)
		}
		running += time.Hour
	}
	declared := policy.Budget(p)
	for day := range 3 {
		whole := 0.0
		for i, u := range m.Usage(p, midnight.AddDate(0, 0, day)) {
			want := declared.EnvelopeBits * 24
			if i > 0 {
				want = declared.Signals[i-1].BitsPerDay
			}
			if u.Limit != want || u.Used > u.Limit+rounding || u.Entry != "h.past" && u.Used == 0 {
				t.Errorf("day %d: %+v, declared %v", day, u, want)
			}
			whole += u.Used
		}
		if whole > declared.BitsPerDay+rounding || whole < declared.BitsPerDay/2 {
			t.Errorf("day %d: %v bits of %v", day, whole, declared.BitsPerDay)
		}
	}
	if err := m.CheckBytes(p, marshalled(at(report(least{}, p.Digest, 73), midnight.AddDate(0, 0, 2))), Facts{}); reasonOf(err) != IntervalUsed {
		t.Errorf("one more: %v", err)
	}
}

func TestWhatWouldExceedTheBudgetIsRefused(t *testing.T) {
	p, other := hourly(t, 3), hourly(t, 4)
	noon := midnight.Add(12 * time.Hour)
	pass := func(t *testing.T, m *Meter, p *policy.Policy, when time.Time, running time.Duration, want Reason) {
		t.Helper()
		md := at(report(most{}, p.Digest, 1), when)
		if err := m.CheckBytes(p, marshalled(md), Facts{Running: running}); reasonOf(err) != want {
			t.Fatalf("at %s: %v, want %q", when, err, want)
		}
	}
	t.Run("a second report in an interval", func(t *testing.T) {
		m := NewMeter()
		pass(t, m, p, noon, 0, "")
		pass(t, m, p, noon, time.Second, IntervalUsed)
		pass(t, m, p, noon.Add(time.Hour), time.Hour, "")
	})
	t.Run("under another policy", func(t *testing.T) {
		m := NewMeter()
		pass(t, m, p, noon, 0, "")
		pass(t, m, other, noon, time.Second, IntervalUsed)
		pass(t, m, other, noon.Add(time.Hour), time.Hour, "")
		pass(t, m, p, noon.Add(time.Hour), time.Hour, IntervalUsed)
	})
	t.Run("under a policy with another interval", func(t *testing.T) {
		m, halves := NewMeter(), every(t, "30m", 5)
		pass(t, m, p, noon, 0, "")
		pass(t, m, halves, noon.Add(30*time.Minute), time.Minute, IntervalUsed)
		pass(t, m, halves, noon.Add(90*time.Minute), time.Minute, "")
		pass(t, m, p, noon.Add(time.Hour), time.Minute, IntervalUsed)
		pass(t, m, p, noon.Add(2*time.Hour), time.Minute, "")
	})
	t.Run("a clock that goes back", func(t *testing.T) {
		m := NewMeter()
		pass(t, m, p, noon, 0, "")
		before := m.Usage(p, noon)[0].Used
		if math.Abs(before-envelopeBits(p)-12) > rounding {
			t.Errorf("a report after twelve hours without one was counted as %v bits", before)
		}
		pass(t, m, p, noon.Add(-time.Hour), time.Hour, "") // nothing had left of that
		if got := m.Usage(p, noon)[0].Used - before; math.Abs(got-envelopeBits(p)-math.Log2(24)) > rounding {
			t.Errorf("going back was counted as %v bits", got)
		}
		pass(t, m, p, noon.Add(-time.Hour), time.Hour, IntervalUsed)
		pass(t, m, p, noon.AddDate(0, 0, -1), time.Hour, "")
		pass(t, m, p, noon, 2*time.Hour, IntervalUsed)
	})
	t.Run("a clock that jumps from day to day", func(t *testing.T) {
		m, passed := NewMeter(), 0
		for i := range 250 {
			md := at(report(most{}, p.Digest, 1), midnight.AddDate(0, 0, -i)) // away from the last day
			switch err := m.CheckBytes(p, marshalled(md), Facts{Running: time.Duration(i) * time.Second}); reasonOf(err) {
			case "":
				passed++
			case BudgetDay:
			default:
				t.Fatal(err)
			}
		}
		if passed < 24 || float64(passed-1)*total(count(p, report(most{}, p.Digest, 1), midnight)) > policy.Budget(p).BitsPerDay {
			t.Errorf("%d reports within minutes", passed)
		}
		if len(m.days) > maxDays {
			t.Errorf("%d days are remembered", len(m.days))
		}
		pass(t, m, p, noon, 24*time.Hour, "") // a day later there is room again
	})
	t.Run("an entry that says more than is declared", func(t *testing.T) {
		m := NewMeter()
		m.declare = func(p *policy.Policy) policy.BudgetReport {
			b := policy.Budget(p)
			b.Signals[1].BitsPerInterval /= 2
			return b
		}
		err := m.CheckBytes(p, marshalled(at(report(most{}, p.Digest, 1), noon)), Facts{})
		if want := (&Refusal{Reason: BudgetInterval, Signal: "b.load"}); err == nil || err.Error() != want.Error() {
			t.Errorf("%v", err)
		}
	})
	for name, less := range map[string]func(*policy.BudgetReport){
		"an entry's day is full": func(b *policy.BudgetReport) { b.Signals[0].BitsPerDay /= 8 },
		"the day is full":        func(b *policy.BudgetReport) { b.BitsPerDay /= 8 },
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMeter()
			m.declare = func(p *policy.Policy) policy.BudgetReport {
				b := policy.Budget(p)
				less(&b)
				return b
			}
			hours := 0
			for reason := Reason(""); reason == "" && hours < 24; hours++ {
				reason = reasonOf(m.CheckBytes(p, marshalled(at(report(most{}, p.Digest, 1), midnight.Add(time.Duration(hours)*time.Hour))), Facts{}))
			}
			if hours < 3 || hours > 8 {
				t.Errorf("the first refusal is that of report %d", hours)
			}
			before := m.Usage(p, midnight)
			pass(t, m, p, midnight.Add(23*time.Hour), 0, BudgetDay)
			for i, u := range m.Usage(p, midnight) {
				if u != before[i] {
					t.Errorf("what was refused was counted: %+v, before %+v", u, before[i])
				}
			}
		})
	}
	t.Run("what the gate refuses is not counted", func(t *testing.T) {
		m := NewMeter()
		md := at(report(most{}, p.Digest, 1), noon)
		metricsOf(md).At(0).SetDescription("text")
		if err := m.CheckBytes(p, marshalled(md), Facts{}); reasonOf(err) != MetricText {
			t.Fatal(err)
		}
		pass(t, m, p, noon, 0, "")
	})
}

// However reports come, whatever the clock says, and however often the install
// starts anew: no day has more bits, of no entry, than explain says; and an
// honest clock is never told no.
func TestNoSequenceOfReportsSaysMoreThanExplain(t *testing.T) {
	policies := []*policy.Policy{hourly(t, 3), hourly(t, 4)}
	rapid.Check(t, func(t *rapid.T) {
		m := NewMeter()
		type sent struct {
			p    *policy.Policy
			body []byte
		}
		var ledger []sent
		days := map[policy.Digest]map[int]map[string]float64{policies[0].Digest: {}, policies[1].Digest: {}}
		slots := map[int]bool{} // the hours that were reported
		hour, running := rapid.IntRange(0, 60).Draw(t, "hour"), time.Duration(0)
		for n := range rapid.IntRange(1, 80).Draw(t, "steps") {
			p := rapid.SampledFrom(policies).Draw(t, "policy")
			honest := false
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0: // a restart
				m, running = NewMeter(), 0
				for _, s := range ledger {
					m.Recall(s.p, s.body)
				}
			case 1:
				hour = max(0, hour+rapid.IntRange(-50, 50).Draw(t, "jump"))
			case 2: // the same again
			default:
				hour++
				running += time.Hour
				honest = true
			}
			md := at(report(drawn{t}, p.Digest, float64(n+1)), midnight.Add(time.Duration(hour)*time.Hour))
			err := m.CheckBytes(p, marshalled(md), Facts{Running: running})
			day, fresh := hour/24, !slots[hour]
			switch reason := reasonOf(err); {
			case err == nil && !fresh:
				t.Fatalf("hour %d was reported twice", hour)
			case reason != "" && reason != IntervalUsed && reason != BudgetDay || reason == IntervalUsed && fresh:
				t.Fatalf("refused: %v", err)
			case reason == BudgetDay && honest && fresh && running >= time.Duration(n)*time.Hour:
				t.Fatalf("an honest clock was told %v", err)
			case err != nil:
				continue
			}
			slots[hour] = true
			ledger = append(ledger, sent{p, marshalled(md)})
			used := days[p.Digest][day]
			if used == nil {
				used = map[string]float64{}
				days[p.Digest][day] = used
			}
			for entry, bits := range count(p, md, midnight) {
				used[entry] += bits
			}
			b := policy.Budget(p)
			limit := map[string]float64{Envelope: b.EnvelopeBits * 24}
			for _, s := range b.Signals {
				limit[s.Name] = s.BitsPerDay
			}
			for entry, bits := range used {
				if bits > limit[entry]+rounding {
					t.Fatalf("%s said %v bits on day %d, explain says %v", entry, bits, day, limit[entry])
				}
			}
			if total(used) > b.BitsPerDay+rounding {
				t.Fatalf("%v bits on day %d, explain says %v", total(used), day, b.BitsPerDay)
			}
		}
	})
}

// By brute force: of a policy with three reports a day and one gauge of two
// values, each history of a day is played, in whatever order the clock made the
// intervals come. No more of them pass than the declared bits can tell apart.
func TestNoMoreHistoriesOfADayPassThanItsBitsTellApart(t *testing.T) {
	const text = `version: 1
product: shop
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 8h
identity: {weir.install.id: {type: uuid}}
signals: [{name: up, why: w, owner: o, category: health, kind: gauge, merge: last, unit: "1", value: {min: 0, max: 1, step: 1}}]
`
	p, err := policy.Parse("p", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	one := func(slot, value int) []byte {
		md := pmetric.NewMetrics()
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("weir.install.id", install)
		rm.Resource().Attributes().PutStr("weir.policy.digest", p.Digest.String())
		sm := rm.ScopeMetrics().AppendEmpty()
		sm.Scope().SetName("weir")
		dp := number(gauge(sm.Metrics(), "up", "1").DataPoints(), 0, nil)
		if value < 2 {
			dp.SetDoubleValue(float64(value))
		} else {
			dp.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
		}
		number(gauge(sm.Metrics(), "weir.report.sequence", "{report}").DataPoints(), 0, nil).SetDoubleValue(1)
		return marshalled(at(md, midnight.Add(time.Duration(slot)*8*time.Hour)))
	}
	var bodies [3][3][]byte
	for slot := range bodies {
		for value := range bodies[slot] {
			bodies[slot][value] = one(slot, value)
		}
	}
	passed, played := 0, 0
	var play func(history [][]byte, taken int)
	play = func(history [][]byte, taken int) {
		m := NewMeter()
		played++
		for _, body := range history {
			if err := m.CheckBytes(p, body, Facts{}); reasonOf(err) == BudgetDay {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
		passed++
		for slot := range bodies {
			if taken&(1<<slot) == 0 {
				for _, body := range bodies[slot] {
					play(append(history[:len(history):len(history)], body), taken|1<<slot)
				}
			}
		}
	}
	play(nil, 0)
	b := policy.Budget(p)
	starts := 3 * (b.EnvelopeBits - 1) // since when it counts was the same in all of them
	if bits := math.Log2(float64(passed)); bits > b.BitsPerDay-starts || passed < 1+3+9+27 {
		t.Errorf("%d histories passed, %v bits, declared are %v", passed, bits, b.BitsPerDay-starts)
	}
	if passed >= played {
		t.Errorf("all of %d histories passed: there was nothing to refuse", played)
	}
}

// A clock that was ahead for one report and then right again costs that day no
// more than its last reports.
func TestAClockThatWasWrongFindsItsDayOpen(t *testing.T) {
	p := hourly(t, 3)
	m, refused := NewMeter(), 0
	hours := []int{0, 1, 2, 3, 9}
	for h := 4; h < 24; h++ {
		hours = append(hours, h)
	}
	for i, h := range hours {
		err := m.CheckBytes(p, marshalled(at(report(most{}, p.Digest, float64(i+1)), midnight.Add(time.Duration(h)*time.Hour))), Facts{Running: time.Duration(i) * time.Hour})
		if err != nil {
			refused++
		}
		if err != nil && (h != 9 || i < 6) && h < 22 {
			t.Errorf("hour %d: %v", h, err)
		}
	}
	if refused < 1 || refused > 3 {
		t.Errorf("%d refused", refused)
	}
}

func marshalled(md pmetric.Metrics) []byte {
	data, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	if err != nil {
		panic(err)
	}
	return data
}

// After a restart the count is what it was, and a day that is used up stays so.
func TestTheCountOutlivesARestart(t *testing.T) {
	p, m, next := hourly(t, 3), NewMeter(), NewMeter()
	for i := range 5 {
		md := at(report(most{}, p.Digest, float64(i+1)), midnight.Add(time.Duration(2*i)*time.Hour))
		if err := m.CheckBytes(p, marshalled(md), Facts{}); err != nil {
			t.Fatal(err)
		}
		next.Recall(p, marshalled(md))
	}
	next.Recall(p, []byte("no report"))
	next.Recall(p, nil)
	before, after := m.Usage(p, midnight), next.Usage(p, midnight)
	for i := range before {
		if math.Abs(before[i].Used-after[i].Used) > rounding || before[i].Used == 0 && before[i].Entry != "h.past" {
			t.Errorf("%+v became %+v", before[i], after[i])
		}
	}
	md := at(report(most{}, p.Digest, 6), midnight.Add(8*time.Hour))
	if err := next.CheckBytes(p, marshalled(md), Facts{}); reasonOf(err) != IntervalUsed {
		t.Errorf("the last one again: %v", err)
	}
	// Its time counts also where its policy is not to be had any more.
	blind := NewMeter()
	blind.Recall(nil, marshalled(md))
	if err := blind.CheckBytes(p, marshalled(md), Facts{}); reasonOf(err) != IntervalUsed {
		t.Errorf("without the policy: %v", err)
	}
}
