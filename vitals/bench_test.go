package vitals_test

import (
	"runtime"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"golang.org/x/sys/unix"

	"github.com/weir-telemetry/weir/vitals"
)

// The benchmarks count batches just decoded, so that the records are as far
// away in memory as they are in a pipeline, and report the processor time of
// counting as a share of decoding's. It is this thread's time: the collector's
// garbage, which both leave to other threads, is in neither.
func processorTime(b *testing.B) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

func BenchmarkLogs(b *testing.B) {
	var m plog.ProtoMarshaler
	var u plog.ProtoUnmarshaler
	const n = 2000
	data, err := m.MarshalLogs(sampleLogs(n))
	if err != nil {
		b.Fatal(err)
	}
	v := vitals.New(vitals.Options{Start: epoch})
	bench(b, n, func() plog.Logs {
		ld, err := u.UnmarshalLogs(data)
		if err != nil {
			b.Fatal(err)
		}
		return ld
	}, func(ld plog.Logs) { v.Logs(ld, epoch) })
}

func BenchmarkTraces(b *testing.B) {
	var m ptrace.ProtoMarshaler
	var u ptrace.ProtoUnmarshaler
	const n = 2000
	data, err := m.MarshalTraces(sampleTraces(n))
	if err != nil {
		b.Fatal(err)
	}
	v := vitals.New(vitals.Options{Start: epoch})
	bench(b, n, func() ptrace.Traces {
		td, err := u.UnmarshalTraces(data)
		if err != nil {
			b.Fatal(err)
		}
		return td
	}, func(td ptrace.Traces) { v.Traces(td, epoch) })
}

func bench[T any](b *testing.B, n int, decode func() T, count func(T)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var decoding, counting time.Duration
	items := 0
	for b.Loop() {
		t0 := processorTime(b)
		batch := decode()
		t1 := processorTime(b)
		count(batch)
		t2 := processorTime(b)
		decoding += t1 - t0
		counting += t2 - t1
		items += n
	}
	b.ReportMetric(float64(decoding)/float64(items), "decode-ns/item")
	b.ReportMetric(float64(counting)/float64(items), "count-ns/item")
	b.ReportMetric(100*float64(counting)/float64(decoding), "count-%-of-decode")
}

// Lines whose severity must be read off the text.
func BenchmarkLines(b *testing.B) {
	for name, line := range map[string]string{
		"json":   `{"ts":"2024-01-01T00:00:00Z","caller":"orders/take.go:77","msg":"order taken","customer":{"id":7,"tags":["a","b"]},"duration_ms":12.5,"level":"warn"}`,
		"logfmt": `ts=2024-01-01T00:00:00Z caller=orders/take.go:77 msg="order taken" customer=7 duration=12.5ms level=warn`,
		"plain":  `2024-01-01 00:00:00,000 [worker-7] com.example.orders.Take - order 12345 of customer 7 was taken in 12.5 ms`,
	} {
		b.Run(name, func(b *testing.B) {
			ld := lines(1000, line)
			v := vitals.New(vitals.Options{Start: epoch})
			b.SetBytes(int64(1000 * len(line)))
			for b.Loop() {
				v.Logs(ld, epoch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/line")
		})
	}
}
