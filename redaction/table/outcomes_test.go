package table

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Each case is one signal's life: batches, then the value that its only or
// first series has in the report, and what was counted.
func TestWhatBecomesOfAPoint(t *testing.T) {
	const early, fresh = -60, 0.0 // starts before and with the table
	p := func(start, time float64, value any) point { return point{start: start, time: time, value: value} }
	flagged := func(v any) point { return point{start: fresh, time: 3, value: v, flags: 1} }
	plain := func(points ...point) pmetric.Metrics { return sums("sum.plain", points...) }
	deltas := func(points ...point) pmetric.Metrics {
		return batch("sum.plain", pmetric.MetricTypeSum, delta, points...)
	}
	source := func(name string, start, time float64, v any) point {
		return point{start: start, time: time, value: v, attrs: map[string]any{"extra": name}}
	}
	for _, c := range []struct {
		name    string
		input   []pmetric.Metrics
		want    any // a number, or nil: no value
		kept    uint64
		dropped map[Reason]uint64
	}{
		{"a stream that began with the table counts in full", []pmetric.Metrics{plain(p(fresh, 1, 5))}, 5, 1, nil},
		{"one that began before is a baseline", []pmetric.Metrics{plain(p(early, 1, 5))}, 0, 1, nil},
		{"one that does not say when it began, too", []pmetric.Metrics{plain(p(-began.Sub(time.Unix(0, 0)).Seconds(), 1, 5))}, 0, 1, nil},
		{"one that began after its own point, too", []pmetric.Metrics{plain(p(9, 1, 5))}, 0, 1, nil},
		{"increments follow a baseline", []pmetric.Metrics{plain(p(early, 1, 5)), plain(p(early, 2, 7), p(early, 3, 8))}, 3, 3, nil},
		{"a value that drops is a reset", []pmetric.Metrics{plain(p(early, 1, 50), p(early, 2, 4))}, 4, 2, nil},
		{"a start after the last point is a reset although the value grew", []pmetric.Metrics{plain(p(early, 1, 5), p(2, 3, 7))}, 7, 2, nil},
		{"a start that wanders before the last point is none", []pmetric.Metrics{plain(p(early, 1, 5), p(early+1, 3, 7))}, 2, 2, nil},
		{"an older point does not count", []pmetric.Metrics{plain(p(early, 5, 5), p(early, 3, 9), p(early, 6, 6))}, 1, 2, map[Reason]uint64{OutOfOrder: 1}},
		{"nor does a repeated one", []pmetric.Metrics{plain(p(fresh, 5, 5)), plain(p(fresh, 5, 5))}, 5, 1, map[Reason]uint64{Duplicate: 1}},
		{"sources add up, each with its own baseline", []pmetric.Metrics{plain(source("a", early, 1, 100), source("b", fresh, 1, 3)), plain(source("a", early, 2, 101), source("b", fresh, 2, 5))}, 6, 4, nil},
		{"deltas add up", []pmetric.Metrics{deltas(p(early, 1, 5), p(1, 2, 2.5))}, 7.5, 2, nil},
		{"a repeated delta does not", []pmetric.Metrics{deltas(p(early, 1, 5)), deltas(p(early, 1, 5))}, 5, 1, map[Reason]uint64{Duplicate: 1}},
		{"delta and cumulative are two sources", []pmetric.Metrics{deltas(p(early, 1, 5)), plain(p(fresh, 1, 2))}, 7, 2, nil},
		{"not a number", []pmetric.Metrics{plain(p(fresh, 1, math.NaN()), p(fresh, 2, math.Inf(1)), p(fresh, 3, math.Inf(-1)))}, 0, 0, map[Reason]uint64{NotFinite: 3}},
		{"a minus before zero is nothing", []pmetric.Metrics{plain(p(fresh, 1, math.Copysign(0, -1)), p(fresh, 2, 1.5))}, 1.5, 2, nil},
		{"below zero", []pmetric.Metrics{plain(p(fresh, 1, -1), p(fresh, 2, -0.5)), deltas(p(fresh, 1, -3))}, 0, 0, map[Reason]uint64{Negative: 3}},
		{"no recorded value, and none at all", []pmetric.Metrics{plain(flagged(4), flagged(nil), p(fresh, 1, nil))}, 0, 0, map[Reason]uint64{NoValue: 3}},
		{"an int becomes a double", []pmetric.Metrics{plain(p(early, 1, 5), p(early, 2, 6.5))}, 1.5, 2, nil},
		{"large ints are exact", []pmetric.Metrics{plain(p(early, 1, math.MaxInt64-3), p(early, 2, math.MaxInt64-1))}, 2, 2, nil},
		{"an int that overflows is negative, and later a reset", []pmetric.Metrics{plain(p(early, 1, math.MaxInt64), p(early, 2, math.MinInt64), p(early, 3, 4))}, 4, 2, map[Reason]uint64{Negative: 1}},
		{"sums saturate", []pmetric.Metrics{deltas(p(early, 1, math.MaxFloat64), p(early, 2, math.MaxFloat64), p(early, 3, math.MaxInt64))}, 1e6, 3, nil},
		{"values are rounded to the step once", []pmetric.Metrics{deltas(p(early, 1, 0.2), p(early, 2, 0.2))}, 0.5, 2, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := lay(t, parse(t, everything))
			for _, md := range c.input {
				tab.Observe(md)
			}
			wantLines(t, only(report(t, tab, after(61)), "sum.plain"),
				fmt.Sprintf(`sum.plain 1 "{}" sum/Cumulative/true {} 0s..1m0s %v flags=0 extra=0`, c.want))
			wantCounters(t, tab, c.kept, c.dropped)
		})
	}
}

func wantCounters(t *testing.T, tab *Table, kept uint64, dropped map[Reason]uint64) {
	t.Helper()
	want := Counters{Observed: kept, Kept: kept}
	for r, n := range dropped {
		want.Dropped[r] = n
		want.Observed += n
	}
	if got := tab.Counters(); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
}

func TestAMetricOfAnotherKindOrUnitIsRefused(t *testing.T) {
	tab := lay(t, parse(t, everything))
	one := point{start: 0, time: 1, value: 3}
	nonMonotonic, unspecified, otherUnit := sums("sum.plain", one), sums("sum.plain", one), sums("sum.plain", one)
	first := func(md pmetric.Metrics) pmetric.Metric {
		return md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
	}
	first(nonMonotonic).Sum().SetIsMonotonic(false)
	first(unspecified).Sum().SetAggregationTemporality(pmetric.AggregationTemporalityUnspecified)
	first(otherUnit).SetUnit("s")
	exponential, summary := sums("histogram.counts"), sums("sum.plain")
	first(exponential).SetEmptyExponentialHistogram().DataPoints().AppendEmpty().SetCount(4)
	first(summary).SetEmptySummary().DataPoints().AppendEmpty().SetCount(4)
	for _, md := range []pmetric.Metrics{nonMonotonic, unspecified, otherUnit, exponential, summary, gauges("sum.plain", one), sums("gauge.last", one), sums("stranger", one)} {
		tab.Observe(md)
	}
	wantCounters(t, tab, 0, map[Reason]uint64{KindMismatch: 6, UnitMismatch: 1, NotAllowed: 1})
}

func TestAttributesComeFromThePointThenTheResource(t *testing.T) {
	tab := lay(t, parse(t, everything))
	at := func(resource, own map[string]any) {
		md := batch("sum.attributes", pmetric.MetricTypeSum, delta, point{start: 0, time: 1, value: 1, attrs: own})
		if err := md.ResourceMetrics().At(0).Resource().Attributes().FromRaw(resource); err != nil {
			t.Fatal(err)
		}
		tab.Observe(md)
	}
	at(map[string]any{"k": "x", "b": true}, nil)                                // both from the resource
	at(map[string]any{"k": "x", "b": true}, map[string]any{"b": false})         // one overridden
	at(map[string]any{"k": "x", "b": true}, map[string]any{"b": "true"})        // a string is no bool: otherwise
	at(map[string]any{"k": "x"}, map[string]any{"k": "elsewhere", "b": true})   // out of its enum: drop, no way back
	at(nil, map[string]any{"b": true})                                          // k is missing: drop
	at(nil, map[string]any{"k": "y"})                                           // b is missing: otherwise
	at(nil, map[string]any{"k": []any{"y"}})                                    // a list is no string: drop
	at(map[string]any{"k": "y", "b": nil}, map[string]any{"b": 1, "K": "high"}) // keys are exact
	wantCounters(t, tab, 5, map[Reason]uint64{Attribute: 3})
	got := only(report(t, tab, after(61)), "sum.attributes")
	want := map[string]string{"b=false(Bool),k=x": "1", "b=false(Bool),k=y": "0", "b=other(Str),k=x": "1", "b=other(Str),k=y": "2", "b=true(Bool),k=x": "1", "b=true(Bool),k=y": "0"}
	for key, value := range want {
		line := fmt.Sprintf(`sum.attributes 1 "{}" sum/Cumulative/true {%s(Str)} 0s..1m0s %s flags=0 extra=0`, key, value)
		if !strings.Contains(strings.Join(got, "\n")+"\n", line+"\n") {
			t.Errorf("no line %s in\n%s", line, strings.Join(got, "\n"))
		}
	}
}

// Two copies of a key can only come over the wire.
func TestOfTwoCopiesOfAKeyTheFirstCounts(t *testing.T) {
	tab := lay(t, parse(t, everything))
	md := batch("sum.attributes", pmetric.MetricTypeSum, delta, point{start: 0, time: 1, value: 1})
	attrs := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0).Attributes()
	attrs.PutStr("k", "x")
	attrs.PutStr("kkkkkk", "yyyyyy") // becomes k=y below
	raw, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	if err != nil {
		t.Fatal(err)
	}
	long, short := "\x12\x08\x0a\x06yyyyyy\x0a\x06kkkkkk", "\x12\x03\x0a\x01y\x0a\x01k\x7a\x08........" // field 15 is unknown
	if len(long) != len(short) || strings.Count(string(raw), long) != 1 {
		t.Fatalf("the encoding is not what this test takes it for: %q", raw)
	}
	md, err = (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics([]byte(strings.Replace(string(raw), long, short, 1)))
	if err != nil {
		t.Fatal(err)
	}
	attrs = md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0).Attributes()
	if got := attributesLine(attrs); got != "{k=x(Str),k=y(Str)}" {
		t.Fatalf("the input has %s", got)
	}
	tab.Observe(md)
	if got := only(report(t, tab, after(61)), "sum.attributes"); !strings.Contains(got[2], "k=x(Str)} 0s..1m0s 1 ") {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
}

func TestGaugesMergeOverOneInterval(t *testing.T) {
	tab := lay(t, parse(t, everything))
	value := func(merge string) string {
		fields := strings.Fields(only(report(t, tab, after(61)), "gauge."+merge)[0]) // k=other
		return strings.Join(fields[len(fields)-3:len(fields)-1], " ")
	}
	for merge, want := range map[string]string{"last": "4 flags=0", "min": "-2 flags=0", "max": "6 flags=0", "sum": "4.5 flags=0", "mean": "2.25 flags=0"} {
		tab.Observe(gauges("gauge."+merge,
			point{time: 1, value: -2, attrs: map[string]any{"source": "a"}},
			point{time: 5, value: 4, attrs: map[string]any{"source": "a"}},
			point{time: 3, value: 6, attrs: map[string]any{"source": "b"}},
			point{time: 4, value: 0.5, attrs: map[string]any{"source": "b"}}))
		if got := value(merge); got != want {
			t.Errorf("%s is %s, want %s", merge, got, want)
		}
		if got := value(merge); got != "Empty flags=1" {
			t.Errorf("%s of an interval without points is %s", merge, got)
		}
	}
}

func TestHistogramsAreRebucketedByUpperBounds(t *testing.T) {
	for _, c := range []struct {
		name   string
		bounds []float64
		counts []uint64
		want   string // on 1, 2, 5
	}{
		{"the same bounds", []float64{1, 2, 5}, []uint64{1, 2, 3, 4}, "[1 2 3 4]"},
		{"finer ones", []float64{0.5, 1, 1.5, 2, 4}, []uint64{1, 1, 1, 1, 1, 1}, "[2 2 1 1]"},
		{"bounds in between go up", []float64{0.9, 1.1, 4.9, 5.1}, []uint64{1, 1, 1, 1, 1}, "[1 1 1 2]"},
		{"coarser ones go up", []float64{5}, []uint64{7, 2}, "[0 0 7 2]"},
		{"none", nil, []uint64{9}, "[0 0 0 9]"},
		{"infinite ones", []float64{math.Inf(-1), 2, math.Inf(1)}, []uint64{1, 2, 3, 4}, "[1 2 0 7]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := lay(t, parse(t, everything))
			md := sums("histogram.sum")
			h := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).SetEmptyHistogram()
			h.SetAggregationTemporality(delta)
			dp := h.DataPoints().AppendEmpty()
			dp.Attributes().PutInt("n", 10)
			dp.ExplicitBounds().FromRaw(c.bounds)
			dp.BucketCounts().FromRaw(c.counts)
			dp.SetSum(3.14159)
			tab.Observe(md)
			line := only(report(t, tab, after(61)), "histogram.sum")[0]
			if !strings.Contains(line, "[1 2 5] "+c.want+" ") || !strings.Contains(line, "sum=3.1 ") {
				t.Errorf("got %s, want %s", line, c.want)
			}
		})
	}
}

func TestMemoryForSourcesIsBounded(t *testing.T) {
	tab := lay(t, parse(t, everything), func(o *Options) { o.MaxSources = 10 })
	for i := range 1000 {
		tab.Observe(sums("sum.plain", point{start: 0, time: 1, value: 1, attrs: map[string]any{"id": i}}))
		tab.Observe(batch("sum.plain", pmetric.MetricTypeSum, delta, point{start: 0, time: 1, value: 1, attrs: map[string]any{"id": i}}))
		tab.Observe(gauges("gauge.mean", point{time: 1, value: 1, attrs: map[string]any{"id": i}}))
	}
	held := 0
	for _, s := range tab.signals {
		held += len(s.sources.list)
	}
	c := tab.Counters()
	if held != 10 || c.Dropped[SourceLimit] < 1980 || c.Kept+c.Dropped[SourceLimit] != 3000 {
		t.Errorf("%d sources are held, %+v", held, c)
	}
	for i := range int(tab.idle) + 1 {
		report(t, tab, after(60*float64(i+1)))
	}
	if used := tab.sources.used.Load(); used != 0 {
		t.Errorf("%d sources are held after all were idle", used)
	}
}

func TestASourceThatComesBackAfterItsExpiryIsNotCountedTwice(t *testing.T) {
	tab := lay(t, parse(t, everything), func(o *Options) { o.Idle = time.Minute })
	tab.Observe(sums("sum.plain", point{start: 1, time: 2, value: 5}))
	now := 60.0
	for range minIdleIntervals + 1 {
		report(t, tab, after(now))
		now += 60
	}
	tab.Observe(sums("sum.plain", point{start: 1, time: now, value: 7}, point{start: 1, time: now + 1, value: 8}))
	tab.Observe(sums("sum.plain", point{start: now, time: now + 1, value: 100, attrs: map[string]any{"new": true}}))
	line := only(report(t, tab, after(now)), "sum.plain")[0]
	if !strings.Contains(line, fmt.Sprintf(" %v flags", 5+1+100)) {
		t.Errorf("got %s", line)
	}
}

func TestADictionaryIsBoundedAndKeepsItsSeries(t *testing.T) {
	tab := lay(t, parse(t, everything))
	version := func(v any) {
		tab.Observe(batch("sum.versions", pmetric.MetricTypeSum, delta, point{start: 0, time: 1, value: 1, attrs: map[string]any{"v": v, "k": "x"}}))
	}
	for i := range 50 {
		version(fmt.Sprintf("2.0.%d", i))
		version(fmt.Sprintf("no version %d", i))
	}
	version("2.0.0")
	got := only(report(t, tab, after(61)), "sum.versions")
	wantLines(t, got,
		`sum.versions 1 "{}" sum/Cumulative/true {k=x(Str),v=2.0.0(Str)} 0s..1m0s 1 flags=0 extra=0`,
		`sum.versions 1 "{}" sum/Cumulative/true {k=x(Str),v=2.0.1(Str)} 0s..1m0s 1 flags=0 extra=0`,
		`sum.versions 1 "{}" sum/Cumulative/true {k=x(Str),v=none(Str)} 0s..1m0s 50 flags=0 extra=0`)
	if c := tab.Counters(); c.Dropped[SeriesLimit] != 48 {
		t.Errorf("%+v", c)
	}
	if s := tab.signals[len(tab.signals)-1]; len(s.dict.byKey) > 2*s.dict.limit || len(s.dict.byTexts) != 3 {
		t.Errorf("the dictionary has %d keys and %d series", len(s.dict.byKey), len(s.dict.byTexts))
	}
}

func TestAnExpiredSignalIsAsIfAbsent(t *testing.T) {
	tab := lay(t, parse(t, everything))
	last := time.Date(2027, 1, 1, 23, 59, 59, 0, time.UTC)
	if got := only(report(t, tab, last), "sum.expiring"); len(got) != 1 {
		t.Errorf("on its last day: %v", got)
	}
	if got := only(report(t, tab, last.Add(time.Second)), "sum.expiring"); len(got) != 0 {
		t.Errorf("the day after: %v", got)
	}
	tab.Observe(sums("sum.expiring", point{start: 0, time: 1, value: 1}))
	wantCounters(t, tab, 0, map[Reason]uint64{ExpiredSignal: 1})
}

func TestATableNeedsItsIdentityAndItsStart(t *testing.T) {
	p := parse(t, everything)
	for name, identity := range map[string]map[string]string{
		"none":          nil,
		"out of domain": {"weir.install.id": install["weir.install.id"], "service.version": "0.1.0", "tier": "secret"},
		"no version":    {"weir.install.id": install["weir.install.id"], "tier": "test"},
	} {
		_, err := New(p, Options{Key: make([]byte, 32), Identity: identity, Start: began})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(p, Options{Key: make([]byte, 32), Identity: install}); err == nil {
		t.Error("a table was laid out without a start")
	}
	tab := lay(t, p)
	if _, err := tab.Report(began.Add(-time.Second)); err == nil {
		t.Error("a report ends before its table began")
	}
}
