package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
)

// markdown is bench/results/redaction.md.
func (f *figures) markdown(how string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# The redaction engine's hot path

Written by `+"`make bench-redaction`"+`. %s, %d processors, %s, %s/%s. %s.

Processor time of the whole process, in batches that were just decoded and have left the cache since, attributes in
random order, the garbage collector off while the time is taken. Each figure is the median over the rounds of a ratio
within one round. Before any figure counts, both sides are compared, with 50 points a metric and with 4: the same kept
data, input bytes unchanged, no canary in the report; and what the timed tables say they kept is what they should have. What was tried to make it faster is in docs/decisions/0013-the-hot-path.md.

`, machine(), runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, how)
	b.WriteString("```\n")
	for _, x := range f.list {
		fmt.Fprintln(&b, x)
	}
	b.WriteString("```\n\n")
	var short []figure
	for _, x := range f.list {
		if x.short() {
			short = append(short, x)
		}
	}
	if len(short) > 0 {
		b.WriteString("## What falls short\n\n| figure | is | goal | factor missing |\n|---|---|---|---|\n")
		for _, x := range short {
			factor := x.value / x.goal
			if x.least {
				factor = x.goal / x.value
			}
			fmt.Fprintf(&b, "| %s | %.3g | %g | %.2g |\n", x.name, x.value, x.goal, factor)
		}
		b.WriteString("\n")
	}
	b.WriteString("## Times\n\n![nanoseconds an item](redaction.svg)\n\n| what | ns an item, median |\n|---|---|\n")
	for _, name := range f.timed() {
		fmt.Fprintf(&b, "| %s | %.1f |\n", name, median(f.s[name]))
	}
	return b.Bytes()
}

// machine is the processor's name for itself.
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

// svg draws the times as bars on a logarithmic scale from 1 ns.
func (f *figures) svg() []byte {
	const left, wide, high, right = 190, 480, 18, 80
	names := f.timed()
	most := 10.0
	for _, name := range names {
		most = max(most, median(f.s[name]))
	}
	decades := math.Ceil(math.Log10(most))
	height := high*len(names) + 40
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", left+wide+right, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/><title>Nanoseconds an item, logarithmic</title>`+"\n")
	for d := 0.0; d <= decades; d++ {
		x := left + wide*d/decades
		fmt.Fprintf(&b, `<path d="M%.0f 10V%d" stroke="#ddd"/><text x="%.0f" y="%d" text-anchor="middle">%g ns</text>`+"\n", x, height-25, x, height-10, math.Pow(10, d))
	}
	for i, name := range names {
		ns := median(f.s[name])
		width := wide * max(math.Log10(max(ns, 1)), 0.01) / decades
		color := "#b9a47c" // a peer, or the reference
		if strings.HasPrefix(name, "observe") || strings.HasPrefix(name, "count") || strings.Contains(name, "goroutine") {
			color = "#2f6f8f"
		}
		y := 12 + high*i
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d">%.1f</text>`+"\n",
			left-6, y+11, name, left, y, width, high-4, color, left+width+4, y+11, ns)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
