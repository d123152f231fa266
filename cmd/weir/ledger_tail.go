package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

const followEvery = time.Second

func runLedgerTail(e env, args []string) int {
	fs := flag.NewFlagSet("ledger tail", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "")
	n := fs.Int64("n", 20, "")
	follow := fs.Bool("follow", false, "")
	if err := parseLedgerFlags(fs, "[--json] [-n N] [--follow]", args); err != nil {
		return e.fail(err)
	}
	if *n < 0 {
		return e.fail(fmt.Errorf("%w: -n must not be negative", errUsage))
	}
	r, err := ledger.NewReader(vfs.OS, e.ledgerDir(), *n)
	if err != nil {
		return e.fail(e.ledgerError(err))
	}
	t := tail{env: e, json: *asJSON, reader: r}
	t.heading()
	if err := t.show(); err != nil {
		return e.fail(err)
	}
	if !*follow {
		return exitYes
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return t.follow(ctx)
}

// tail prints records as they come.
type tail struct {
	env    env
	json   bool
	reader *ledger.Reader
}

// tailRow is one record as it is shown.
type tailRow struct {
	Index       int64     `json:"index"`
	Time        time.Time `json:"time"`
	Kind        string    `json:"kind"`
	Sequence    uint64    `json:"sequence,omitempty"`
	Bytes       int       `json:"bytes"`
	SHA256      string    `json:"sha256"` // of the body
	Policy      string    `json:"policy"` // its digest
	Destination string    `json:"destination"`
	// State of a report: pending, acknowledged, refused or dropped, as far as
	// the ledger says it now. Of an outcome or a drop: what it says. Else empty.
	State string `json:"state,omitempty"`
}

func rowOf(r *ledger.Record) tailRow {
	about := r.About()
	return tailRow{
		Index: r.Index, Time: r.Time, Kind: r.Kind.String(), Sequence: r.Sequence, Bytes: about.Size,
		SHA256: hex.EncodeToString(about.SHA256[:]), Policy: hex.EncodeToString(r.PolicyDigest[:]), Destination: r.Destination,
	}
}

func (t *tail) heading() {
	if !t.json {
		t.line("INDEX", "TIME", "KIND", "SEQUENCE", "BYTES", "DESTINATION", "STATE")
	}
}

func (t *tail) line(index, at, kind, sequence, bytes, destination, state string) {
	fmt.Fprintf(t.env.out, "%8s  %-20s  %-10s  %8s  %8s  %-36s  %s\n", index, at, kind, sequence, bytes, destination, state)
}

// show prints what has been written since the last time. The outcome of a
// report comes after it, so whatever is known of its state is among them.
func (t *tail) show() error {
	var rows []tailRow
	at := map[int64]int{} // of reports
	err := t.reader.Read(func(r ledger.Record) error {
		row := rowOf(&r)
		switch r.Kind {
		case ledger.KindReport:
			row.State = "pending"
			at[r.Index] = len(rows)
		case ledger.KindOutcome:
			if o, err := ledger.ParseOutcome(r.Body); err == nil {
				row.State = string(o.Result)
				if i, ok := at[o.Report]; ok {
					rows[i].State = string(o.Result)
				}
			}
		}
		if d, err := ledger.ParseDrop(r.Body); r.Kind == ledger.KindDrop && err == nil {
			row.State = fmt.Sprintf("%d dropped", d.Count)
			for index, i := range at {
				if d.From <= index && index <= d.To && rows[i].State == "pending" {
					rows[i].State = "dropped"
				}
			}
		}
		rows = append(rows, row)
		return nil
	})
	for _, row := range rows {
		t.print(row)
	}
	return err
}

func (t *tail) print(r tailRow) {
	if t.json {
		_ = json.NewEncoder(t.env.out).Encode(r)
		return
	}
	sequence, destination, state := "-", "-", "-"
	if r.Sequence != 0 {
		sequence = strconv.FormatUint(r.Sequence, 10)
	}
	if r.Destination != "" {
		destination = plain(r.Destination)
	}
	if r.State != "" {
		state = plain(r.State)
	}
	t.line(strconv.FormatInt(r.Index, 10), r.Time.Format(time.RFC3339), r.Kind, sequence, strconv.Itoa(r.Bytes), destination, state)
}

// follow prints what comes until ctx ends.
func (t *tail) follow(ctx context.Context) int {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return exitYes
		case <-tick.C:
			if err := t.show(); err != nil {
				return t.env.fail(err)
			}
		}
	}
}
