package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/fleet/receipts"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

const (
	ledgerExportUsage = "[--json] [--from INDEX] [--to INDEX] [--recipient AGE-KEY]... FILE"
	ledgerImportUsage = "[--json] [--fleet-key FILE] FILE"
)

// recipients are the --recipient flags.
type recipients []age.Recipient

func (r *recipients) String() string { return "" }

func (r *recipients) Set(s string) error {
	list, err := age.ParseRecipients(strings.NewReader(s))
	*r = append(*r, list...)
	return err
}

// runLedgerExport writes what waits, or what is asked for, into one file. It
// takes no lock: the edge may run.
func runLedgerExport(e env, args []string) int {
	var asJSON bool
	var to recipients
	o := ledger.ExportOptions{From: -1}
	rest, err := parseArgs("ledger export", ledgerExportUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
		fs.Int64Var(&o.From, "from", -1, "")
		fs.Int64Var(&o.To, "to", 0, "")
		fs.Var(&to, "recipient", "")
	})
	if err == nil && (len(rest) != 1 || o.From < -1 || o.To < 0) {
		err = fmt.Errorf("%w: usage: weir ledger export %s", errUsage, ledgerExportUsage)
	}
	if err != nil {
		return e.fail(err)
	}
	o.Recipients = to
	s, err := e.export(rest[0], o)
	if errors.Is(err, ledger.ErrNothing) {
		return e.fail(fmt.Errorf("%w: no report waits; --from INDEX exports what has been sent", err))
	}
	if err != nil {
		return e.fail(e.ledgerError(err))
	}
	if asJSON {
		return e.json(s, exitYes)
	}
	secret := "not encrypted"
	if len(to) > 0 {
		secret = "encrypted"
	}
	fmt.Fprintf(e.out, "%s: records %d to %d of install %s with %d bytes of reports (%d), signed, %s\n", rest[0], s.From, s.To-1, plain(s.Install), s.Bytes, s.Reports, secret)
	fmt.Fprintf(e.out, "  carry it to the fleet: weir fleet import; bring the receipts back: weir ledger import\n")
	return exitYes
}

func (e env) export(file string, o ledger.ExportOptions) (ledger.Summary, error) {
	fsys := e.watch("ledger export", e.ledgerDir())
	if o.From < 0 {
		b, err := ledger.OpenBook(fsys, e.ledgerDir())
		if err != nil {
			return ledger.Summary{}, err
		}
		pending, err := b.Pending()
		if err != nil {
			return ledger.Summary{}, err
		}
		if len(pending) == 0 {
			return ledger.Summary{}, ledger.ErrNothing
		}
		o.From = pending[0].Index
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return ledger.Summary{}, fmt.Errorf("%s exists; choose another name", file)
	}
	if err != nil {
		return ledger.Summary{}, err
	}
	s, err := ledger.Export(fsys, e.ledgerDir(), f, o)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(file) // it is ours, and not whole
	}
	return s, err
}

// imported is what an import did.
type imported struct {
	Recorded int `json:"recorded"` // reports that wait no longer
	Known    int `json:"known"`    // reports that waited no more
	Refused  int `json:"refused"`
	// Reasons for refusing, the first of each report.
	Reasons []importReason `json:"reasons"`
}

type importReason struct {
	Sequence uint64 `json:"sequence"`
	What     string `json:"what"`
}

// runLedgerImport records the receipts that came back. The ledger has one
// writer: the edge must not run meanwhile.
func runLedgerImport(e env, args []string) int {
	var asJSON bool
	var keyFile string
	rest, err := parseArgs("ledger import", ledgerImportUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
		fs.StringVar(&keyFile, "fleet-key", "", "")
	})
	if err == nil && len(rest) != 1 {
		err = fmt.Errorf("%w: usage: weir ledger import %s", errUsage, ledgerImportUsage)
	}
	if err != nil {
		return e.fail(err)
	}
	fleet, err := e.fleetKey(keyFile)
	if err == nil && fleet == nil {
		err = errors.New("whose receipts are these? This edge is not enrolled: name the fleet's key with --fleet-key FILE")
	}
	if err != nil {
		return e.fail(err)
	}
	in, err := e.importReceipts(rest[0], fleet)
	if err != nil {
		return e.fail(e.ledgerError(err))
	}
	code := exitYes
	if in.Refused > 0 {
		code = exitNo
	}
	if asJSON {
		return e.json(in, code)
	}
	fmt.Fprintf(e.out, "%d recorded, %d known already, %d refused\n", in.Recorded, in.Known, in.Refused)
	for _, r := range in.Reasons {
		fmt.Fprintf(e.out, "  sequence %d: %s\n", r.Sequence, r.What)
	}
	return code
}

func (e env) importReceipts(file string, fleet note.Verifier) (imported, error) {
	in := imported{Reasons: []importReason{}}
	b, err := ledger.OpenBook(vfs.OS, e.ledgerDir())
	if err != nil {
		return in, err
	}
	l, err := ledger.Open(vfs.OS, e.ledgerDir(), ledger.Options{Install: b.Checkpoint.Install})
	if errors.Is(err, vfs.ErrLocked) {
		return in, errors.New("the edge is running and has the ledger; stop it, import, and start it again")
	}
	if err != nil {
		return in, err
	}
	pending := map[uint64]ledger.Entry{}
	for _, x := range l.Pending() {
		pending[x.Sequence] = x
	}
	next := l.NextSequence()
	err = readReceipts(file, func(r receipts.Receipt) error {
		x, waits := pending[r.Sequence]
		var what string
		switch {
		case r.Install != b.Checkpoint.Install:
			what = "receipt is another install's"
		case r.Sequence == 0 || r.Sequence >= next:
			what = "the ledger has no such report"
		case !waits:
			in.Known++
			return nil
		default:
			var err error
			if what, err = take(l, x, r, fleet); err != nil {
				return err
			}
			delete(pending, r.Sequence)
		}
		if what == "" {
			in.Recorded++
			return nil
		}
		in.Refused++
		in.Reasons = append(in.Reasons, importReason{r.Sequence, what})
		return nil
	})
	return in, errors.Join(err, l.Close())
}

// take records one receipt as the outcome of a report that waits, or says what
// is wrong with it.
func take(l *ledger.Ledger, x ledger.Entry, r receipts.Receipt, fleet note.Verifier) (string, error) {
	report, ok, err := l.Oldest(func(e ledger.Entry) bool { return e.Index == x.Index })
	if err != nil || !ok {
		return "", err
	}
	sum := sha256.Sum256(report.Body)
	if r.Index != x.Index || r.SHA256 != hex.EncodeToString(sum[:]) {
		return "receipt is for another report", nil
	}
	if !ledger.Countersigned([]byte(r.Checkpoint), fleet) {
		return "receipt is not signed by the fleet's key", nil
	}
	_, err = l.Append(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx", Receipt: r.Checkpoint}.Record(&report))
	var refusal ledger.Refusal
	if errors.As(err, &refusal) {
		return refusal.Error(), nil
	}
	return "", err
}
