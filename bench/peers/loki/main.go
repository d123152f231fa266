package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"
)

func main() {
	lokiBinary := flag.String("loki", "bin/peers/loki", "the `program` to be judged by")
	weirBinary := flag.String("weir", "bin/weir-collector", "the `program` to be judged")
	doc := flag.String("known", "docs/logql.md", "the `file` that lists the differences")
	boards := flag.String("dashboards", "dashboards", "the `folder` with the dashboards, whose queries are asked as well")
	only := flag.String("only", "", "ask only questions whose names match this `pattern`")
	stay := flag.Bool("stay", false, "when all is asked, leave both running until interrupted, to be asked by hand")
	verbose := flag.Bool("v", false, "print the differences that are explained, too")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	ok, err := run(ctx, *lokiBinary, *weirBinary, *doc, *boards, *only, *verbose, *stay)
	if err != nil {
		fmt.Fprintln(os.Stderr, "referee:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context, lokiBinary, weirBinary, doc, boards, only string, verbose, stay bool) (bool, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return false, err
	}
	list, err := readKnown(doc)
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "referee")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	loki, err := start(ctx, "loki", lokiBinary, lokiConfig, "-config.file", dir+"/loki")
	if err != nil {
		return false, err
	}
	defer loki.stop()
	weir, err := start(ctx, "weir", weirBinary, weirConfig, "--config", dir+"/weir")
	if err != nil {
		return false, err
	}
	defer weir.stop()

	// Whole hours, so that steps and windows fall the same way in every run.
	begin := time.Now().Truncate(time.Hour).Add(-time.Hour)
	written, err := loadBoth(ctx, loki, weir, begin)
	if err != nil {
		return false, err
	}
	all, err := questions(begin)
	if err != nil {
		return false, err
	}
	more, err := ofDashboards(boards, begin)
	if err != nil {
		return false, err
	}
	all = append(all, more...)
	t := tally{known: list, verbose: verbose, groups: map[string]*count{}}
	formatted := map[string]bool{}
	for _, q := range all {
		if !pattern.MatchString(q.name) {
			continue
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		want, err := ask(loki, q)
		if err != nil {
			return false, fmt.Errorf("%s: ask loki: %w: %s", q.name, err, tail(loki.log))
		}
		got, err := ask(weir, q)
		if err != nil {
			return false, fmt.Errorf("%s: ask weir: %w: %s", q.name, err, tail(weir.log))
		}
		if q.ties {
			sortTies(want.body)
			sortTies(got.body)
		}
		t.judge(q.group, q.name, strings.TrimPrefix(q.path, "/loki/api/v1/"), compare(q.path, want, got), want.holds())
		if q.query == "" || formatted[q.query] || want.status != http.StatusOK {
			continue
		}
		formatted[q.query] = true
		difference, asked, err := compareFormats(loki, weir, q.query)
		if err != nil {
			return false, err
		}
		if asked {
			t.judge("format", "format: "+q.query, "format_query", difference, true)
		}
	}
	for _, query := range []string{`{app="tailed"}`, `{app="tailed"} | json | odd="true" | line_format "{{.n}}"`} {
		if name := "tail: " + query; pattern.MatchString(name) {
			difference, err := compareTails(loki, weir, query)
			if err != nil {
				return false, err
			}
			t.judge("tail", name, "tail", difference, true)
		}
	}
	for _, selector := range []string{`{app="api"}`, `{app="worker"}`, `{app="cron"}`, `{app="web"}`, `{app="wörld"}`, `{app="tty"}`, `{app="dump"}`, `{app="broken"}`, `{app="twice"}`, `{service_name=~"shop.*"}`} {
		if name := "patterns: " + selector; pattern.MatchString(name) {
			difference, err := comparePatterns(loki, weir, selector, begin)
			if err != nil {
				return false, err
			}
			t.judge("patterns", name, "patterns", difference, true)
		}
	}
	if n, err := blocks(weir, begin); err != nil {
		return false, err
	} else if n != written {
		return false, fmt.Errorf("weir had %v blocks before it was asked and has %v: what came late is no longer in its head", written, n)
	}
	ok := t.report(only == "")
	if stay {
		fmt.Printf("loki %s\nweir %s\nbegin %d\n", loki.base, weir.base, begin.UnixNano())
		<-ctx.Done()
	}
	return ok, nil
}
