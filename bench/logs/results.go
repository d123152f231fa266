package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

func (f *figures) write(folder string, size int64) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make the results' folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "logs.md"), f.markdown(size), 0o644); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "logs.svg"), f.svg(), 0o644); err != nil {
		return fmt.Errorf("write the plot: %w", err)
	}
	return nil
}

func (f *figures) markdown(size int64) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# The log store and its peers

Written by `+"`make bench-logs`"+`. %s, %d processors, %s, %s/%s. A corpus of %d MB: 50 streams of JSON, logfmt, plain text and
nginx lines over one hour, random trace ids in the lines of JSON and in the structured metadata of logfmt and plain text.

Both sides in one run, as processor time of the whole process, without what it takes when idle. Loki 3.7.8 is one
process without a cache of results (loki.yaml), with chunks in snappy, as its charts have it; both get the same requests in Loki's push format, and both
have all of it on the disk before they are asked. Before a figure counts the answers must be equal. Disk is disk over bytes
of lines, structured metadata and indexes included; Loki's is without the write-ahead log that it keeps for a while. Loki's
default is gzip, which takes less disk and more processor time: a second Loki gets the same requests with that, and the goal holds for both.
Blocks of ours are by shape ([decision 23](../../docs/decisions/0023-lines-by-shape.md)).

`, machine(), runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, size/1e6)
	b.WriteString("```\n")
	for _, x := range f.List {
		fmt.Fprintln(&b, x)
	}
	b.WriteString("```\n\n![how much better than its goal each figure is](logs.svg)\n\n| what | is |\n|---|---|\n")
	for _, n := range f.Notes {
		fmt.Fprintf(&b, "| %s | %s |\n", n.Name, n.text())
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

// svg draws how many times better than its goal each figure is; the line is the
// goal.
func (f *figures) svg() []byte {
	const left, wide, high, right, most = 330, 420, 20, 110, 3.0
	height := high*len(f.List) + 40
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", left+wide+right, height)
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/><title>Times better than the goal</title>` + "\n")
	for i, x := range f.List {
		y := 12 + high*i
		width := wide * min(x.margin(), most) / most
		color := "#2f6f8f"
		if x.short() {
			color = "#b5533c"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d">%.3g (goal %g)</text>`+"\n",
			left-6, y+12, x.Name, left, y, width, high-5, color, left+width+4, y+12, x.Value, x.Goal)
	}
	x := left + wide/most
	fmt.Fprintf(&b, `<path d="M%.0f 6V%d" stroke="#222" stroke-dasharray="3 3"/><text x="%.0f" y="%d" text-anchor="middle">the goal</text>`+"\n</svg>\n", x, height-22, x, height-8)
	return b.Bytes()
}
