package main

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weir-telemetry/weir/ledger"
	words "github.com/weir-telemetry/weir/redaction/plain"
	"github.com/weir-telemetry/weir/redaction/policy"
)

const ledgerShowUsage = "[--json] [--hex] INDEX"

// shown is one record as it is shown.
type shown struct {
	tailRow
	Pruned bool          `json:"pruned,omitempty"` // the body is gone, by age
	Body   []byte        `json:"body,omitempty"`   // exactly what was recorded
	Rules  *shownPolicy  `json:"policy_text,omitempty"`
	Fate   *shownFate    `json:"fate,omitempty"`
	Proof  shownProof    `json:"proof"`
	Report *words.Report `json:"report,omitempty"`
}

type shownPolicy struct {
	Record   int64  `json:"record"`
	Product  string `json:"product"`
	Revision int    `json:"revision"`
}

type shownFate struct {
	Record  int64  `json:"record"`
	State   string `json:"state"`
	Status  string `json:"status,omitempty"`
	Receipt string `json:"receipt,omitempty"`
}

// shownProof says that the record is in the tree that the checkpoint signs.
type shownProof struct {
	Leaf   string   `json:"leaf"`
	Size   int64    `json:"size"`
	Root   string   `json:"root"`
	Hashes []string `json:"hashes"`
	Signed bool     `json:"signed"` // false: it was appended after the last checkpoint
}

func runLedgerShow(e env, args []string) int {
	var asJSON, asHex bool
	rest, err := parseArgs("ledger show", ledgerShowUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
		fs.BoolVar(&asHex, "hex", false, "")
	})
	var index int64 = -1
	if err == nil && len(rest) == 1 {
		if n, perr := strconv.ParseInt(rest[0], 10, 64); perr == nil {
			index = n
		}
	}
	if err == nil && index < 0 {
		err = fmt.Errorf("%w: usage: weir ledger show %s", errUsage, ledgerShowUsage)
	}
	if err != nil {
		return e.fail(err)
	}
	b, err := ledger.OpenBook(e.watch("ledger show", e.ledgerDir()), e.ledgerDir())
	if err != nil {
		return e.fail(e.ledgerError(err))
	}
	r, err := b.Record(index)
	if err != nil {
		return e.fail(e.noRecord(b, index, err))
	}
	s, p, err := showRecord(b, r)
	if err != nil {
		return e.fail(err)
	}
	if asJSON {
		return e.json(s, exitYes)
	}
	e.sayRecord(s, p)
	if asHex {
		fmt.Fprintf(e.out, "\n%s", hex.Dump(r.Body))
	}
	return exitYes
}

func (e env) noRecord(b *ledger.Book, index int64, err error) error {
	if !errors.Is(err, ledger.ErrNoRecord) {
		return err
	}
	if r, rerr := b.From(0); rerr == nil {
		first := int64(-1)
		_ = r.Read(func(x ledger.Record) error { first = x.Index; return errStop })
		if first > index {
			return fmt.Errorf("%w: records before %d were pruned by their age; their hashes are kept", err, first)
		}
	}
	return fmt.Errorf("%w; 'weir ledger tail' shows the last ones", err)
}

func showRecord(b *ledger.Book, r ledger.Record) (shown, *policy.Policy, error) {
	s := shown{tailRow: rowOf(&r), Pruned: r.Removed != nil, Body: r.Body}
	if r.Index < b.Checkpoint.Size {
		st, err := b.State(r)
		if err != nil {
			return s, nil, err
		}
		s.Proof = shownProof{Signed: true, Size: b.Checkpoint.Size, Root: b.Checkpoint.Root.String(), Hashes: []string{}}
		for _, h := range st.Inclusion {
			s.Proof.Hashes = append(s.Proof.Hashes, h.String())
		}
	}
	s.Proof.Leaf = ledger.Leaf(r).String()
	var p *policy.Policy
	if text, ok, err := b.Policy(r); err != nil {
		return s, nil, err
	} else if ok {
		if p, err = policy.Parse("policy", text.Body); err == nil {
			s.Rules = &shownPolicy{Record: text.Index, Product: p.Product, Revision: p.Revision}
		} else {
			p = nil // a policy that this version does not read
		}
	}
	if r.Kind != ledger.KindReport {
		return s, p, nil
	}
	fate, ok, err := b.Fate(r)
	if err != nil {
		return s, nil, err
	}
	s.State = "pending"
	if ok {
		s.State = string(fate.Outcome.Result)
		s.Fate = &shownFate{Record: fate.Record, State: s.State, Status: fate.Outcome.Status, Receipt: fate.Outcome.Receipt}
	}
	if r.Removed == nil {
		s.Report, _ = words.Read(p, r.Body) // nil: its bytes are shown
	}
	return s, p, nil
}

func (e env) sayRecord(s shown, p *policy.Policy) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(e.out, "  %-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	title := fmt.Sprintf("record %d: %s", s.Index, s.Kind)
	if s.Sequence > 0 {
		title += fmt.Sprintf(", sequence %d", s.Sequence)
	}
	fmt.Fprintln(e.out, title)
	line("time", "%s", s.Time.Format(time.RFC3339Nano))
	if s.Destination != "" {
		line("destination", "%s", plain(s.Destination))
	}
	switch {
	case p != nil:
		line("policy", "%s revision %d, record %d, digest %s", plain(p.Product), p.Revision, s.Rules.Record, s.Policy)
	case strings.Trim(s.Policy, "0") != "":
		line("policy", "digest %s", s.Policy)
	}
	line("bytes", "%d, SHA-256 %s", s.Bytes, s.SHA256)
	if s.State != "" {
		line("state", "%s", sayFate(s))
	}
	if s.Proof.Signed {
		line("proof", "leaf %s is in the tree of %d records that the checkpoint signs, by %d hashes", s.Proof.Leaf, s.Proof.Size, len(s.Proof.Hashes))
	} else {
		line("proof", "none yet: it was appended after the last checkpoint")
	}
	fmt.Fprintln(e.out)
	switch {
	case s.Pruned:
		fmt.Fprintln(e.out, "The body was pruned by its age. Whoever has it can show that it is this one, by its hash.")
	case s.Report != nil:
		e.sayReport(s.Report)
	case s.Kind == ledger.KindReport.String():
		fmt.Fprintln(e.out, "The body is no report that this version of Weir can read; --hex shows its bytes.")
	case utf8.Valid(s.Body):
		for _, l := range strings.Split(strings.TrimRight(string(s.Body), "\n"), "\n") {
			fmt.Fprintln(e.out, plain(l))
		}
	default:
		fmt.Fprint(e.out, hex.Dump(s.Body))
	}
}

func sayFate(s shown) string {
	switch {
	case s.Fate == nil:
		return plain(s.State)
	case s.Fate.Receipt != "":
		return fmt.Sprintf("%s (%s), says record %d, with the fleet's receipt", plain(s.State), plain(s.Fate.Status), s.Fate.Record)
	case s.Fate.Status != "":
		return fmt.Sprintf("%s (%s), says record %d", plain(s.State), plain(s.Fate.Status), s.Fate.Record)
	}
	return fmt.Sprintf("%s, says record %d", plain(s.State), s.Fate.Record)
}

func (e env) sayReport(r *words.Report) {
	for _, k := range slices.Sorted(maps.Keys(r.Identity)) {
		fmt.Fprintf(e.out, "%s = %s\n", plain(k), plain(r.Identity[k]))
	}
	for _, m := range r.Entries {
		fmt.Fprintf(e.out, "\n%s (%s, %s), %d bytes\n", plain(m.Name), m.Kind, plain(m.Unit), m.Bytes)
		if m.Why != "" {
			fmt.Fprintf(e.out, "  why    %s\n", plain(m.Why))
		}
		if m.Owner != "" {
			fmt.Fprintf(e.out, "  owner  %s\n", plain(m.Owner))
		}
		for _, v := range m.Values {
			fmt.Fprintf(e.out, "  %s\n", plain(strings.TrimSpace(v.Text()+"  "+v.Value)))
		}
	}
}
