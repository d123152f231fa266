package main

import (
	"encoding/json"
	"flag"
	"fmt"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

func runLedgerVerify(e env, args []string) int {
	fs := flag.NewFlagSet("ledger verify", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "")
	checkpoint := fs.String("checkpoint", "", "")
	if err := parseLedgerFlags(fs, "[--json] [--checkpoint FILE]", args); err != nil {
		return e.fail(err)
	}
	var external []byte
	if *checkpoint != "" {
		var err error
		if external, err = vfs.ReadFile(vfs.OS, *checkpoint); err != nil {
			return e.fail(fmt.Errorf("read checkpoint: %w", err))
		}
		if external == nil {
			external = []byte{} // an empty file is a checkpoint that says nothing, not none
		}
	}
	v, err := ledger.Verify(e.watch("ledger verify", e.ledgerDir()), e.ledgerDir(), external)
	if err != nil {
		return e.fail(e.ledgerError(err))
	}
	if *asJSON {
		if v.Faults == nil {
			v.Faults = []*ledger.Fault{}
		}
		_ = json.NewEncoder(e.out).Encode(struct {
			OK     bool   `json:"ok"`
			Folder string `json:"folder"`
			*ledger.Verification
		}{v.OK(), e.ledgerDir(), v})
	} else {
		printVerification(e, v, external != nil)
	}
	if !v.OK() {
		return exitNo
	}
	return exitYes
}

func printVerification(e env, v *ledger.Verification, external bool) {
	install := "unknown install"
	if v.Install != "" {
		install = "install " + plain(v.Install)
	}
	verdict := "whole"
	if n := len(v.Faults); n == 1 {
		verdict = "1 fault"
	} else if n > 1 {
		verdict = fmt.Sprintf("%d faults", n)
	}
	fmt.Fprintf(e.out, "%s: %s, %s\n", e.ledgerDir(), install, verdict)
	for _, f := range v.Faults {
		fmt.Fprintf(e.out, "  %v\n", f)
	}
	fmt.Fprintf(e.out, "  records  %d\n", v.Records)
	fmt.Fprintf(e.out, "  reports  %d, %d bytes, %d pending\n", v.Reports, v.Bytes, v.Pending)
	if v.Dropped > 0 {
		fmt.Fprintf(e.out, "  dropped  %d reports that had waited beyond the backlog's limit\n", v.Dropped)
	}
	if v.PrunedRecords > 0 || v.PrunedBodies > 0 {
		fmt.Fprintf(e.out, "  pruned   %d records, and the bodies of %d reports, by their age; their hashes are there\n", v.PrunedRecords, v.PrunedBodies)
	}
	if v.Receipts > 0 {
		fmt.Fprintf(e.out, "  receipts %d\n", v.Receipts)
	}
	fmt.Fprintf(e.out, "  signed   %d records\n", v.Signed)
	if v.Root != "" {
		fmt.Fprintf(e.out, "  root     %s\n", v.Root)
	}
	if v.OK() && external {
		fmt.Fprintln(e.out, "  the checkpoint held elsewhere agrees")
	}
	if v.Incomplete {
		fmt.Fprintln(e.out, "  the last record is incomplete: it is being written, or a crash cut it off before it was acknowledged")
	}
}
