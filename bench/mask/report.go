//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// report gathers what was measured.
type report struct {
	notes, lines []string
	order        []string
	times        map[string][]float64
	ratios       map[string][]float64
	short        int
}

func (r *report) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

func (r *report) time(name string, ns float64) {
	if r.times == nil {
		r.times = map[string][]float64{}
	}
	if r.times[name] == nil {
		r.order = append(r.order, name)
	}
	r.times[name] = append(r.times[name], ns)
}

func (r *report) ratio(name string, v float64) {
	if r.ratios == nil {
		r.ratios = map[string][]float64{}
	}
	r.ratios[name] = append(r.ratios[name], v)
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

func (r *report) atLeast(name string, goal float64) {
	verdict, v := "ok", median(r.ratios[name])
	if v < goal {
		verdict = "short"
		r.short++
	}
	line := fmt.Sprintf("figure %s %.3g %g %s", name, v, goal, verdict)
	fmt.Println(line)
	r.lines = append(r.lines, line)
}

// machine is what kind of processor this is, as it calls itself.
func machine() string {
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(info)) {
			if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s", model, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func (r *report) markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Masking\n\n`go -C bench run ./mask -results results/mask.md` on %s.\n%s.\n", machine(), strings.Join(r.notes, ". "))
	b.WriteString("Processor time, all sides in one run, median of the rounds; each figure is the median of the ratios within a round.\nAll sides mask the same lines, which is checked first.\n\n```\n")
	for _, l := range r.lines {
		fmt.Fprintln(&b, l)
	}
	b.WriteString("```\n\n| | ns a byte | MB/s a core |\n|---|---|---|\n")
	for _, name := range r.order {
		fmt.Fprintf(&b, "| %s | %.3f | %.0f |\n", name, median(r.times[name]), 1e3/median(r.times[name]))
	}
	return b.Bytes()
}
