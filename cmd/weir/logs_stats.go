package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

func runLogsStats(e env, args []string) int {
	asJSON, err := parseLogsFlags("logs stats", args)
	if err != nil {
		return e.fail(err)
	}
	in, err := logstore.Inspect(context.Background(), vfs.OS, e.logsDir())
	if err != nil {
		return e.fail(e.logsError(err))
	}
	if asJSON {
		_ = json.NewEncoder(e.out).Encode(struct {
			Folder string `json:"folder"`
			*logstore.Inspection
		}{e.logsDir(), in})
		return exitYes
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "DAY\tSTREAMS\tFILES\tBLOCKS\tENTRIES\tLINES\tDISK\tDISK/LINES\t")
	row := func(name, streams, files, blocks string, d logstore.DayStats) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%.3f\t\n", name, streams, files, blocks, d.Entries, d.LineBytes, d.DiskBytes, d.Ratio())
	}
	for _, d := range in.Days {
		row(d.Day, fmt.Sprint(d.Streams), fmt.Sprint(d.Files), fmt.Sprint(d.Blocks), d)
	}
	wal := logstore.DayStats{Entries: in.WAL.Entries, LineBytes: in.WAL.LineBytes, DiskBytes: in.WAL.DiskBytes}
	row("log", "-", fmt.Sprint(in.WAL.Segments), "-", wal)
	row("all", fmt.Sprint(in.Total.Streams), fmt.Sprint(in.Total.Files+in.WAL.Segments), fmt.Sprint(in.Total.Blocks), in.Total)
	_ = w.Flush()
	if in.Unindexed > 0 {
		fmt.Fprintf(e.out, "%d files have a damaged index; 'weir logs verify' names them\n", in.Unindexed)
	}
	return exitYes
}
