package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	size := flag.Int64("mb", 64, "`size` of the corpus in MB; results that count take 1000")
	ours := flag.String("weir", "bin/weir-collector", "the collector's `program`")
	loki := flag.String("loki", "bin/peers/loki", "Loki's `program`, as make peers builds it; empty: measure without")
	folder := flag.String("o", "", "`folder` for logs.md and logs.svg; empty: only print")
	kept := flag.String("keep", "", "`file` of the parts that are done; those in it are not measured again, the next one is, and then it ends")
	flag.Parse()
	err := run(*size*1e6, *ours, *loki, *folder, *kept)
	switch {
	case err == nil:
	case errors.Is(err, errShort):
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "logs:", err)
		os.Exit(2)
	}
}

func run(bytes int64, ours, loki, folder, kept string) error {
	dir, err := os.MkdirTemp("", "bench-logs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	state, err := programs(ours, loki)
	if err != nil {
		return err
	}
	f := &figures{Of: fmt.Sprintf("%s, %d MB", state, bytes/1e6)}
	if err := f.read(kept); err != nil {
		return err
	}
	parts := []part{
		{"in process", func() error { return inProcess(f, dir, min(bytes, 128e6)) }},
		{"the same hour", func() error { return sameHour(f, dir, bytes) }},
	}
	if loki != "" {
		parts = append(parts,
			part{"against Loki", func() error { return against(f, dir, ours, loki, bytes) }},
			part{"Loki with gzip", func() error { return withGzip(f, dir, loki, bytes) }})
	}
	for i, p := range parts {
		if slices.Contains(f.Done, p.name) {
			continue
		}
		if err := p.measure(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		f.Done = append(f.Done, p.name)
		if err := f.keep(kept); err != nil {
			return err
		}
		if kept != "" && i+1 < len(parts) {
			return nil
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

// part is what is measured without a pause.
type part struct {
	name    string
	measure func() error
}

// against measures the collector and Loki side by side.
func against(f *figures, dir, ours, loki string, bytes int64) (err error) {
	var p pair
	if p.ours, err = newServer("ours", ours, "--config", weirConfig, filepath.Join(dir, "ours")); err != nil {
		return err
	}
	if p.loki, err = newLoki(loki, filepath.Join(dir, "loki"), "snappy"); err != nil {
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

// programs tells builds apart: by a sum over this program and those it measures.
func programs(files ...string) (string, error) {
	own, err := os.Executable()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, name := range append(files, own) {
		if name == "" {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(sum, f)
		f.Close()
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("programs %.8x", sum.Sum(nil)), nil
}
