package policies

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
	"github.com/weir-telemetry/weir/vitals"
)

const vitalsOnly = `version: 1
product: shop
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 60s
identity: {weir.install.id: {type: uuid}}
include: [vitals@1]
signals: []
`

// The set is written by hand and vitals is code: every metric that vitals emits
// is in the set, with its kind, unit and attributes.
func TestTheVitalsSetTakesAllThatVitalsSays(t *testing.T) {
	p, err := policy.Parse("p", []byte(vitalsOnly))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	v := vitals.New(vitals.Options{Start: start})
	at := start.Add(time.Minute)
	stamp := pcommon.NewTimestampFromTime(at)

	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "cart")
	rl.Resource().Attributes().PutStr("service.version", "1.2.3")
	rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().SetTimestamp(stamp)
	v.Logs(logs, at)
	traces := ptrace.NewTraces()
	rs := traces.ResourceSpans().AppendEmpty()
	rl.Resource().CopyTo(rs.Resource())
	span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetKind(ptrace.SpanKindServer)
	span.SetStartTimestamp(stamp - 1e8)
	span.SetEndTimestamp(stamp)
	span.Attributes().PutInt("http.response.status_code", 200)
	v.Traces(traces, at)
	v.Beat()

	said := v.Metrics(at)
	tb, err := table.New(p, table.Options{Key: make([]byte, 32), Start: start, Identity: map[string]string{"weir.install.id": "00000000-0000-4000-8000-000000000001"}})
	if err != nil {
		t.Fatal(err)
	}
	tb.Observe(said)
	c := tb.Counters()
	for _, r := range table.Reasons() {
		if c.Dropped[r] > 0 {
			t.Errorf("%d points are dropped: %s", c.Dropped[r], r)
		}
	}
	names := map[string]bool{}
	ms := said.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	for i := range ms.Len() {
		names[ms.At(i).Name()] = true
	}
	for _, s := range p.Signals {
		if !names[s.Name] {
			t.Errorf("vitals does not say %s", s.Name)
		}
	}
	if len(names) != len(p.Signals) || c.Kept == 0 {
		t.Errorf("vitals says %d metrics, the set has %d", len(names), len(p.Signals))
	}
}
