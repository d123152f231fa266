package vitals_test

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/vitals"
)

// A rate is over two points. Without a zero at its start, what a series counts
// first is in none.
func TestEverySeriesThatCountsBeginsWithAZeroAndSaysItOnce(t *testing.T) {
	v := vitals.New(vitals.Options{Start: epoch})
	v.Metrics(epoch.Add(time.Second))
	v.Logs(sampleLogs(24), epoch.Add(2*time.Second))
	v.Traces(sampleTraces(50), epoch.Add(2*time.Second))
	v.Logs(logs(t, `{"resource":{"service.name":"checkout","service.version":"2"}}`), epoch.Add(2*time.Second))
	type sum struct {
		points      int
		first, last float64
		starts      []time.Duration
	}
	say := func(after time.Duration) map[string]*sum {
		all := map[string]*sum{}
		add := func(m pmetric.Metric, attrs pcommon.Map, start, at pcommon.Timestamp, f float64) {
			key := m.Name()
			for _, k := range attributes {
				if a, ok := attrs.Get(k); ok {
					key += " " + a.Str()
				}
			}
			s := all[key]
			if s == nil {
				s = &sum{first: f}
				all[key] = s
			}
			s.points++
			s.last = f
			s.starts = append(s.starts, start.AsTime().Sub(epoch), at.AsTime().Sub(epoch))
		}
		for _, m := range v.Metrics(epoch.Add(after)).ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
			switch m.Type() {
			case pmetric.MetricTypeSum:
				for _, p := range m.Sum().DataPoints().All() {
					add(m, p.Attributes(), p.StartTimestamp(), p.Timestamp(), float64(p.IntValue()))
				}
			case pmetric.MetricTypeExponentialHistogram:
				for _, p := range m.ExponentialHistogram().DataPoints().All() {
					add(m, p.Attributes(), p.StartTimestamp(), p.Timestamp(), float64(p.Count()))
				}
			}
		}
		delete(all, "weir.heartbeat")
		return all
	}
	counting := 0
	for key, s := range say(5 * time.Second) {
		if s.last == 0 {
			if s.points != 1 {
				t.Errorf("%s has a zero before its zero", key)
			}
			continue
		}
		counting++
		if s.points != 2 || s.first != 0 {
			t.Errorf("%s begins with %g in %d points", key, s.first, s.points)
			continue
		}
		for i, want := range []time.Duration{1, 1, 1, 5} {
			if s.starts[i] != want*time.Second {
				t.Errorf("%s starts and is at %v", key, s.starts)
				break
			}
		}
	}
	if counting < 12 {
		t.Errorf("only %d series count", counting)
	}
	for key, s := range say(6 * time.Second) {
		if s.points != 1 {
			t.Errorf("%s: %d points later", key, s.points)
		}
	}
}
