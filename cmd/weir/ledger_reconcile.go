package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/fleet/receipts"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

const ledgerReconcileUsage = "[--json] [--fleet-key FILE] --receipts FILE"

func runLedgerReconcile(e env, args []string) int {
	var asJSON bool
	var file, keyFile string
	rest, err := parseArgs("ledger reconcile", ledgerReconcileUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
		fs.StringVar(&file, "receipts", "", "")
		fs.StringVar(&keyFile, "fleet-key", "", "")
	})
	if err == nil && (len(rest) > 0 || file == "") {
		err = fmt.Errorf("%w: usage: weir ledger reconcile %s", errUsage, ledgerReconcileUsage)
	}
	if err != nil {
		return e.fail(err)
	}
	fleet, err := e.fleetKey(keyFile)
	if err != nil {
		return e.fail(err)
	}
	fsys := e.watch("ledger reconcile", e.ledgerDir())
	b, err := ledger.OpenBook(fsys, e.ledgerDir())
	if err != nil {
		return e.fail(e.ledgerError(err))
	}
	var held []ledger.Held
	err = readReceipts(file, func(r receipts.Receipt) error {
		if r.Install != b.Checkpoint.Install {
			return fmt.Errorf("receipts are those of install %s, the ledger is that of %s", plain(r.Install), b.Checkpoint.Install)
		}
		held = append(held, ledger.Held{Sequence: r.Sequence, Index: r.Index, SHA256: r.SHA256, Checkpoint: []byte(r.Checkpoint)})
		return nil
	})
	if err != nil {
		return e.fail(err)
	}
	r, err := ledger.Reconcile(fsys, e.ledgerDir(), held, fleet)
	if err != nil {
		return e.fail(err)
	}
	code := exitYes
	if !r.OK() {
		code = exitNo
	}
	if asJSON {
		return e.json(struct {
			OK      bool `json:"ok"`
			Checked bool `json:"signatures_checked"` // the fleet's
			*ledger.Reconciliation
		}{r.OK(), fleet != nil, r}, code)
	}
	e.sayReconciliation(r, fleet != nil)
	return code
}

func (e env) sayReconciliation(r *ledger.Reconciliation, checked bool) {
	verdict := "edge and fleet agree"
	if n := len(r.Differences); n == 1 {
		verdict = "1 difference"
	} else if n > 1 {
		verdict = fmt.Sprintf("%d differences", n)
	}
	fmt.Fprintf(e.out, "install %s: %s\n", plain(r.Install), verdict)
	for _, d := range r.Differences {
		fmt.Fprintf(e.out, "  at the %s: sequence %d, record %d: %s\n", d.Side, d.Sequence, d.Index, d.What)
	}
	for _, l := range []struct {
		n    int64
		what string
	}{
		{r.Reports, "reports in the ledger"},
		{r.Receipts, "receipts at the fleet"},
		{r.Agree, "the same on both sides"},
		{r.Waiting, "at the fleet, their answer not yet at the edge"},
		{r.Pending, "wait at the edge"},
		{r.Unproven, "acknowledged without a receipt"},
		{r.Refused, "refused or dropped"},
		{r.Gone, "at the fleet, pruned at the edge"},
	} {
		if l.n > 0 {
			fmt.Fprintf(e.out, "  %8d %s\n", l.n, l.what)
		}
	}
	if !checked {
		fmt.Fprintln(e.out, "  the fleet's signatures were not checked: this edge is not enrolled, and no --fleet-key is given")
	}
}

// fleetKey is the key of the fleet's receipts: from a file, or that of the
// fleet that this edge is enrolled with, or nil.
func (e env) fleetKey(file string) (note.Verifier, error) {
	if file == "" {
		id, err := identity.Load(vfs.OS, e.dataDir())
		if errors.Is(err, identity.ErrNone) {
			return nil, nil
		}
		return id.Fleet, err
	}
	b, err := vfs.ReadFile(vfs.OS, file)
	if err != nil {
		return nil, fmt.Errorf("read the fleet's key: %w", err)
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, fmt.Errorf("read the fleet's key: %s holds none; it is one line, NAME+HASH+KEY", file)
	}
	return v, nil
}

func readReceipts(file string, visit func(receipts.Receipt) error) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read receipts: %w", err)
	}
	defer f.Close()
	if err := receipts.Read(f, visit); err != nil {
		return fmt.Errorf("read receipts: %s: %w", file, err)
	}
	return nil
}
