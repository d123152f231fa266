package main

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/weir-telemetry/weir/vitals"
)

// records measures the count of log records or of spans.
type records struct {
	measure     func() (unmarshal, count time.Duration)
	allocations func() float64 // per record
}

// newRecords makes batches of pointsPerBatch log records and spans.
func newRecords() (logs, spans records) {
	v := vitals.New(vitals.Options{Start: start})
	ld, td := plog.NewLogs(), ptrace.NewTraces()
	rl, rs := ld.ResourceLogs().AppendEmpty(), td.ResourceSpans().AppendEmpty()
	for _, r := range []pcommon.Resource{rl.Resource(), rs.Resource()} {
		r.Attributes().PutStr("host.name", "orders-07.corp.example")
		r.Attributes().PutStr("service.name", "orders")
		r.Attributes().PutStr("service.version", "1.2.3")
	}
	ls, ss := rl.ScopeLogs().AppendEmpty(), rs.ScopeSpans().AppendEmpty()
	g := newGenerator(metricsPerBatch)
	for i := range pointsPerBatch {
		at := pcommon.NewTimestampFromTime(start.Add(time.Duration(i) * time.Millisecond))
		r := ls.LogRecords().AppendEmpty()
		r.SetTimestamp(at)
		r.SetSeverityNumber([]plog.SeverityNumber{plog.SeverityNumberInfo, plog.SeverityNumberWarn, plog.SeverityNumberError}[g.rng.IntN(3)])
		r.SetSeverityText(r.SeverityNumber().String())
		r.Body().SetStr(fmt.Sprintf("order %06d of customer %d was taken in 12.5 ms", i, i%97))
		g.attributes(r.Attributes(), i)
		s := ss.Spans().AppendEmpty()
		s.SetName("POST /orders")
		s.SetTraceID(pcommon.TraceID{1, byte(i), byte(i >> 8)})
		s.SetSpanID(pcommon.SpanID{1, byte(i), byte(i >> 8)})
		s.SetKind([]ptrace.SpanKind{ptrace.SpanKindServer, ptrace.SpanKindClient, ptrace.SpanKindInternal}[g.rng.IntN(3)])
		s.SetStartTimestamp(at)
		s.SetEndTimestamp(at + pcommon.Timestamp(time.Duration(1+i%50)*time.Millisecond))
		g.attributes(s.Attributes(), i)
		s.Attributes().PutInt("http.response.status_code", int64(200+100*g.rng.IntN(4)))
	}
	logData, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	if err != nil {
		panic(err)
	}
	spanData, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	if err != nil {
		panic(err)
	}
	return recordsOf(func() (plog.Logs, error) { return (&plog.ProtoUnmarshaler{}).UnmarshalLogs(logData) }, func(ld plog.Logs) { v.Logs(ld, start) }),
		recordsOf(func() (ptrace.Traces, error) { return (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(spanData) }, func(td ptrace.Traces) { v.Traces(td, start) })
}

func recordsOf[T any](decode func() (T, error), count func(T)) records {
	must := func() T {
		batch, err := decode()
		if err != nil {
			panic(err)
		}
		return batch
	}
	return records{
		measure: func() (time.Duration, time.Duration) {
			batches := make([]T, batchesPerRound)
			unmarshal := cpu(func() {
				for i := range batches {
					batches[i] = must()
				}
			})
			counting := cpu(func() {
				for _, batch := range batches {
					count(batch)
				}
			})
			runtime.KeepAlive(batches)
			return unmarshal, counting
		},
		allocations: func() float64 {
			batch := must()
			return testing.AllocsPerRun(50, func() { count(batch) }) / pointsPerBatch
		},
	}
}
