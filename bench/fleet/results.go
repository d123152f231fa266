package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// errShort says that the measurement went well and some figure did not.
var errShort = errors.New("figures fall short")

// bench is one run and what it found.
type bench struct {
	options
	policy    *policy.Policy
	authority *ca.Authority
	gateway   *gateway
	made      int // installs, so that no two runs share one
	start     time.Time

	idle                   float64 // processors in use without installs
	idleRSS, rss, rssHigh  int64
	costs                  []cost
	connected              time.Duration
	connectOwn, connectCPU time.Duration
	latencies              []time.Duration
	steadyTook             time.Duration
	steadyOwn, steadyCPU   time.Duration
	rules                  time.Duration
	series, alive, refused float64
}

// cost is the gateway's processor time for reports of some installs.
type cost struct {
	installs, reports int
	cpu, wall         time.Duration
}

func (c cost) each() float64 { return c.cpu.Seconds() * 1e6 / float64(c.reports) }

func (b *bench) percentile(p float64) time.Duration {
	if len(b.latencies) == 0 {
		return 0
	}
	return b.latencies[min(len(b.latencies)-1, int(p*float64(len(b.latencies))))]
}

// said is the end of what the gateway said, for who looks for a fault.
func (b *bench) said() error {
	text := b.gateway.out.String()
	return fmt.Errorf("the gateway said:\n%s", text[max(0, len(text)-4000):])
}

// figure is one value and its goal, which is a ceiling; without a goal it is only told.
type figure struct {
	name        string
	value, goal float64
}

func (f figure) short() bool { return f.goal > 0 && f.value > f.goal }

func (f figure) String() string {
	verdict := "ok"
	if f.short() {
		verdict = "short"
	}
	if f.goal == 0 {
		return fmt.Sprintf("figure %s %.4g - told", f.name, f.value)
	}
	return fmt.Sprintf("figure %s %.4g %g %s", f.name, f.value, f.goal, verdict)
}

func (b *bench) figures() []figure {
	few, many := b.costs[0], b.costs[len(b.costs)-1]
	perMinute := b.steadyCPU.Seconds() / b.steadyTook.Minutes()
	return []figure{
		{"installs", float64(b.installs), 0},
		{"connect_seconds", b.connected.Seconds(), 90},
		{"ack_p99_milliseconds", float64(b.percentile(0.99).Microseconds()) / 1000, 250},
		{"report_cost_many_per_few", many.each() / few.each(), 1.2},
		{"ack_p50_milliseconds", float64(b.percentile(0.5).Microseconds()) / 1000, 0},
		{"ack_p999_milliseconds", float64(b.percentile(0.999).Microseconds()) / 1000, 0},
		{"gateway_processors_steady", b.steadyCPU.Seconds() / b.steadyTook.Seconds(), 0},
		{"gateway_ms_an_install_and_minute", perMinute * 1000 / float64(b.installs), 0},
		{"gateway_processor_seconds_to_connect", b.connectCPU.Seconds(), 0},
		{"gateway_resident_mib", float64(b.rss) / (1 << 20), 0},
		{"gateway_resident_high_mib", float64(b.rssHigh) / (1 << 20), 0},
		{"gateway_kib_an_install", float64(b.rss-b.idleRSS) / 1024 / float64(b.made), 0},
		{"series", b.series, 0},
		{"rules_milliseconds_a_minute", float64(b.rules.Microseconds()) / 1000, 0},
		{"rules_us_an_install_and_minute", float64(b.rules.Microseconds()) / float64(b.made), 0},
	}
}

func (b *bench) finish(folder string) error {
	if b.refused > 0 {
		return fmt.Errorf("the gateway refused %.0f reports or statements, so no figure counts", b.refused)
	}
	list := b.figures()
	for _, f := range list {
		fmt.Println(f)
	}
	for _, c := range b.costs {
		fmt.Printf("cost %d installs %.0f µs a report (%d reports)\n", c.installs, c.each(), c.reports)
	}
	if folder != "" {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "fleet.md"), b.markdown(list), 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "fleet.svg"), b.svg(), 0o644); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(list, figure.short) {
		return errShort
	}
	return nil
}

func (b *bench) markdown(list []figure) []byte {
	var w bytes.Buffer
	fmt.Fprintf(&w, `# A fleet's gateway under many installs

Written by `+"`make bench-fleet`"+`. %s, %d processors, %s, shared by the gateway and the installs.

%d installs, each with a certificate of the fleet's authority, TLS 1.3, a ledger, and the sample shop's reports: %d points
in about 5.3 kB, checked by the gate, stored in the local store, answered with a countersigned checkpoint. The gateway is
the collector's binary with config/fleet.yaml, its rules and its local store included. An acknowledgement's time counts
from when the report was due. Processor time is each process's own. The cost of a report is the gateway's processor time
while reports come, less what it takes at rest and for its rules, which run each minute and are told apart.

`, machine(), runtime.NumCPU(), runtime.Version(), b.installs, points)
	w.WriteString("```\n")
	for _, f := range list {
		fmt.Fprintln(&w, f)
	}
	w.WriteString("```\n\n![acknowledgements](fleet.svg)\n\n| installs | reports | gateway's processor time a report |\n|---|---|---|\n")
	for _, c := range b.costs {
		fmt.Fprintf(&w, "| %d | %d | %.0f µs |\n", c.installs, c.reports, c.each())
	}
	fmt.Fprintf(&w, "\n%d installs connected in %.1f s: the gateway took %.1f s of processor time, the installs %.1f s. In the steady minute the\ngateway took %.1f s, the installs %.1f s. Without installs the gateway takes %.1f %% of one processor and %d MiB.\n",
		b.installs, b.connected.Seconds(), b.connectCPU.Seconds(), b.connectOwn.Seconds(), b.steadyCPU.Seconds(), b.steadyOwn.Seconds(), 100*b.idle, b.idleRSS>>20)
	return w.Bytes()
}

// points of the sample shop's report.
const points = 57

func machine() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(data)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				return strings.TrimSpace(v)
			}
		}
	}
	return "unknown processor"
}

// svg draws the share of acknowledgements by time, logarithmic from 0.1 ms to 10 s.
func (b *bench) svg() []byte {
	const left, top, wide, high = 60, 30, 560, 220
	x := func(d time.Duration) float64 {
		ms := max(float64(d.Microseconds())/1000, 0.1)
		return left + wide*(math.Log10(ms)+1)/5
	}
	var w bytes.Buffer
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", left+wide+30, top+high+50)
	fmt.Fprintf(&w, `<rect width="100%%" height="100%%" fill="#fff"/><title>Share of reports acknowledged within a time</title>`+"\n")
	for i, label := range []string{"0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s"} {
		fmt.Fprintf(&w, `<path d="M%.0f %dv%d" stroke="#ddd"/><text x="%.0f" y="%d" text-anchor="middle">%s</text>`+"\n", left+wide*float64(i)/5, top, high, left+wide*float64(i)/5, top+high+16, label)
	}
	for i := range 5 {
		y := top + high*float64(i)/4
		fmt.Fprintf(&w, `<path d="M%d %.0fh%d" stroke="#eee"/><text x="%d" y="%.0f" text-anchor="end">%d %%</text>`+"\n", left, y, wide, left-6, y+4, 100-25*i)
	}
	goal := x(250 * time.Millisecond)
	fmt.Fprintf(&w, `<path d="M%.0f %dv%d" stroke="#b3412f" stroke-dasharray="4"/><text x="%.0f" y="%d" fill="#b3412f">goal for 99 %%: 250 ms</text>`+"\n", goal, top, high, goal-110, top-8)
	w.WriteString(`<path fill="none" stroke="#2f6f8f" stroke-width="2" d="`)
	for i := range 200 {
		share := float64(i) / 199
		op := "L"
		if i == 0 {
			op = "M"
		}
		fmt.Fprintf(&w, "%s%.1f %.1f", op, x(b.percentile(share)), top+high*(1-share))
	}
	w.WriteString("\"/>\n")
	fmt.Fprintf(&w, `<text x="%d" y="%d" text-anchor="middle">time from when the report was due to its acknowledgement</text>`+"\n</svg>\n", left+wide/2, top+high+36)
	return w.Bytes()
}
