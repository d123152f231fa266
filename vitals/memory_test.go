package vitals_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/weir-telemetry/weir/vitals"
)

// The figure that docs/vitals.md states: with every default bound met, by the
// longest names, as the memory of the process has it.
func TestAFloodOfNamesStaysWithinItsMemory(t *testing.T) {
	const most = 64 << 20
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	long := func(i int) string { return fmt.Sprintf("%06d%s", i, strings.Repeat("x", 200)) }
	before := heap()
	v := vitals.New(vitals.Options{Start: epoch})
	for s := range vitals.DefaultMaxServices + 50 {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", long(s))
		rs.Resource().Attributes().PutStr("service.version", long(s))
		list := rs.ScopeSpans().AppendEmpty().Spans()
		for i := range vitals.DefaultMaxRoutes + 10 {
			for _, of := range []struct {
				kind  ptrace.SpanKind
				key   string
				route string
			}{
				{ptrace.SpanKindServer, "http.request.method", "http.route"}, {ptrace.SpanKindClient, "http.request.method", "-"},
				{ptrace.SpanKindServer, "rpc.system.name", "rpc.method"}, {ptrace.SpanKindClient, "rpc.system.name", "rpc.method"},
				{ptrace.SpanKindConsumer, "messaging.system", "messaging.destination.name"},
				{ptrace.SpanKindProducer, "messaging.system", "messaging.destination.name"},
				{ptrace.SpanKindClient, "db.system.name", "-"}, {ptrace.SpanKindServer, "-", "-"}, {ptrace.SpanKindConsumer, "-", "-"},
			} {
				span := list.AppendEmpty()
				span.SetKind(of.kind)
				span.SetStartTimestamp(1)
				span.SetEndTimestamp(pcommon.Timestamp(uint64(2) << i))
				span.Attributes().PutStr(of.key, long(i))
				span.Attributes().PutStr(of.route, long(i))
				if i%2 == 0 {
					span.Status().SetCode(ptrace.StatusCodeError)
					span.Attributes().PutStr("error.type", long(i))
				}
			}
		}
		v.Traces(td, epoch)
	}
	used := heap() - before
	l := v.Limited()
	t.Logf("%d MB, %+v", used>>20, l)
	if l.Services == 0 || l.Routes == 0 || l.ErrorTypes == 0 || l.Systems == 0 || l.Durations == 0 {
		t.Errorf("not every bound was met: %+v", l)
	}
	if used > most {
		t.Errorf("%d MB are more than %d", used>>20, most>>20)
	}
	runtime.KeepAlive(v)
}
