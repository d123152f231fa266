package table

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// When a source is forgotten the others move up in memory, each with what is
// remembered of its buckets.
func TestAnExpiryLeavesTheOtherSourcesAsTheyWere(t *testing.T) {
	tab := lay(t, parse(t, everything), func(o *Options) { o.Idle = time.Minute })
	histogram := func(id string, at float64, counts ...uint64) {
		md := sums("histogram.counts")
		h := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).SetEmptyHistogram()
		h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		dp := h.DataPoints().AppendEmpty()
		dp.Attributes().PutStr("id", id)
		dp.SetStartTimestamp(ts(after(0)))
		dp.SetTimestamp(ts(after(at)))
		dp.ExplicitBounds().FromRaw([]float64{0})
		dp.BucketCounts().FromRaw(counts)
		tab.Observe(md)
	}
	histogram("idle", 1, 7, 7)
	histogram("busy", 1, 10, 20)
	histogram("late", 1, 100, 200)
	now := 1.0
	for i := range uint64(minIdleIntervals + 2) {
		now += 60
		histogram("busy", now, 11+i, 20)
		if i%2 == 0 {
			histogram("late", now, 100, 201+i)
		}
		report(t, tab, after(now))
	}
	if n := len(tab.signals[5].sources.list); tab.signals[5].name != "histogram.counts" || n != 2 {
		t.Fatalf("%s holds %d sources", tab.signals[5].name, n)
	}
	histogram("busy", now+1, 50, 20)
	histogram("late", now+1, 100, 300)
	line := only(report(t, tab, after(now+60)), "histogram.counts")[0]
	if want := fmt.Sprintf("[%d %d]", 7+50+100, 7+20+300); !strings.Contains(line, want) {
		t.Errorf("got %s, want %s", line, want)
	}
}
