package laws

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/table"
)

// word is one data point of a stream, for every kind: of a histogram, so many
// observations in one bucket, which add up to as much.
type word struct {
	start, time float64 // seconds after the table began
	value       any     // float64, int64 or nil
	flagged     bool
	delta       bool
	summary     bool
	unit, name  string  // other than the policy's
	falling     bool    // a sum that may fall where the policy has one that grows, and the reverse
	label       string  // outside the attribute's domain
	sum         float64 // of a histogram, if it is not the number of its observations
	lame        bool    // a histogram whose buckets do not fit its bounds
	reports     int     // made before the point
}

// stated are the outcomes that docs/format/policy.md promises, row by row: of
// each kind, what becomes of the last point of the life.
var stated = []struct {
	what string
	life []word
	want [5]string // by column
}{
	{"the first point of a stream that began with the table, or later",
		[]word{{start: 0, time: 1, value: 14.}}, [5]string{"in full", "in full", "the value", "in full", "in full"}},
	{"the first point of a stream that began earlier, or does not say when",
		[]word{{start: -60, time: 1, value: 14.}}, [5]string{"a baseline", "in full", "the value", "a baseline", "a baseline"}},
	{"a first point whose stream began after it",
		[]word{{start: 9, time: 1, value: 14.}}, [5]string{"a baseline", "in full", "the value", "a baseline", "a baseline"}},
	{"a later point, cumulative",
		[]word{{start: -60, time: 1, value: 10.}, {start: -60, time: 2, value: 14.}}, [5]string{"its growth", "its growth", "the value", "its growth", "its growth"}},
	{"the same after intervals without a point",
		[]word{{start: -60, time: 1, value: 10.}, {start: -60, time: 170, value: 14., reports: 2}}, [5]string{"its growth", "its growth", "the value", "its growth", "its growth"}},
	{"a delta",
		[]word{{start: -60, time: 1, value: 10., delta: true}, {start: 1, time: 2, value: 14., delta: true}}, [5]string{"in full", "in full", "the value", "in full", "in full"}},
	{"a reset: the value, or a bucket, or of an exponential histogram the total, is less than before",
		[]word{{start: -60, time: 1, value: 10.}, {start: -60, time: 2, value: 4.}}, [5]string{"in full", "its growth", "the value", "in full", "in full"}},
	{"a restart: the stream began after its last point, though its value grew",
		[]word{{start: -60, time: 1, value: 10.}, {start: 2, time: 3, value: 14.}}, [5]string{"in full", "its growth", "the value", "in full", "in full"}},
	{"a start that wanders, not beyond the last point",
		[]word{{start: -60, time: 1, value: 10.}, {start: -59, time: 3, value: 14.}}, [5]string{"its growth", "its growth", "the value", "its growth", "its growth"}},
	{"a point older than its stream's last",
		[]word{{start: -60, time: 5, value: 10.}, {start: -60, time: 3, value: 14.}}, [5]string{"`out_of_order`", "`out_of_order`", "`out_of_order`", "`out_of_order`", "`out_of_order`"}},
	{"a point as old as its stream's last",
		[]word{{start: -60, time: 5, value: 10.}, {start: -60, time: 5, value: 14.}}, [5]string{"`duplicate`", "`duplicate`", "the value", "`duplicate`", "`duplicate`"}},
	{"a delta that comes twice",
		[]word{{start: -60, time: 5, value: 10., delta: true}, {start: -60, time: 5, value: 10., delta: true}}, [5]string{"`duplicate`", "`duplicate`", "the value", "`duplicate`", "`duplicate`"}},
	{"NaN", []word{{time: 1, value: math.NaN(), sum: math.NaN()}}, [5]string{"`not_finite`", "`not_finite`", "`not_finite`", "in full, without its sum", "in full, without its sum"}},
	{"an infinity", []word{{time: 1, value: math.Inf(1), sum: math.Inf(1)}}, [5]string{"`not_finite`", "`not_finite`", "`not_finite`", "in full, without its sum", "in full, without its sum"}},
	{"-0", []word{{time: 1, value: math.Copysign(0, -1), sum: math.Copysign(0, -1)}}, [5]string{"as 0", "as 0", "as 0", "in full", "in full"}},
	{"a value, or a histogram's sum, below zero", []word{{time: 1, value: -3., sum: -3}}, [5]string{"`negative`", "in full", "the value", "in full, without its sum", "in full, without its sum"}},
	{"flagged as no recorded value", []word{{time: 1, value: 14., flagged: true}}, [5]string{"`no_value`", "`no_value`", "`no_value`", "`no_value`", "`no_value`"}},
	{"a number without a value", []word{{time: 1, value: nil}}, [5]string{"`no_value`", "`no_value`", "`no_value`", "", ""}},
	{"an int, also one that no double holds",
		[]word{{start: -60, time: 1, value: int64(math.MaxInt64 - 4)}, {start: -60, time: 2, value: int64(math.MaxInt64)}}, [5]string{"its growth", "clamped", "clamped", "", ""}},
	{"an int that has overflowed",
		[]word{{start: -60, time: 1, value: int64(math.MaxInt64)}, {start: -60, time: 2, value: int64(math.MinInt64)}}, [5]string{"`negative`", "clamped", "clamped", "", ""}},
	{"more than `max`, or than a bucket holds", []word{{time: 1, value: 1e300}}, [5]string{"clamped", "clamped", "clamped", "clamped", "clamped"}},
	{"buckets that do not fit their bounds, or bounds that do not ascend", []word{{time: 1, value: 14., lame: true}}, [5]string{"", "", "", "`malformed`", ""}},
	{"a summary, or another kind", []word{{time: 1, value: 14., summary: true}}, [5]string{"`kind_mismatch`", "`kind_mismatch`", "`kind_mismatch`", "`kind_mismatch`", ""}},
	{"monotonic where the policy's is not, and the reverse", []word{{time: 1, value: 14., falling: true}}, [5]string{"`kind_mismatch`", "`kind_mismatch`", "", "", ""}},
	{"another unit", []word{{time: 1, value: 14., unit: "s"}}, [5]string{"`unit_mismatch`", "`unit_mismatch`", "`unit_mismatch`", "`unit_mismatch`", "`unit_mismatch`"}},
	{"a metric that is not named", []word{{time: 1, value: 14., name: "stranger"}}, [5]string{"`not_allowed`", "`not_allowed`", "`not_allowed`", "`not_allowed`", "`not_allowed`"}},
	{"an attribute outside its domain, where that drops", []word{{time: 1, value: 14., label: "elsewhere"}}, [5]string{"`attribute`", "`attribute`", "`attribute`", "`attribute`", "`attribute`"}},
}

const statedHead = "| what comes | sum | sum, `monotonic: false` | gauge, `last` | histogram | exponential histogram |\n|---|---|---|---|---|---|\n"

// The document says what the table does, and nothing else.
func TestTheDocumentStatesEachOutcome(t *testing.T) {
	doc, err := os.ReadFile("../../docs/format/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString(statedHead)
	for _, row := range stated {
		fmt.Fprintf(&want, "| %s | %s |\n", row.what, strings.Join(row.want[:], " | "))
	}
	if text := want.String(); !strings.Contains(string(doc), text) {
		t.Errorf("docs/format/policy.md does not have\n%s", text)
	}
}

func TestStatedOutcomes(t *testing.T) {
	const values = "value: {min: -1000, max: 1000, step: 1}\n    attributes:\n      k: {enum: [x], otherwise: drop}\n"
	grows := strings.Replace(values, "-1000", "0", 1)
	kinds := []struct{ kind, rest string }{
		{"sum", grows}, {"sum", "monotonic: false\n    " + values}, {"gauge", "merge: last\n    " + values},
		{"histogram", "bounds: [1, 2]\n    " + grows}, {"histogram", "bounds: [1, 2]\n    " + grows},
	}
	for _, row := range stated {
		for column, k := range kinds {
			if row.want[column] == "" {
				continue
			}
			t.Run(fmt.Sprint(row.what, "/", column), func(t *testing.T) {
				p := parse(t, head+entry("s", k.kind, k.rest))
				live := func(life []word) (*table.Table, pmetric.Metrics) {
					tab, end := lay(t, p), 61.0
					for _, w := range life {
						for range w.reports {
							report(t, tab, after(end))
							end += 60
						}
						tab.Observe(w.metric(column))
					}
					return tab, report(t, tab, after(end))
				}
				last := len(row.life) - 1
				without := row.life[:last]
				tab, reported := live(without)
				before := tab.Counters()
				got, sum := onlyNumber(reported)
				tab, reported = live(row.life)
				now, nowSum := onlyNumber(reported)
				outcome := ""
				for _, r := range table.Reasons() {
					if tab.Counters().Dropped[r] > before.Dropped[r] {
						outcome = "`" + r.String() + "`"
						if now != got && column != 2 {
							t.Errorf("it was dropped, and %v became %v", got, now)
						}
					}
				}
				if outcome == "" {
					if tab.Counters().Kept != before.Kept+1 {
						t.Fatalf("neither kept nor dropped: %+v, before %+v", tab.Counters(), before)
					}
					outcome = described(row.life, column, now, now-got, nowSum-sum)
				}
				if outcome != row.want[column] {
					t.Errorf("it is %s, stated is %s (%v became %v, sums %v and %v)", outcome, row.want[column], got, now, sum, nowSum)
				}
			})
		}
	}
}

// described puts what a report has more with the last point into the
// document's words.
func described(life []word, column int, now, more, moreSum float64) string {
	number := func(w word) float64 {
		switch v := w.value.(type) {
		case int64:
			return float64(v)
		case float64:
			return v
		}
		return 0
	}
	last := number(life[len(life)-1])
	before := 0.0
	if len(life) > 1 {
		before = number(life[len(life)-2])
	}
	if i, ok := life[len(life)-1].value.(int64); ok && column == 0 {
		if more == float64(i-life[len(life)-2].value.(int64)) {
			return "its growth"
		}
	}
	full := column > 2 && (math.IsNaN(last) || math.IsInf(last, 0) || last <= 0) && more == unreadable
	switch {
	case math.Signbit(now) && now == 0:
		return "-0"
	case full && last == 0 && moreSum == 0:
		return "in full"
	case full && moreSum == 0:
		return "in full, without its sum"
	case column > 2 && last > 1e12 && more == 1<<40-1, column <= 2 && math.Abs(last) > 1000 && math.Abs(now) == 1000:
		return "clamped"
	case last == 0 && now == 0:
		return "as 0"
	case column == 2 && now == last:
		return "the value"
	case more == 0:
		return "a baseline"
	case more == last:
		return "in full"
	case more == last-before:
		return "its growth"
	}
	return fmt.Sprintf("%v more", more)
}

// unreadable is how many observations a histogram has whose sum is no number to
// count by.
const unreadable = 7

// metric is the word as a metric of the column's kind.
func (w word) metric(column int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("s")
	m.SetUnit("1")
	if w.name != "" {
		m.SetName(w.name)
	}
	if w.unit != "" {
		m.SetUnit(w.unit)
	}
	label := "x"
	if w.label != "" {
		label = w.label
	}
	temporality := cumulative
	if w.delta {
		temporality = delta
	}
	flags := pmetric.DefaultDataPointFlags.WithNoRecordedValue(w.flagged)
	observations, sum := uint64(unreadable), w.sum
	if v, ok := w.value.(float64); ok && v > 0 && !math.IsInf(v, 0) {
		observations, sum = uint64(min(v, 1<<62)), min(v, 1000)
	}
	if w.summary {
		m.SetEmptySummary().DataPoints().AppendEmpty().SetCount(14)
		return md
	}
	switch column {
	case 0, 1, 2:
		var dps pmetric.NumberDataPointSlice
		if column == 2 {
			dps = m.SetEmptyGauge().DataPoints()
		} else {
			s := m.SetEmptySum()
			s.SetIsMonotonic((column == 0) != w.falling)
			s.SetAggregationTemporality(temporality)
			dps = s.DataPoints()
		}
		dp := dps.AppendEmpty()
		dp.Attributes().PutStr("k", label)
		dp.SetStartTimestamp(ts(after(w.start)))
		dp.SetTimestamp(ts(after(w.time)))
		dp.SetFlags(flags)
		switch v := w.value.(type) {
		case float64:
			dp.SetDoubleValue(v)
		case int64:
			dp.SetIntValue(v)
		}
	case 3:
		h := m.SetEmptyHistogram()
		h.SetAggregationTemporality(temporality)
		dp := h.DataPoints().AppendEmpty()
		dp.Attributes().PutStr("k", label)
		dp.SetStartTimestamp(ts(after(w.start)))
		dp.SetTimestamp(ts(after(w.time)))
		dp.SetFlags(flags)
		dp.ExplicitBounds().FromRaw([]float64{1, 2})
		if w.lame {
			dp.ExplicitBounds().FromRaw([]float64{2, 1})
		}
		dp.BucketCounts().FromRaw([]uint64{0, observations, 0})
		dp.SetCount(observations)
		dp.SetSum(sum)
	case 4:
		h := m.SetEmptyExponentialHistogram()
		h.SetAggregationTemporality(temporality)
		dp := h.DataPoints().AppendEmpty()
		dp.Attributes().PutStr("k", label)
		dp.SetStartTimestamp(ts(after(w.start)))
		dp.SetTimestamp(ts(after(w.time)))
		dp.SetFlags(flags)
		dp.Positive().BucketCounts().FromRaw([]uint64{observations}) // (1, 2]
		dp.SetCount(observations)
		dp.SetSum(sum)
	}
	return md
}

// onlyNumber is that of the only series: a value, or how many observations
// and their sum.
func onlyNumber(md pmetric.Metrics) (value, sum float64) {
	ms := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	for i := range ms.Len() {
		switch m := ms.At(i); m.Type() {
		case pmetric.MetricTypeSum:
			return m.Sum().DataPoints().At(0).DoubleValue(), 0
		case pmetric.MetricTypeGauge:
			return m.Gauge().DataPoints().At(0).DoubleValue(), 0
		case pmetric.MetricTypeHistogram:
			dp := m.Histogram().DataPoints().At(0)
			return float64(dp.Count()), dp.Sum()
		}
	}
	return 0, 0
}
