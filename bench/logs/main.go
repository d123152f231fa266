package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	size := flag.Int64("mb", 64, "`size` of the corpus in MB; results that count take 1000")
	ours := flag.String("weir", "bin/weir-collector", "the collector's `program`")
	loki := flag.String("loki", "bin/peers/loki", "Loki's `program`, as make peers builds it; empty: measure without")
	folder := flag.String("o", "", "`folder` for logs.md and logs.svg; empty: only print")
	flag.Parse()
	err := run(*size*1e6, *ours, *loki, *folder)
	switch {
	case err == nil:
	case errors.Is(err, errShort):
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "logs:", err)
		os.Exit(2)
	}
}

func run(bytes int64, ours, loki, folder string) error {
	dir, err := os.MkdirTemp("", "bench-logs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f := &figures{}
	if err := inProcess(f, dir, min(bytes, 128e6)); err != nil {
		return fmt.Errorf("in process: %w", err)
	}
	if err := sameHour(f, dir, min(bytes, 250e6)); err != nil {
		return fmt.Errorf("the same hour: %w", err)
	}
	if loki != "" {
		if err := against(f, dir, ours, loki, bytes); err != nil {
			return fmt.Errorf("against Loki: %w", err)
		}
	}
	if folder != "" {
		if err := f.write(folder, bytes); err != nil {
			return err
		}
	}
	if f.anyShort() {
		return errShort
	}
	return nil
}

// against measures the collector and Loki side by side.
func against(f *figures, dir, ours, loki string, bytes int64) (err error) {
	var p pair
	if p.ours, err = newServer("ours", ours, "--config", weirConfig, filepath.Join(dir, "ours")); err != nil {
		return err
	}
	if p.loki, err = newServer("loki", loki, "-config.file", lokiConfig, filepath.Join(dir, "loki")); err != nil {
		return err
	}
	defer p.stop()
	if err := p.each(func(s *server) error { return errors.Join(s.start(), s.rest(time.Second)) }); err != nil {
		return err
	}
	end := time.Now().Truncate(time.Minute)
	begin := end.Add(-time.Hour)
	c, err := ingest(f, p, begin, time.Hour, bytes)
	if err != nil {
		return err
	}
	return askAll(f, p, questions(c, begin, end))
}
