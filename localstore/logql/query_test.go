package logql

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

var update = flag.Bool("update", false, "rewrite the expected answers")

// Every testdata/*.txtar holds a file "logs" and then files that are a query
// each: parameters on the first line, the query, a line of dashes, the answer.
func TestQueriesAnswerAsDocumented(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			ar := txtar.Parse(data)
			var store *memory
			for i, f := range ar.Files {
				if f.Name == "logs" {
					store = readLogs(t, string(f.Data))
					continue
				}
				t.Run(f.Name, func(t *testing.T) {
					ask, want, _ := strings.Cut(string(f.Data), "----\n")
					got := answer(t, store, ask)
					ar.Files[i].Data = []byte(ask + "----\n" + got)
					if !*update {
						require.Equal(t, want, got)
					}
				})
			}
			if *update {
				require.NoError(t, os.WriteFile(path, txtar.Format(ar), 0o644))
			}
		})
	}
}

// readLogs reads lines such as: 1m {app="a"} {trace="b"} the line. A line
// between double quotes is unquoted.
func readLogs(t *testing.T, text string) *memory {
	m := &memory{}
	sc := bufio.NewScanner(strings.NewReader(text))
	for sc.Scan() {
		if strings.TrimSpace(sc.Text()) == "" {
			continue
		}
		at, rest, _ := strings.Cut(sc.Text(), " ")
		d, err := syntax.ParseDuration(at)
		require.NoError(t, err, sc.Text())
		parts := strings.SplitN(rest, "} ", 3)
		require.Len(t, parts, 3, sc.Text())
		stream, err := parser.ParseMetric(parts[0] + "}")
		require.NoError(t, err, sc.Text())
		meta, err := parser.ParseMetric(parts[1] + "}")
		require.NoError(t, err, sc.Text())
		line := parts[2]
		if unquoted, err := strconv.Unquote(line); err == nil {
			line = unquoted
		}
		m.add(stream, d, line)
		m.records[len(m.records)-1].Metadata = meta
	}
	return m
}

func answer(t *testing.T, store *memory, ask string) string {
	head, query, _ := strings.Cut(ask, "\n")
	p := Params{Start: time.Unix(0, 0), End: time.Unix(3600, 0), Step: time.Minute}
	for _, field := range strings.Fields(head) {
		name, value, _ := strings.Cut(field, "=")
		d, _ := syntax.ParseDuration(value)
		switch name {
		case "range":
		case "start":
			p.Start = time.Unix(0, int64(d))
		case "end":
			p.End = time.Unix(0, int64(d))
		case "step":
			p.Step = d
		case "interval":
			p.Interval = d
		case "at":
			p.Instant, p.End = true, time.Unix(0, int64(d))
		case "limit":
			p.Limit, _ = strconv.Atoi(value)
		case "forward":
			p.Direction = Forward
		case "categorize":
			p.Categorize = true
		default:
			t.Fatalf("unknown parameter %q", field)
		}
	}
	e := NewEngine(store, Options{Now: func() time.Time { return time.Unix(100, 0) }})
	res, err := e.Query(context.Background(), strings.TrimSpace(query), p)
	if err != nil {
		return "error: " + strings.TrimSpace(err.Error()) + "\n"
	}
	return show(res.Value)
}

func show(v Value) string {
	var b strings.Builder
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	switch v := v.(type) {
	case Streams:
		for _, s := range v {
			fmt.Fprintf(&b, "%s\n", s.Labels)
			for _, e := range s.Entries {
				fmt.Fprintf(&b, "  %s %q", time.Duration(e.Timestamp), e.Line)
				if !e.Metadata.IsEmpty() || !e.Parsed.IsEmpty() {
					fmt.Fprintf(&b, " metadata%s parsed%s", e.Metadata, e.Parsed)
				}
				b.WriteByte('\n')
			}
		}
	case Matrix:
		for _, s := range v {
			b.WriteString(s.Metric.String())
			for _, p := range s.Points {
				fmt.Fprintf(&b, " %s:%s", time.Duration(p.T)*time.Millisecond, number(p.V))
			}
			b.WriteByte('\n')
		}
	case Vector:
		for _, s := range v {
			fmt.Fprintf(&b, "%s %s\n", s.Metric, number(s.V))
		}
	case Scalar:
		fmt.Fprintf(&b, "scalar %s\n", number(v.V))
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}
