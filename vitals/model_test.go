package vitals_test

import (
	"bytes"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/vitals"
)

// model is what the package promises, written the plain way: a number for each
// name, without bounds.
type model map[string]float64

func (m model) log(service string, number plog.SeverityNumber) {
	names := []string{"trace", "debug", "info", "warn", "error", "fatal"}
	severity := "unspecified"
	if number > 0 && number < 25 {
		severity = names[int(number-1)/4]
	}
	m["weir.log.records "+service+" "+severity]++
}

func (m model) span(service string, kind ptrace.SpanKind, status int64, failed bool, start, end uint64) {
	if kind != ptrace.SpanKindServer && kind != ptrace.SpanKindConsumer {
		return
	}
	class := "none"
	if status >= 100 && status < 600 {
		class = fmt.Sprintf("%dxx", status/100)
	}
	m["weir.service.requests "+service+" "+class]++
	if failed || class == "5xx" {
		m["weir.service.errors "+service]++
	}
	seconds := 0.0
	if start > 0 && end > start {
		seconds = float64(end-start) / 1e9
	}
	bucket := 0
	for _, bound := range []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10} {
		if seconds > bound {
			bucket++
		}
	}
	m[fmt.Sprintf("weir.service.request.duration %s %d", service, bucket)]++
	if seconds > 0 {
		m["weir.service.request.duration "+service+" sum"] += seconds
	}
}

// flat is the emitted metrics in the model's terms, without zeros and without
// what time alone changes.
func flat(md pmetric.Metrics) model {
	m := model{}
	add := func(name string, attrs pcommon.Map, f float64) {
		for _, k := range []string{"service.name", "severity", "http.response.status_class"} {
			if v, ok := attrs.Get(k); ok {
				name += " " + v.Str()
			}
		}
		if f != 0 {
			m[name] += f
		}
	}
	for _, mt := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		switch mt.Type() {
		case pmetric.MetricTypeSum:
			for _, p := range mt.Sum().DataPoints().All() {
				if mt.Name() != "weir.heartbeat" {
					add(mt.Name(), p.Attributes(), float64(p.IntValue()))
				}
			}
		case pmetric.MetricTypeHistogram:
			for _, p := range mt.Histogram().DataPoints().All() {
				total := uint64(0)
				service, _ := p.Attributes().Get("service.name")
				for i, n := range p.BucketCounts().AsRaw() {
					total += n
					if n > 0 {
						m[fmt.Sprintf("%s %s %d", mt.Name(), service.Str(), i)] += float64(n)
					}
				}
				if total != p.Count() {
					m["count differs from its buckets"]++
				}
				if p.Sum() > 0 {
					m[mt.Name()+" "+service.Str()+" sum"] += p.Sum()
				}
			}
		}
	}
	return m
}

func same(a, b model) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if math.Abs(v-b[k]) > 1e-9*math.Abs(v) {
			return false
		}
	}
	return true
}

func TestWhatIsEmittedIsWhatThePlainModelCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := vitals.New(vitals.Options{Start: epoch})
		want := model{}
		services := rapid.SampledFrom([]string{"a", "b", "c"})
		now := epoch
		for range rapid.IntRange(0, 8).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "seconds")) * time.Second)
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				ld := plog.NewLogs()
				for range rapid.IntRange(0, 3).Draw(t, "resources") {
					service := services.Draw(t, "service")
					rl := ld.ResourceLogs().AppendEmpty()
					rl.Resource().Attributes().PutStr("service.name", service)
					for range rapid.IntRange(0, 2).Draw(t, "scopes") {
						sl := rl.ScopeLogs().AppendEmpty()
						for range rapid.IntRange(0, 5).Draw(t, "records") {
							n := plog.SeverityNumber(rapid.Int32Range(-1, 26).Draw(t, "number"))
							sl.LogRecords().AppendEmpty().SetSeverityNumber(n)
							want.log(service, n)
						}
					}
				}
				v.Logs(ld, now)
			case 1:
				td := ptrace.NewTraces()
				for range rapid.IntRange(0, 3).Draw(t, "resources") {
					service := services.Draw(t, "service")
					rs := td.ResourceSpans().AppendEmpty()
					rs.Resource().Attributes().PutStr("service.name", service)
					for range rapid.IntRange(0, 2).Draw(t, "scopes") {
						ss := rs.ScopeSpans().AppendEmpty()
						for range rapid.IntRange(0, 5).Draw(t, "spans") {
							span := ss.Spans().AppendEmpty()
							kind := ptrace.SpanKind(rapid.Int32Range(0, 5).Draw(t, "kind"))
							status := rapid.SampledFrom([]int64{-1, 0, 99, 100, 200, 204, 301, 404, 499, 500, 599, 600}).Draw(t, "status")
							start := rapid.Uint64Range(0, 20e9).Draw(t, "start")
							end := rapid.Uint64Range(0, 20e9).Draw(t, "end")
							failed := rapid.Bool().Draw(t, "failed")
							span.SetKind(kind)
							span.SetStartTimestamp(pcommon.Timestamp(start))
							span.SetEndTimestamp(pcommon.Timestamp(end))
							span.Attributes().PutStr("url.path", "/")
							span.Attributes().PutInt("http.response.status_code", status)
							if failed {
								span.Status().SetCode(ptrace.StatusCodeError)
							}
							want.span(service, kind, status, failed, start, end)
						}
					}
				}
				v.Traces(td, now)
			case 2:
				if got := flat(v.Metrics(now)); !same(got, want) {
					t.Fatalf("got %v\nwant %v", got, want)
				}
			}
		}
		if got := flat(v.Metrics(now)); !same(got, want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

// Whatever senders name themselves, memory has a bound and text stays text.
func TestHostileNamesStayWithinTheBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := vitals.New(vitals.Options{Start: epoch, MaxServices: 5, MaxVersions: 3})
		for range 40 {
			ld := plog.NewLogs()
			rl := ld.ResourceLogs().AppendEmpty()
			name := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "name")
			version := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "version")
			rl.Resource().Attributes().PutStr("service.name", string(name))
			rl.Resource().Attributes().PutStr("service.version", string(version))
			rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
			v.Logs(ld, epoch)
		}
		md := v.Metrics(epoch)
		services, versions := map[string]bool{}, map[string]int{}
		total := 0.0
		for k, n := range flat(md) {
			total += n
			services[k] = true
		}
		for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
			if m.Name() != "weir.service.version" {
				continue
			}
			for _, p := range m.Gauge().DataPoints().All() {
				s, _ := p.Attributes().Get("service.name")
				w, _ := p.Attributes().Get("service.version")
				versions[s.Str()]++
				for _, text := range []string{s.Str(), w.Str()} {
					if len(text) > 128 || text == "" || string([]rune(text)) != text {
						t.Fatalf("a name of %d bytes: %q", len(text), text)
					}
				}
			}
		}
		if total != 40 || len(services) > 6 {
			t.Fatalf("%g records of %d services", total, len(services))
		}
		for s, n := range versions {
			if n > 3 || s == "other" {
				t.Fatalf("%d versions of %q", n, s)
			}
		}
		if l := v.Limited(); l.Services == 0 {
			t.Fatalf("nothing was limited: %+v", l)
		}
	})
}

func sampleLogs(n int) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	a := rl.Resource().Attributes()
	a.PutStr("host.name", "node-7")
	a.PutStr("deployment.environment.name", "production")
	a.PutStr("service.name", "checkout")
	a.PutStr("service.version", "1.4.2")
	sl := rl.ScopeLogs().AppendEmpty()
	for i := range n {
		r := sl.LogRecords().AppendEmpty()
		r.SetTimestamp(pcommon.Timestamp(1_700_000_000_000_000_000 + i))
		r.SetObservedTimestamp(r.Timestamp())
		r.SetSeverityNumber(plog.SeverityNumber(1 + i%24))
		r.SetSeverityText("INFO")
		r.Body().SetStr(fmt.Sprintf("order %d of customer %d was taken and will be sent to the warehouse in %d minutes", i, i*7, i%60))
		r.SetTraceID(pcommon.TraceID{1, byte(i)})
		r.SetSpanID(pcommon.SpanID{2, byte(i)})
		for j := range 8 {
			r.Attributes().PutStr(fmt.Sprintf("attribute.number.%d", (i+j)%8), fmt.Sprintf("value %d", i*j))
		}
	}
	return ld
}

// sampleTraces are spans as HTTP servers and their clients write them, with the
// attributes that the semantic conventions require and recommend, in any order.
func sampleTraces(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "checkout")
	rs.Resource().Attributes().PutStr("service.version", "1.4.2")
	ss := rs.ScopeSpans().AppendEmpty()
	for i := range n {
		s := ss.Spans().AppendEmpty()
		s.SetName("POST /orders/{order}")
		s.SetKind(ptrace.SpanKind(1 + i%5))
		s.SetTraceID(pcommon.TraceID{1, byte(i)})
		s.SetSpanID(pcommon.SpanID{2, byte(i)})
		s.SetParentSpanID(pcommon.SpanID{3, byte(i)})
		s.SetStartTimestamp(pcommon.Timestamp(1_700_000_000_000_000_000 + i))
		s.SetEndTimestamp(s.StartTimestamp() + pcommon.Timestamp(i%100)*3_000_000)
		a := s.Attributes()
		for j := range 11 {
			switch (i + j) % 11 {
			case 0:
				a.PutStr("http.request.method", "POST")
			case 1:
				a.PutStr("url.path", fmt.Sprintf("/orders/%d", i))
			case 2:
				a.PutStr("url.scheme", "https")
			case 3:
				a.PutInt("http.response.status_code", int64(200+i%400))
			case 4:
				a.PutStr("http.route", "/orders/{order}")
			case 5:
				a.PutStr("server.address", "shop.example.com")
			case 6:
				a.PutInt("server.port", 443)
			case 7:
				a.PutStr("client.address", fmt.Sprintf("10.0.%d.%d", i%200, i%250))
			case 8:
				a.PutStr("network.protocol.version", "1.1")
			case 9:
				a.PutStr("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
			case 10:
				a.PutInt("thread.id", int64(i%64))
			}
		}
	}
	return td
}

func lines(n int, body string) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service_name", "tailed")
	sl := rl.ScopeLogs().AppendEmpty()
	for range n {
		sl.LogRecords().AppendEmpty().Body().SetStr(body)
	}
	return ld
}

func TestCountingAllocatesNothing(t *testing.T) {
	v := vitals.New(vitals.Options{Start: epoch})
	td := sampleTraces(100)
	cases := map[string]func(){"spans": func() { v.Traces(td, epoch) }}
	for name, ld := range map[string]plog.Logs{
		"records": sampleLogs(100),
		"json":    lines(100, `{"ts":"2024-01-01T00:00:00Z","msg":"taken","n":{"a":[1,2,3]},"level":"warn"}`),
		"logfmt":  lines(100, `ts=2024-01-01T00:00:00Z msg="taken \"so\"" n=1 level=warn`),
		"plain":   lines(100, `2024-01-01 00:00:00 something happened in a=b "quoted`),
	} {
		cases[name] = func() { v.Logs(ld, epoch) }
	}
	for name, f := range cases {
		f()
		if n := testing.AllocsPerRun(50, f); n != 0 {
			t.Errorf("%s: %g allocations for a hundred", name, n)
		}
	}
}

func TestWhatIsCountedIsNotChanged(t *testing.T) {
	v := vitals.New(vitals.Options{Start: epoch})
	var lm plog.ProtoMarshaler
	var tm ptrace.ProtoMarshaler
	ld, td := sampleLogs(50), sampleTraces(50)
	// A batch that several consumers share panics when it is written to.
	ld.MarkReadOnly()
	td.MarkReadOnly()
	before, _ := lm.MarshalLogs(ld)
	spans, _ := tm.MarshalTraces(td)
	v.Logs(ld, epoch)
	v.Traces(td, epoch)
	after, _ := lm.MarshalLogs(ld)
	spansAfter, _ := tm.MarshalTraces(td)
	if len(before) == 0 || !bytes.Equal(before, after) || !bytes.Equal(spans, spansAfter) {
		t.Error("the batch has changed")
	}
}

// Snapshots are taken while others count: none tears a histogram from its
// count, and in the end nothing is missing.
func TestCountingAndSayingAtTheSameTime(t *testing.T) {
	v := vitals.New(vitals.Options{Start: epoch})
	ld, td := sampleLogs(24), sampleTraces(50)
	const workers, rounds = 4, 200
	var counting, saying sync.WaitGroup
	done := make(chan struct{})
	saying.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			v.Beat()
			if m := flat(v.Metrics(epoch)); m["count differs from its buckets"] > 0 {
				t.Error("a histogram's count differs from its buckets")
				return
			}
		}
	})
	for range workers {
		counting.Go(func() {
			for range rounds {
				v.Logs(ld, epoch)
				v.Traces(td, epoch)
			}
		})
	}
	counting.Wait()
	close(done)
	saying.Wait()
	m := flat(v.Metrics(epoch))
	records, served := 0.0, 0.0
	for k, n := range m {
		switch {
		case len(k) > 16 && k[:16] == "weir.log.records":
			records += n
		case len(k) > 21 && k[:21] == "weir.service.requests":
			served += n
		}
	}
	if records != workers*rounds*24 || served != workers*rounds*20 {
		t.Errorf("%g records, %g requests", records, served)
	}
}
