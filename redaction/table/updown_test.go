package table

import (
	"fmt"
	"math"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

var mayFall = everything + signalText("sum.standing", "sum", `monotonic: false
    value: {min: -100, max: 100, step: 0.5}`)

// What becomes of the points of a sum that may fall: what the live sources last
// said, added up, and deltas on top.
func TestASumThatMayFallIsWhatItsSourcesLastSaid(t *testing.T) {
	of := func(temporality pmetric.AggregationTemporality, points ...point) pmetric.Metrics {
		md := batch("sum.standing", pmetric.MetricTypeSum, temporality, points...)
		md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().SetIsMonotonic(false)
		return md
	}
	p := func(source string, time float64, value any) point {
		return point{start: -60, time: time, value: value, attrs: map[string]any{"extra": source}}
	}
	for _, c := range []struct {
		name    string
		input   []pmetric.Metrics
		want    any
		kept    uint64
		dropped map[Reason]uint64
	}{
		{"a first point counts in full, however old its stream", []pmetric.Metrics{of(cumulative, p("a", 1, 5))}, 5, 1, nil},
		{"the last word counts, up or down", []pmetric.Metrics{of(cumulative, p("a", 1, 5), p("a", 2, 9)), of(cumulative, p("a", 3, 2))}, 2, 3, nil},
		{"sources add up", []pmetric.Metrics{of(cumulative, p("a", 1, 5), p("b", 1, 7)), of(cumulative, p("a", 2, 1))}, 8, 3, nil},
		{"below zero", []pmetric.Metrics{of(cumulative, p("a", 1, -5), p("b", 1, 1.5))}, -3.5, 2, nil},
		{"an older word does not count, nor one said twice", []pmetric.Metrics{of(cumulative, p("a", 5, 5), p("a", 3, 9), p("a", 5, 8))}, 5, 1, map[Reason]uint64{OutOfOrder: 1, Duplicate: 1}},
		{"deltas add to it, down too", []pmetric.Metrics{of(delta, p("a", 1, 5), p("a", 2, -2)), of(cumulative, p("b", 1, 10))}, 13, 3, nil},
		{"a repeated delta does not", []pmetric.Metrics{of(delta, p("a", 1, 5)), of(delta, p("a", 1, 5))}, 5, 1, map[Reason]uint64{Duplicate: 1}},
		{"it is clamped and rounded", []pmetric.Metrics{of(cumulative, p("a", 1, 1e9))}, 100, 1, nil},
		{"no number of parts comes to an infinity", []pmetric.Metrics{of(cumulative, p("a", 1, math.MaxFloat64), p("b", 1, math.MaxFloat64), p("c", 1, -math.MaxFloat64)), of(delta, p("d", 1, -math.MaxFloat64), p("d", 2, -math.MaxFloat64), p("e", 1, 4))}, 0, 6, nil},
		{"not a number", []pmetric.Metrics{of(cumulative, p("a", 1, math.NaN()), p("a", 2, math.Inf(-1)))}, 0, 0, map[Reason]uint64{NotFinite: 2}},
		{"one that only grows is another kind", []pmetric.Metrics{sums("sum.standing", p("a", 1, 5))}, 0, 0, map[Reason]uint64{KindMismatch: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := lay(t, parse(t, mayFall))
			for _, md := range c.input {
				tab.Observe(md)
			}
			wantLines(t, only(report(t, tab, after(61)), "sum.standing"),
				fmt.Sprintf(`sum.standing 1 "{}" sum/Cumulative/false {} 0s..1m0s %v flags=0 extra=0`, c.want))
			wantCounters(t, tab, c.kept, c.dropped)
		})
	}
}

func TestASourceThatIsForgottenTakesItsPartAway(t *testing.T) {
	tab := lay(t, parse(t, mayFall), func(o *Options) { o.Idle = time.Nanosecond })
	md := batch("sum.standing", pmetric.MetricTypeSum, cumulative, point{start: 0, time: 1, value: 5})
	md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().SetIsMonotonic(false)
	tab.Observe(md)
	last := ""
	for i := range minIdleIntervals + 3 {
		last = only(report(t, tab, after(float64(61+60*i))), "sum.standing")[0]
		if i == 0 && last != `sum.standing 1 "{}" sum/Cumulative/false {} 0s..1m0s 5 flags=0 extra=0` {
			t.Fatal(last)
		}
	}
	if want := fmt.Sprintf(`sum.standing 1 "{}" sum/Cumulative/false {} 0s..%s 0 flags=0 extra=0`, time.Duration(minIdleIntervals+3)*time.Minute); last != want {
		t.Errorf("got  %s\nwant %s", last, want)
	}
}
