package policies

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
	"github.com/weir-telemetry/weir/vitals"
)

// A service that measures its requests sends them for the first time a minute
// after it began, all of them; its spans come at once. Whichever way Weir first
// hears of it, each request is in the reports once.
func TestARequestIsReportedOnceWhoeverMeasuresIt(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		ownAfter, ownUntil time.Duration // 0: never
		served             time.Duration // one request a second
		want               uint64
	}{
		"spans alone":            {0, 0, 5 * time.Minute, 300},
		"its own, a minute late": {time.Minute, time.Hour, 5 * time.Minute, 300},
		// It takes ten minutes to be believed, which are in no report.
		"its own stops, and it goes on": {time.Minute, 5 * time.Minute, 20 * time.Minute, 1200 - 600},
		// Later than it has time for: what was derived until then is counted.
		"its own, two minutes late": {2 * time.Minute, time.Hour, 5 * time.Minute, 300 + 115},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := policy.Parse("p", []byte(vitalsOnly))
			if err != nil {
				t.Fatal(err)
			}
			tb, err := table.New(p, table.Options{Key: make([]byte, 32), Start: start, Identity: map[string]string{"weir.install.id": "00000000-0000-4000-8000-000000000001"}})
			if err != nil {
				t.Fatal(err)
			}
			v := vitals.New(vitals.Options{Start: start, OwnWithin: vitals.DefaultOwnWithin})
			served := 0
			for after := time.Second; after <= 30*time.Minute; after += time.Second {
				at := start.Add(after)
				if after <= c.served {
					served++
					v.Traces(oneRequest(at), at)
				}
				if c.ownAfter > 0 && after >= c.ownAfter && after <= c.ownUntil && after%time.Minute == 0 {
					own := ownDurations(start, at, served)
					v.OwnMetrics(own, at)
					tb.Observe(own)
				}
				if after%(5*time.Second) == 0 {
					tb.Observe(v.Metrics(at))
				}
			}
			md, err := tb.Report(start.Add(31 * time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			if n := reported(md, "http.server.request.duration"); n != c.want {
				t.Errorf("%d requests are reported, %d were served; want %d", n, served, c.want)
			}
		})
	}
}

func oneRequest(at time.Time) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "cart")
	span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetKind(ptrace.SpanKindServer)
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(at.Add(-time.Millisecond)))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(at))
	span.Attributes().PutStr("http.request.method", "GET")
	return td
}

// ownDurations is what OpenTelemetry's libraries send: all since the start.
func ownDurations(start, at time.Time, served int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "cart")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("http.server.request.duration")
	m.SetUnit("s")
	h := m.SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := h.DataPoints().AppendEmpty()
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	p.SetTimestamp(pcommon.NewTimestampFromTime(at))
	p.Attributes().PutStr("http.request.method", "GET")
	p.ExplicitBounds().FromRaw([]float64{0.005, 10})
	p.BucketCounts().FromRaw([]uint64{uint64(served), 0, 0})
	p.SetCount(uint64(served))
	p.SetSum(float64(served) * 0.001)
	return md
}

func reported(md pmetric.Metrics, name string) (n uint64) {
	for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == name {
			for _, p := range m.Histogram().DataPoints().All() {
				n += p.Count()
			}
		}
	}
	return n
}
