package vitals_test

import (
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/weir-telemetry/weir/vitals"
)

// testdata/lines.txt has a line of log each, as loggers write them and as prose
// does, and before it the severity that it has.
func TestLinesOfRealLoggersAreReadAndProseIsNot(t *testing.T) {
	data, err := os.ReadFile("testdata/lines.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for text := range strings.Lines(string(data)) {
		text = strings.TrimSuffix(text, "\n")
		if text == "" || text[0] == '#' {
			continue
		}
		want, line, ok := strings.Cut(text, "\t")
		if !ok {
			t.Fatalf("no tab in %q", text)
		}
		line = strings.NewReplacer(`\e`, "\x1b", `\t`, "\t").Replace(line)
		seen[want]++
		if got := severityOf(line); got != want {
			t.Errorf("%s, not %s: %s", got, want, line)
		}
	}
	for _, s := range []string{"trace", "debug", "info", "warn", "error", "fatal"} {
		if seen[s] < 3 {
			t.Errorf("%d lines of severity %s", seen[s], s)
		}
	}
	if seen["unspecified"] < 30 {
		t.Errorf("only %d lines of prose", seen["unspecified"])
	}
}

func severityOf(line string) string {
	v := vitals.New(vitals.Options{Start: epoch})
	v.Logs(lines(1, line), epoch)
	for k := range flat(v.Metrics(epoch)) {
		if s, ok := strings.CutPrefix(k, "weir.log.records tailed "); ok {
			return s
		}
	}
	return ""
}

// Whatever a line holds, it is counted once, and what is appended to a line
// beyond its head does not change what it is.
func FuzzLines(f *testing.F) {
	data, err := os.ReadFile("testdata/lines.txt")
	if err != nil {
		f.Fatal(err)
	}
	for text := range strings.Lines(string(data)) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, line string) {
		v := vitals.New(vitals.Options{Start: epoch})
		ld := plog.NewLogs()
		records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		records.AppendEmpty().Body().SetStr(line)
		records.AppendEmpty().Body().SetStr(line + "\n" + strings.Repeat("x ", 300) + "FATAL")
		v.Logs(ld, epoch)
		m := flat(v.Metrics(epoch))
		total := 0.0
		for _, n := range m {
			total += n
		}
		if total != 2 || m["weir.log.records unknown_service fatal"] == 1 && m["weir.log.records unknown_service unspecified"] == 1 {
			t.Errorf("%v", m)
		}
	})
}
