package vitals_test

import (
	"encoding/json"
	"flag"
	"fmt"
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
// a line, "metrics 10s" what is said then.
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
			v := vitals.New(vitals.Options{Start: epoch, ProcessStart: epoch.Add(-3 * time.Second), MaxServices: 4, MaxVersions: 2})
			for i, f := range a.Files {
				what, when, _ := strings.Cut(f.Name, " ")
				after, err := time.ParseDuration(when)
				if err != nil {
					t.Fatalf("section %q: %v", f.Name, err)
				}
				at := epoch.Add(after)
				switch what {
				case "logs":
					v.Logs(logs(t, string(f.Data)), at)
				case "traces":
					v.Traces(traces(t, string(f.Data)), at)
				case "metrics":
					v.Beat()
					got := print(v.Metrics(at))
					if *update {
						a.Files[i].Data = []byte(got)
					} else if got != string(f.Data) {
						t.Errorf("%s: got:\n%swant:\n%s", f.Name, got, f.Data)
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
		s.SetStartTimestamp(pcommon.Timestamp(it.Start * 1e9))
		s.SetEndTimestamp(pcommon.Timestamp(it.End * 1e9))
		if it.Status == "error" {
			s.Status().SetCode(ptrace.StatusCodeError)
		}
		fill(t, s.Attributes(), it.Attributes)
	}
	return td
}

// print writes a point a line; times are relative to the start.
func print(md pmetric.Metrics) string {
	var b strings.Builder
	since := func(ts pcommon.Timestamp) time.Duration { return ts.AsTime().Sub(epoch) }
	head := func(m pmetric.Metric, attrs pcommon.Map) {
		b.WriteString(m.Name())
		for _, k := range []string{"service.name", "severity", "http.response.status_class", "service.version"} {
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
						head(m, p.Attributes())
						fmt.Fprintf(&b, " %d since %s\n", p.IntValue(), since(p.StartTimestamp()))
					}
				case pmetric.MetricTypeGauge:
					for _, p := range m.Gauge().DataPoints().All() {
						head(m, p.Attributes())
						fmt.Fprintf(&b, " %g%s\n", p.DoubleValue(), m.Unit())
					}
				case pmetric.MetricTypeHistogram:
					for _, p := range m.Histogram().DataPoints().All() {
						head(m, p.Attributes())
						fmt.Fprintf(&b, " %v n=%d sum=%.6g%s since %s\n", p.BucketCounts().AsRaw(), p.Count(), p.Sum(), m.Unit(), since(p.StartTimestamp()))
					}
				}
			}
		}
	}
	return b.String()
}
