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
include: [vitals@2]
signals: []
`

// staysHome are the metrics that the set leaves out on purpose.
var staysHome = map[string]bool{
	"weir.service.version.first_seen":     true, // the fleet sees versions come and go
	"weir.service.version.last_seen":      true,
	"weir.service.deploys":                true,
	"http.client.request.duration":        true, // whom a product calls is the customer's
	"rpc.client.call.duration":            true,
	"db.client.operation.duration":        true,
	"messaging.client.operation.duration": true,
}

// spans are one of each that vitals has a metric for.
var spans = []struct {
	kind ptrace.SpanKind
	key  string
}{
	{ptrace.SpanKindServer, "http.request.method"}, {ptrace.SpanKindClient, "http.request.method"},
	{ptrace.SpanKindServer, "rpc.system.name"}, {ptrace.SpanKindClient, "rpc.system.name"},
	{ptrace.SpanKindConsumer, "messaging.system"}, {ptrace.SpanKindProducer, "messaging.system"},
	{ptrace.SpanKindClient, "db.system.name"}, {ptrace.SpanKindServer, "unknown"},
}

// The set is written by hand and vitals is code: every metric that vitals emits
// is in the set, with its kind, unit and attributes, or is left out on purpose.
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
	list := rs.ScopeSpans().AppendEmpty().Spans()
	for _, of := range spans {
		span := list.AppendEmpty()
		span.SetKind(of.kind)
		span.SetStartTimestamp(stamp - 1e8)
		span.SetEndTimestamp(stamp)
		span.Attributes().PutStr(of.key, "GET")
	}
	v.Traces(traces, at)
	v.Beat()

	said := v.Metrics(at)
	tb, err := table.New(p, table.Options{Key: make([]byte, 32), Start: start, Identity: map[string]string{"weir.install.id": "00000000-0000-4000-8000-000000000001"}})
	if err != nil {
		t.Fatal(err)
	}
	tb.Observe(said)
	c := tb.Counters()
	names := map[string]bool{}
	ms := said.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	for i := range ms.Len() {
		names[ms.At(i).Name()] = true
	}
	for _, r := range table.Reasons() {
		if c.Dropped[r] > 0 && r != table.NotAllowed {
			t.Errorf("%d points are dropped: %s", c.Dropped[r], r)
		}
	}
	for _, s := range p.Signals {
		if !names[s.Name] || staysHome[s.Name] {
			t.Errorf("the set has %s: vitals says it: %v, and it is left out: %v", s.Name, names[s.Name], staysHome[s.Name])
		}
	}
	for name := range staysHome {
		if !names[name] {
			t.Errorf("%s is left out, and vitals does not say it", name)
		}
	}
	if len(names) != len(p.Signals)+len(staysHome) || c.Kept == 0 {
		t.Errorf("vitals says %d metrics, the set has %d and leaves out %d", len(names), len(p.Signals), len(staysHome))
	}
}
