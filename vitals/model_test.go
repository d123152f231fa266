package vitals_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"strings"
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

// spanDrawn is what a span says, as the model sees it.
type spanDrawn struct {
	service, protocol, route, errorType string
	kind                                ptrace.SpanKind
	status                              int64
	failed                              bool
	start, end                          uint64
}

// derived is the metric of a span by its kind and its protocol; "*" is any.
var derived = map[string]string{
	"Server http": "http.server.request.duration", "Client http": "http.client.request.duration",
	"Server rpc": "rpc.server.call.duration", "Client rpc": "rpc.client.call.duration",
	"Consumer messaging": "messaging.process.duration",
	"Producer messaging": "messaging.client.operation.duration", "Client messaging": "messaging.client.operation.duration",
	"Client db": "db.client.operation.duration",
	"Server *":  "weir.service.request.duration", "Consumer *": "weir.service.request.duration",
}

func (m model) span(s spanDrawn) {
	class := "none"
	if s.status >= 100 && s.status < 600 {
		class = fmt.Sprintf("%dxx", s.status/100)
	}
	name := derived[s.kind.String()+" "+s.protocol]
	if name == "" && class != "none" { // a status is HTTP's
		name = derived[s.kind.String()+" http"]
	}
	if name == "" {
		name = derived[s.kind.String()+" *"]
	}
	if name == "" {
		return
	}
	errorType := ""
	if s.failed || class == "5xx" || class == "4xx" && name == "http.client.request.duration" {
		errorType = s.errorType
		if errorType == "" && (class == "4xx" || class == "5xx") {
			errorType = fmt.Sprint(s.status)
		}
		if errorType == "" {
			errorType = "_OTHER"
		}
	}
	if s.kind == ptrace.SpanKindServer || s.kind == ptrace.SpanKindConsumer {
		kind := strings.ToLower(s.kind.String())
		m["weir.service.requests "+s.service+" "+kind+" "+class]++
		if errorType != "" {
			m["weir.service.errors "+s.service+" "+kind+" "+errorType]++
		}
	}
	seconds := 0.0
	if s.start > 0 && s.end > s.start {
		seconds = float64(s.end-s.start) / 1e9
	}
	of := name + " " + s.service
	switch name {
	case "rpc.server.call.duration", "rpc.client.call.duration":
		of += " grpc " + s.route
	case "messaging.process.duration", "messaging.client.operation.duration":
		of += " kafka " + s.route
	case "db.client.operation.duration":
		of += " postgresql"
	case "weir.service.request.duration":
		of += " " + strings.ToLower(s.kind.String())
	case "http.server.request.duration":
		if s.protocol == "http" {
			of += " GET"
			of += " " + s.route
		}
	case "http.client.request.duration":
		if s.protocol == "http" {
			of += " GET"
		}
	}
	if errorType != "" {
		of += " " + errorType
	}
	// Where a bucket lies: finest buckets that are merged as the scale is made
	// coarser are those of the coarser scale, so two levels tell a fault.
	m[of+" n"]++
	if seconds == 0 {
		m[of+" zero"]++
		return
	}
	m[of+" sum"] += seconds
	m[fmt.Sprintf("%s below %d", of, int(math.Ceil(math.Log2(seconds)*2)))]++
}

// flat is the emitted metrics in the model's terms, without zeros and without
// what time alone changes. Buckets are merged to scale 1, which each has at least.
func flat(md pmetric.Metrics) model {
	m := model{}
	name := func(mt pmetric.Metric, attrs pcommon.Map) string {
		name := mt.Name()
		for _, k := range attributes {
			if v, ok := attrs.Get(k); ok {
				name += " " + v.Str()
			}
		}
		return name
	}
	for _, mt := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		switch mt.Type() {
		case pmetric.MetricTypeSum:
			for _, p := range mt.Sum().DataPoints().All() {
				if mt.Name() != "weir.heartbeat" && p.IntValue() != 0 {
					m[name(mt, p.Attributes())] += float64(p.IntValue())
				}
			}
		case pmetric.MetricTypeExponentialHistogram:
			for _, p := range mt.ExponentialHistogram().DataPoints().All() {
				of, total := name(mt, p.Attributes()), p.ZeroCount()
				for i, n := range p.Positive().BucketCounts().All() {
					total += n
					if n > 0 {
						m[fmt.Sprintf("%s below %d", of, (int(p.Positive().Offset())+i)>>(p.Scale()-1)+1)] += float64(n)
					}
				}
				if total != p.Count() {
					m["count differs from its buckets"]++
				}
				if n := p.Positive().BucketCounts().Len(); n > 160 || p.Scale() < 1 || p.Scale() > 3 {
					m["too many buckets"]++
				}
				for what, f := range map[string]float64{"n": float64(p.Count()), "zero": float64(p.ZeroCount()), "sum": p.Sum()} {
					if f != 0 {
						m[of+" "+what] += f
					}
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
							drawn := drawSpan(t, service)
							drawn.write(ss.Spans().AppendEmpty())
							want.span(drawn)
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

func drawSpan(t *rapid.T, service string) spanDrawn {
	return spanDrawn{
		service:   service,
		protocol:  rapid.SampledFrom([]string{"none", "http", "rpc", "messaging", "db"}).Draw(t, "protocol"),
		route:     rapid.SampledFrom([]string{"/a", "/b"}).Draw(t, "route"),
		errorType: rapid.SampledFrom([]string{"", "timeout"}).Draw(t, "error type"),
		kind:      ptrace.SpanKind(rapid.Int32Range(0, 5).Draw(t, "kind")),
		status:    rapid.SampledFrom([]int64{-1, 0, 99, 100, 200, 204, 301, 404, 499, 500, 599, 600}).Draw(t, "status"),
		start:     rapid.Uint64Range(0, 20e9).Draw(t, "start"),
		end:       rapid.OneOf(rapid.Uint64Range(0, 20e9), rapid.Uint64()).Draw(t, "end"),
		failed:    rapid.Bool().Draw(t, "failed"),
	}
}

func (s spanDrawn) write(span ptrace.Span) {
	span.SetKind(s.kind)
	span.SetStartTimestamp(pcommon.Timestamp(s.start))
	span.SetEndTimestamp(pcommon.Timestamp(s.end))
	a := span.Attributes()
	a.PutStr("url.path", "/")
	a.PutInt("http.response.status_code", s.status)
	if s.errorType != "" {
		a.PutStr("error.type", s.errorType)
	}
	for key, value := range map[string]map[string]string{
		"http":      {"http.request.method": "GET", "http.route": s.route},
		"rpc":       {"rpc.system": "grpc", "rpc.method": s.route},
		"messaging": {"messaging.system": "kafka", "messaging.destination.name": s.route},
		"db":        {"db.system.name": "postgresql"},
	}[s.protocol] {
		a.PutStr(key, value)
	}
	if s.failed {
		span.Status().SetCode(ptrace.StatusCodeError)
	}
}

// Whatever senders name themselves and what they do, memory has a bound, text
// stays text, and nothing is counted twice or not at all.
func TestHostileNamesStayWithinTheBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := vitals.Options{Start: epoch, MaxServices: 5, MaxVersions: 3, MaxRoutes: 2, MaxErrorTypes: 2, MaxSystems: 2, MaxDurations: 12}
		v := vitals.New(o)
		any := rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 300), func(b []byte) string { return string(b) })
		identify := func(r pcommon.Resource) {
			r.Attributes().PutStr("service.name", any.Draw(t, "name"))
			r.Attributes().PutStr("service.version", any.Draw(t, "version"))
		}
		const each = 40
		for range each {
			ld, td := plog.NewLogs(), ptrace.NewTraces()
			rl, rs := ld.ResourceLogs().AppendEmpty(), td.ResourceSpans().AppendEmpty()
			identify(rl.Resource())
			identify(rs.Resource())
			rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
			span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
			span.SetKind(ptrace.SpanKind(rapid.Int32Range(2, 5).Draw(t, "kind")))
			span.Status().SetCode(ptrace.StatusCode(rapid.Int32Range(0, 2).Draw(t, "status")))
			span.SetStartTimestamp(1)
			span.SetEndTimestamp(pcommon.Timestamp(rapid.Uint64().Draw(t, "end")))
			protocol := rapid.SampledFrom([]string{"http.request.method", "rpc.system", "messaging.system", "db.system"}).Draw(t, "protocol")
			for _, key := range []string{protocol, "error.type", "http.route", "rpc.method", "messaging.destination.name", "messaging.operation.type"} {
				span.Attributes().PutStr(key, any.Draw(t, key))
			}
			v.Logs(ld, epoch)
			v.Traces(td, epoch)
		}
		md := v.Metrics(epoch)
		values := map[string]map[string]map[string]bool{} // by service and attribute
		counted, series := map[string]float64{}, 0
		see := func(attrs pcommon.Map) {
			s, _ := attrs.Get("service.name")
			for k, value := range attrs.All() {
				text := value.Str()
				if len(text) > 128 || text == "" || string([]rune(text)) != text {
					t.Fatalf("%s of %d bytes: %q", k, len(text), text)
				}
				if values[s.Str()] == nil {
					values[s.Str()] = map[string]map[string]bool{}
				}
				if values[s.Str()][k] == nil {
					values[s.Str()][k] = map[string]bool{}
				}
				values[s.Str()][k][text] = true
			}
		}
		for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
			switch m.Type() {
			case pmetric.MetricTypeSum:
				for _, p := range m.Sum().DataPoints().All() {
					see(p.Attributes())
					counted[m.Name()] += float64(p.IntValue())
				}
			case pmetric.MetricTypeExponentialHistogram:
				series += m.ExponentialHistogram().DataPoints().Len()
				for _, p := range m.ExponentialHistogram().DataPoints().All() {
					see(p.Attributes())
					counted["durations"] += float64(p.Count())
				}
			}
		}
		delete(values, "") // Weir's own
		if counted["weir.log.records"] != each || counted["durations"] > each || counted["weir.service.requests"] > counted["durations"] ||
			counted["weir.service.errors"] > counted["weir.service.requests"] {
			t.Fatalf("counted %v", counted)
		}
		if len(values) > o.MaxServices+1 {
			t.Fatalf("%d services", len(values))
		}
		// The fewest that each service may say beyond the bound: two of each of
		// eight measures, and of one of them by kind.
		if most := o.MaxDurations + 18*(o.MaxServices+1); series > most {
			t.Fatalf("%d series of durations, at most %d", series, most)
		}
		for service, by := range values {
			if n := len(by["service.version"]); n > o.MaxVersions || service == "other" && n > 0 {
				t.Fatalf("%d versions of %q", n, service)
			}
			distinct := func(keys ...string) int {
				all := map[string]bool{}
				for _, k := range keys {
					maps.Copy(all, by[k])
				}
				delete(all, "_OTHER")
				return len(all)
			}
			routes := distinct("http.route", "rpc.method", "messaging.destination.name")
			systems := distinct("rpc.system.name", "messaging.system", "db.system.name")
			if errorTypes := distinct("error.type"); routes > o.MaxRoutes || systems > o.MaxSystems || errorTypes > o.MaxErrorTypes {
				t.Fatalf("%d routes, %d systems, %d types of error in %q", routes, systems, errorTypes, service)
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
