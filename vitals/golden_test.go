package vitals_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/vitals"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var epoch = time.Unix(1_700_000_000, 0).UTC()

// Each file of testdata tells a story in the order of its sections, whose names
// are what happens and when: "logs 1s" and "traces 2s" hold a record or a span
// a line, "own 3s" the names of metrics that a service sends, "restart 4s" is
// one, "metrics 10s" is what is said then, and "limited 10s" what the bounds did.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			a := txtar.Parse(data)
			opts := vitals.Options{
				Start: epoch, ProcessStart: epoch.Add(-3 * time.Second), OwnWithin: time.Minute,
				MaxServices: 4, MaxVersions: 2, MaxRoutes: 2, MaxErrorTypes: 2, MaxSystems: 2, MaxDurations: 12,
			}
			v := vitals.New(opts)
			for i, f := range a.Files {
				what, when, _ := strings.Cut(f.Name, " ")
				after, err := time.ParseDuration(when)
				if err != nil {
					t.Fatalf("section %q: %v", f.Name, err)
				}
				at := epoch.Add(after)
				say := func(got string) {
					if *update {
						a.Files[i].Data = []byte(got)
					} else if got != string(f.Data) {
						t.Errorf("%s: got:\n%swant:\n%s", f.Name, got, f.Data)
					}
				}
				switch what {
				case "logs":
					v.Logs(logs(t, string(f.Data)), at)
				case "traces":
					v.Traces(traces(t, string(f.Data)), at)
				case "own":
					v.OwnMetrics(own(t, string(f.Data)), at)
				case "metrics":
					v.Beat()
					say(print(v.Metrics(at)))
				case "limited":
					say(fmt.Sprintf("%+v\n", v.Limited()))
				case "restart":
					saved, err := v.State()
					if err != nil {
						t.Fatal(err)
					}
					opts.Start = at
					v = vitals.New(opts)
					if err := v.Restore(saved, at); err != nil {
						t.Fatal(err)
					}
				default:
					t.Fatalf("section %q", f.Name)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

type item struct {
	Resource   map[string]any
	Name       string
	Times      int // repeat; 1 if absent
	Number     int32
	Text       string
	Body       any
	Attributes map[string]any
	Kind       string
	Start, End float64 // seconds; Start 1 if absent
	Status     string
}

func items(t *testing.T, text string) []item {
	t.Helper()
	var out []item
	for line := range strings.Lines(text) {
		it := item{Start: 1, Times: 1}
		if err := json.Unmarshal([]byte(line), &it); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for range it.Times {
			out = append(out, it)
		}
	}
	return out
}

func fill(t *testing.T, m pcommon.Map, from map[string]any) {
	t.Helper()
	for k, v := range from {
		if f, ok := v.(float64); ok && f == float64(int64(f)) {
			from[k] = int64(f)
		}
		if s, ok := v.(string); ok {
			if n, found := strings.CutPrefix(s, "repeat:"); found {
				from[k] = strings.Repeat("é", len(n))
			}
		}
	}
	if err := m.FromRaw(from); err != nil {
		t.Fatal(err)
	}
}

func logs(t *testing.T, text string) plog.Logs {
	ld := plog.NewLogs()
	for _, it := range items(t, text) {
		rl := ld.ResourceLogs().AppendEmpty()
		fill(t, rl.Resource().Attributes(), it.Resource)
		r := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		r.SetSeverityNumber(plog.SeverityNumber(it.Number))
		r.SetSeverityText(it.Text)
		if err := r.Body().FromRaw(it.Body); err != nil {
			t.Fatal(err)
		}
		fill(t, r.Attributes(), it.Attributes)
	}
	return ld
}

func traces(t *testing.T, text string) ptrace.Traces {
	td := ptrace.NewTraces()
	kinds := map[string]ptrace.SpanKind{
		"": ptrace.SpanKindUnspecified, "server": ptrace.SpanKindServer, "client": ptrace.SpanKindClient,
		"consumer": ptrace.SpanKindConsumer, "producer": ptrace.SpanKindProducer, "internal": ptrace.SpanKindInternal,
	}
	for _, it := range items(t, text) {
		rs := td.ResourceSpans().AppendEmpty()
		fill(t, rs.Resource().Attributes(), it.Resource)
		s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		kind, ok := kinds[it.Kind]
		if !ok {
			t.Fatalf("kind %q", it.Kind)
		}
		s.SetKind(kind)
		s.SetName(it.Name)
		s.SetStartTimestamp(pcommon.Timestamp(it.Start * 1e9))
		s.SetEndTimestamp(pcommon.Timestamp(it.End * 1e9))
		if it.Status == "error" {
			s.Status().SetCode(ptrace.StatusCodeError)
		}
		fill(t, s.Attributes(), it.Attributes)
	}
	return td
}

// own are metrics of no points: only names matter.
func own(t *testing.T, text string) pmetric.Metrics {
	md := pmetric.NewMetrics()
	for _, it := range items(t, text) {
		rm := md.ResourceMetrics().AppendEmpty()
		fill(t, rm.Resource().Attributes(), it.Resource)
		rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetName(it.Name)
	}
	return md
}

// print writes a point a line; times are relative to the start. The zeros that
// series begin with are left out.
func print(md pmetric.Metrics) string {
	var b strings.Builder
	since := func(ts pcommon.Timestamp) time.Duration { return ts.AsTime().Sub(epoch) }
	head := func(m pmetric.Metric, attrs pcommon.Map) {
		b.WriteString(m.Name())
		for _, k := range attributes {
			if v, ok := attrs.Get(k); ok {
				fmt.Fprintf(&b, " %q", v.AsString())
			}
		}
	}
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				switch m.Type() {
				case pmetric.MetricTypeSum:
					for _, p := range m.Sum().DataPoints().All() {
						if p.StartTimestamp() == p.Timestamp() {
							continue
						}
						head(m, p.Attributes())
						fmt.Fprintf(&b, " %d since %s\n", p.IntValue(), since(p.StartTimestamp()))
					}
				case pmetric.MetricTypeGauge:
					for _, p := range m.Gauge().DataPoints().All() {
						head(m, p.Attributes())
						if strings.HasSuffix(m.Name(), "_seen") {
							fmt.Fprintf(&b, " at %gs\n", p.DoubleValue()-float64(epoch.Unix()))
							continue
						}
						fmt.Fprintf(&b, " %g%s\n", p.DoubleValue(), m.Unit())
					}
				case pmetric.MetricTypeExponentialHistogram:
					for _, p := range m.ExponentialHistogram().DataPoints().All() {
						if p.StartTimestamp() == p.Timestamp() {
							continue
						}
						head(m, p.Attributes())
						fmt.Fprintf(&b, " %sn=%d sum=%.6g%s since %s\n", buckets(p), p.Count(), p.Sum(), m.Unit(), since(p.StartTimestamp()))
					}
				}
			}
		}
	}
	return b.String()
}

// attributes are all that a point may have, in the order that print has them.
var attributes = []string{
	"service.name", "severity", "span.kind", "http.response.status_class", "service.version", "weir.state",
	"rpc.system.name", "rpc.method", "messaging.system", "messaging.operation.type", "messaging.destination.name", "db.system.name",
	"http.request.method", "http.route", "error.type",
}

// buckets are those that hold something, by their upper bounds.
func buckets(p pmetric.ExponentialHistogramDataPoint) string {
	var b strings.Builder
	fmt.Fprintf(&b, "2^%d ", -p.Scale())
	if n := p.ZeroCount(); n > 0 {
		fmt.Fprintf(&b, "zero:%d ", n)
	}
	for i, n := range p.Positive().BucketCounts().All() {
		if n > 0 {
			fmt.Fprintf(&b, "%.4g:%d ", upperBound(int(p.Scale()), int(p.Positive().Offset())+i), n)
		}
	}
	return b.String()
}

// upperBound is that of a bucket, as the data model defines it.
func upperBound(scale, bucket int) float64 {
	return math.Exp2(float64(bucket+1) / math.Exp2(float64(scale)))
}
