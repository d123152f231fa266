package otlplogs

import (
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected streams")

func print(ld plog.Logs) string {
	var b strings.Builder
	for _, s := range Streams(ld) {
		fmt.Fprintf(&b, "%s\n", s.Labels)
		for _, e := range s.Entries {
			fmt.Fprintf(&b, "  %d %q\n", e.Timestamp, e.Line)
			e.Metadata.Range(func(l labels.Label) { fmt.Fprintf(&b, "    %s=%q\n", l.Name, l.Value) })
		}
	}
	return b.String()
}

func TestBatchesBecomeTheStreamsLokiWouldMake(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no test files", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			ld, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(ar.Files[0].Data)
			if err != nil {
				t.Fatal(err)
			}
			got := print(ld)
			if *update {
				ar.Files[1].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(ar.Files[1].Data); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestLevelsAreFoundWhereLokiFindsThem(t *testing.T) {
	for _, c := range []struct {
		number     plog.SeverityNumber
		text, line string
		want       string
	}{
		{plog.SeverityNumberTrace2, "ERROR", "error", "trace"},
		{plog.SeverityNumberWarn4, "", "", "warn"},
		{plog.SeverityNumberFatal4, "", "", "fatal"},
		{25, "", "plain", "unknown"},
		{-1, "Warning", "", "warn"},
		{0, "CRITICAL", "level=info", "critical"},
		{0, "NOTICE", "level=debug", "debug"},
		{0, "", `{"msg":"level=info","level":"ERR"}`, "error"},
		{0, "", `{"severity":"Information"}`, "info"},
		{0, "", `{"level":30,"msg":"x"}`, "unknown"},
		{0, "", `{"nested":{"level":"fatal"},"lvl":"trc"}`, "trace"},
		{0, "", `{"broken `, "unknown"},
		{0, "", `ts=1 lvl="wrn" msg="an error"`, "warn"},
		{0, "", `sublevel=error level=debug`, "debug"},
		{0, "", `a=b=c=level=info`, "info"},
		{0, "", `2026-11-21 [ERROR] disk`, "error"},
		{0, "", `E1121 informal terrors`, "unknown"},
		{0, "", `WARN: then an error`, "warn"},
		{0, "", "", "unknown"},
		{0, strings.Repeat("x", 100), strings.Repeat("=", 100), "unknown"},
	} {
		if got := Level(c.number, c.text, c.line); got != c.want {
			t.Errorf("Level(%d, %q, %q) = %s, want %s", c.number, c.text, c.line, got, c.want)
		}
	}
}

func TestNamesAreSanitised(t *testing.T) {
	for in, want := range map[string]string{
		"service.name": "service_name", "ok_1": "ok_1", "1st": "key_1st", "größe": "gr__e", "a b-c": "a_b_c", "\xff": "_",
	} {
		if got := sanitize(in); got != want {
			t.Errorf("sanitize(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDeepValuesCostNoStack(t *testing.T) {
	ld := plog.NewLogs()
	lr := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	v := lr.Body()
	a := lr.Attributes().PutEmpty("a")
	for range 2000 {
		v = v.SetEmptySlice().AppendEmpty()
		a = a.SetEmptyMap().PutEmpty("k")
	}
	v.SetStr("bottom")
	e := Streams(ld)[0].Entries[0]
	if e.Line != "" {
		t.Error("a body nested beyond the limit became a line")
	}
	if v := e.Metadata.Get("a" + strings.Repeat("_k", maxFlatten)); v != "" || !e.Metadata.Has("a"+strings.Repeat("_k", maxFlatten)) {
		t.Error("an attribute nested beyond the limit is not an empty value under its first names")
	}
}

// Any batch must come out as sorted metadata and never panic.
func TestAnyBatchIsMapped(t *testing.T) {
	for seed := range int64(300) {
		r := rand.New(rand.NewSource(seed))
		ld := plog.NewLogs()
		for range r.Intn(4) {
			rl := ld.ResourceLogs().AppendEmpty()
			randomMap(r, rl.Resource().Attributes(), 0)
			for range r.Intn(3) {
				sl := rl.ScopeLogs().AppendEmpty()
				sl.Scope().SetName([]string{"", "s", PushScope}[r.Intn(3)])
				randomMap(r, sl.Scope().Attributes(), 0)
				for range r.Intn(4) {
					lr := sl.LogRecords().AppendEmpty()
					lr.SetTimestamp(pcommon.Timestamp(r.Uint64()))
					lr.SetSeverityNumber(plog.SeverityNumber(r.Int31()))
					lr.SetTraceID([16]byte{byte(r.Intn(2))})
					randomMap(r, lr.Attributes(), 0)
					randomValue(r, lr.Body(), 0)
				}
			}
		}
		n := 0
		for _, s := range Streams(ld) {
			if s.Labels.IsEmpty() && len(s.Entries) == 0 {
				t.Fatal("an empty stream")
			}
			for _, e := range s.Entries {
				n++
				last := ""
				e.Metadata.Range(func(l labels.Label) {
					if l.Name <= last {
						t.Fatalf("seed %d: metadata out of order", seed)
					}
					last = l.Name
				})
				if e.Timestamp < 0 {
					t.Fatalf("seed %d: negative time", seed)
				}
			}
		}
		if n != ld.LogRecordCount() {
			t.Fatalf("seed %d: %d entries of %d records", seed, n, ld.LogRecordCount())
		}
	}
}

func randomMap(r *rand.Rand, m pcommon.Map, depth int) {
	for range r.Intn(5) {
		randomValue(r, m.PutEmpty([]string{"service.name", "k8s.pod.name", "a", "a.b", "1", "\xfe", "trace_id", "x y"}[r.Intn(8)]), depth+1)
	}
}

func randomValue(r *rand.Rand, v pcommon.Value, depth int) {
	switch r.Intn(8) {
	case 0:
		v.SetStr("level=warn \xff")
	case 1:
		v.SetInt(r.Int63())
	case 2:
		v.SetDouble(r.NormFloat64())
	case 3:
		v.SetBool(true)
	case 4:
		v.SetEmptyBytes().FromRaw([]byte{1, 2, 255})
	case 5:
		if depth < 4 {
			randomMap(r, v.SetEmptyMap(), depth)
		}
	case 6:
		if depth < 4 {
			randomValue(r, v.SetEmptySlice().AppendEmpty(), depth+1)
		}
	}
}

func BenchmarkStreams(b *testing.B) {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "api")
	rl.Resource().Attributes().PutStr("host.name", "h1")
	sl := rl.ScopeLogs().AppendEmpty()
	for i := range 1000 {
		lr := sl.LogRecords().AppendEmpty()
		lr.SetTimestamp(pcommon.Timestamp(i))
		lr.SetSeverityNumber(plog.SeverityNumberInfo)
		lr.SetTraceID([16]byte{1, byte(i)})
		lr.Body().SetStr("GET /api/v1/items 200 in 12ms")
		lr.Attributes().PutStr("http.route", "/api/v1/items")
	}
	b.ReportAllocs()
	for b.Loop() {
		Streams(ld)
	}
}
