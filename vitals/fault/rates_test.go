package fault

import (
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// emission is what vitals says: totals by service, and calls to others that do
// not count.
func emission(totals map[string][2]int64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	sm := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	for which, name := range []string{"weir.service.requests", "weir.service.errors"} {
		m := sm.Metrics().AppendEmpty()
		m.SetName(name)
		points := m.SetEmptySum().DataPoints()
		for service, n := range totals {
			for i, kind := range []string{"server", "consumer", "client"} {
				p := points.AppendEmpty()
				p.Attributes().PutStr("service.name", service)
				p.Attributes().PutStr("span.kind", kind)
				p.SetIntValue([]int64{n[which], 0, 1_000_000}[i])
			}
		}
	}
	return md
}

func TestRates(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	r := &Rates{}
	requests, errors := int64(0), int64(0)
	step := func(after time.Duration, more, fail int64) []Service {
		at, requests, errors = at.Add(after), requests+more, errors+fail
		r.Observe(emission(map[string][2]int64{"cart": {requests, errors}, "quiet": {0, 0}}), at)
		return r.Failing()
	}
	if f := step(0, 100, 4); len(f) != 0 {
		t.Errorf("4 of 100 is failing: %+v", f)
	}
	if f := step(0, 0, 1); len(f) != 1 || f[0].Name != "cart" || f[0].Requests != 100 || f[0].Errors != 5 {
		t.Errorf("5 of 100 is not: %+v", f)
	}
	if f := step(time.Minute, 0, 0); len(f) != 1 || f[0].Requests != 50 {
		t.Errorf("a minute later: %+v", f)
	}
	if f := step(90*time.Second, 0, 0); len(f) != 0 {
		t.Errorf("what is left of 100 after 2.5 minutes is still judged: %+v", f)
	}
	if f := step(time.Second, 19, 19); len(f) != 1 {
		t.Errorf("with what is left, 19 of 19 are too few: %+v", f)
	}
	for range 60 {
		step(5*time.Second, 10, 0)
	}
	if f := r.Failing(); len(f) != 0 {
		t.Errorf("five good minutes later: %+v", f)
	}
	// The connector began anew.
	requests, errors = 0, 0
	if f := step(time.Second, 30, 30); len(f) != 1 || f[0].Errors > f[0].Requests {
		t.Errorf("after a restart: %+v", f)
	}
	if f := step(-time.Hour, 0, 0); len(f) != 1 {
		t.Errorf("a clock that went back: %+v", f)
	}
}

func TestAServiceThatIsEmittedNoMoreIsForgotten(t *testing.T) {
	r := &Rates{}
	for i := range 100 {
		r.Observe(emission(map[string][2]int64{fmt.Sprint("s", i): {100, 100}}), time.Unix(int64(i), 0))
		if len(r.services) != 1 || len(r.Failing()) != 1 {
			t.Fatalf("%d services are remembered", len(r.services))
		}
	}
}
