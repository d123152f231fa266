package table

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// mixed holds points of every signal and some strangers, values and keys of
// every type.
func mixed() pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("host.name", "h")
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("s")
	sm.Scope().Attributes().PutInt("n", 1)
	fill := func(m pcommon.Map, i int) {
		m.PutStr("k", []string{"x", "y", "z"}[i%3])
		m.PutBool("b", i%2 == 0)
		m.PutInt("n", int64(9+i%4))
		m.PutStr("v", []string{"1.2.3", "no version", "2.0.0"}[i%3])
		m.PutStr("who", "ada")
		m.PutDouble("double", 1.5)
		m.PutEmptyBytes("bytes").FromRaw([]byte("bytes"))
		m.PutEmptySlice("slice").AppendEmpty().SetStr("s")
		m.PutEmptyMap("map").PutStr("k", "v")
		m.PutEmpty("empty")
	}
	for _, name := range []string{"sum.attributes", "sum.plain", "sum.versions", "sum.people", "gauge.last", "gauge.mean", "gauge.max", "histogram.sum", "stranger"} {
		m := sm.Metrics().AppendEmpty()
		m.SetName(name)
		m.SetUnit("1")
		kind, _, _ := strings.Cut(name, ".")
		for i := range 40 {
			at := ts(after(float64(i)))
			switch kind {
			case "gauge":
				if i == 0 {
					m.SetEmptyGauge()
				}
				dp := m.Gauge().DataPoints().AppendEmpty()
				fill(dp.Attributes(), i)
				dp.SetTimestamp(at)
				dp.SetDoubleValue(float64(i))
			case "histogram":
				if i == 0 {
					m.SetEmptyHistogram().SetAggregationTemporality(cumulative)
				}
				dp := m.Histogram().DataPoints().AppendEmpty()
				fill(dp.Attributes(), i)
				dp.SetTimestamp(at)
				dp.SetStartTimestamp(ts(began))
				dp.ExplicitBounds().FromRaw([]float64{1, 3})
				dp.BucketCounts().FromRaw([]uint64{uint64(i), 1, 1})
				dp.SetSum(float64(i))
			default:
				if i == 0 {
					m.SetEmptySum().SetIsMonotonic(true)
					m.Sum().SetAggregationTemporality(cumulative)
				}
				dp := m.Sum().DataPoints().AppendEmpty()
				fill(dp.Attributes(), i)
				dp.SetTimestamp(at)
				dp.SetStartTimestamp(ts(began))
				dp.SetIntValue(int64(i))
			}
		}
	}
	return md
}

func TestObservingAllocatesNothingOnceSourcesAreKnown(t *testing.T) {
	tab, md := lay(t, parse(t, everything)), mixed()
	tab.Observe(md)
	if n := testing.AllocsPerRun(100, func() { tab.Observe(md) }); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
	if c := tab.Counters(); c.Kept < 200 || c.Dropped[NotAllowed] == 0 || c.Dropped[Attribute] == 0 {
		t.Errorf("the batch exercises too little: %+v", c)
	}
}

func TestObservingChangesNothingAndKeepsNoMemory(t *testing.T) {
	tab, md := lay(t, parse(t, everything)), mixed()
	md.MarkReadOnly() // a write would panic
	before, _ := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	tab.Observe(md)
	after1, _ := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	if !bytes.Equal(before, after1) {
		t.Error("the input was changed")
	}
}

func TestObserversAndReportsAtOnce(t *testing.T) {
	tab := lay(t, parse(t, everything), func(o *Options) { o.Idle = 1e6 * time.Hour }) // reports come by the thousand here
	var observers, reporter sync.WaitGroup
	stop := make(chan struct{})
	reporter.Go(func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := tab.Report(after(float64(60 * i))); err != nil {
				t.Error(err)
			}
			tab.Counters()
		}
	})
	const writers, rounds = 4, 50
	for w := range writers {
		observers.Go(func() {
			for i := range rounds {
				tab.Observe(batch("sum.plain", pmetric.MetricTypeSum, delta, point{start: 0, time: float64(i + 1), value: 1, attrs: map[string]any{"writer": w}}))
				tab.Observe(batch("sum.versions", pmetric.MetricTypeSum, delta, point{start: 0, time: float64(i + 1), value: 1, attrs: map[string]any{"v": fmt.Sprintf("%d.0.0", w), "k": "x"}}))
				tab.Observe(mixed())
			}
		})
	}
	observers.Wait()
	close(stop)
	reporter.Wait()
	// mixed brings the same points again and again, which add up once: to the
	// last value, 28 to 39, of each of twelve sources.
	const once = (28 + 39) * 12 / 2
	line := only(report(t, tab, after(60*1e6)), "sum.plain")[0]
	if !strings.Contains(line, fmt.Sprintf(" %v flags", writers*rounds+once)) {
		t.Errorf("increments were lost or doubled: %s", line)
	}
}
