package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

func logsCommands() []command {
	return []command{
		{
			name: "logs verify", usage: "[--json]", short: "Check every checksum of the stored logs, also while the edge runs.",
			run: runLogsVerify,
		},
		{
			name: "logs stats", usage: "[--json]", short: "Show what the stored logs are, by day: streams, entries, bytes, compression.",
			run: runLogsStats,
		},
	}
}

// logsDir is where the edge keeps its logs.
func (e env) logsDir() string { return filepath.Join(e.dataDir(), "logs") }

// logsError adds what to do when there are no logs.
func (e env) logsError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no logs in %s: the edge makes the folder when it starts; WEIR_DATA names the data folder", e.logsDir())
	}
	return err
}

func parseLogsFlags(name string, args []string) (asJSON bool, err error) {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.BoolVar(&asJSON, "json", false, "")
	return asJSON, parseLedgerFlags(fs, "[--json]", args)
}

func runLogsVerify(e env, args []string) int {
	asJSON, err := parseLogsFlags("logs verify", args)
	if err != nil {
		return e.fail(err)
	}
	r, err := logstore.Verify(context.Background(), vfs.OS, e.logsDir(), sayEvery(e, 2*time.Second))
	if err != nil {
		return e.fail(e.logsError(err))
	}
	ok := len(r.Faults) == 0
	if asJSON {
		_ = json.NewEncoder(e.out).Encode(struct {
			OK     bool   `json:"ok"`
			Folder string `json:"folder"`
			*logstore.Report
		}{ok, e.logsDir(), r})
	} else {
		printLogsReport(e, r)
	}
	if !ok {
		return exitNo
	}
	return exitYes
}

func printLogsReport(e env, r *logstore.Report) {
	verdict := "whole"
	if n := len(r.Faults); n == 1 {
		verdict = "1 fault"
	} else if n > 1 {
		verdict = fmt.Sprintf("%d faults", n)
	}
	fmt.Fprintf(e.out, "%s: %s\n", e.logsDir(), verdict)
	for _, f := range r.Faults {
		fmt.Fprintf(e.out, "  %v\n", f)
	}
	fmt.Fprintf(e.out, "  blocks   %d in %d files\n", r.Blocks, r.Files)
	fmt.Fprintf(e.out, "  log      %d frames in %d segments\n", r.Frames, r.Segments)
	fmt.Fprintf(e.out, "  entries  %d\n", r.Entries)
	fmt.Fprintf(e.out, "  bytes    %d\n", r.Bytes)
	if r.Incomplete {
		fmt.Fprintln(e.out, "  the log ends within a write that has not finished: it goes on, or a crash cut it off before it was acknowledged")
	}
	if len(r.Faults) > 0 {
		fmt.Fprintln(e.out, "  what a fault covers is left out of answers; all else is answered, and nothing has to be repaired")
	}
}

// sayEvery tells on the error stream how far a long check is.
func sayEvery(e env, every time.Duration) func(done, total int64) {
	last := time.Now()
	return func(done, total int64) {
		if now := time.Now(); now.Sub(last) >= every && total > 0 {
			last = now
			fmt.Fprintf(e.err, "weir: %d of %d MB (%d %%)\n", done/1e6, total/1e6, 100*done/total)
		}
	}
}
