package ledger

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Statement is what an edge says about a report that it sends: that the report
// is recorded in its ledger, and that this ledger still begins with all that
// the receiving fleet has countersigned before.
//
// A fleet that finds it true signs the same checkpoint and gives it back: the
// receipt. It keeps no state for this. What it knows of the edge's past comes
// back to it in Previous, under its own signature. From then on the edge cannot
// take the report out of its ledger, nor the fleet deny that it came.
type Statement struct {
	Checkpoint  []byte // signed by the edge; covers the report
	Index       int64  // the report's
	Header      []byte // the report's record header, which is the leaf
	Inclusion   tlog.RecordProof
	Previous    []byte // the last receipt; empty if there is none yet
	Consistency tlog.TreeProof
}

// Refusal is why a statement or a receipt is not believed. It is a word for
// counting by; nothing in it comes from what was refused.
type Refusal string

// The refusals.
const (
	RefusedMalformed    Refusal = "malformed"      // cannot be read
	RefusedInstall      Refusal = "other_install"  // the ledger is another install's
	RefusedSignature    Refusal = "bad_signature"  // not signed by who should have
	RefusedBody         Refusal = "body_differs"   // the record is of another body, or of no report
	RefusedNotIncluded  Refusal = "not_included"   // the record is not in the tree
	RefusedInconsistent Refusal = "not_consistent" // the tree does not begin with what was countersigned
	RefusedReceipt      Refusal = "other_receipt"  // the receipt is for another checkpoint
)

var refusals = map[Refusal]string{
	RefusedMalformed:    "statement is malformed",
	RefusedInstall:      "ledger is that of another install",
	RefusedSignature:    "checkpoint is not signed by the key that it should be",
	RefusedBody:         "recorded report is not the one that was sent",
	RefusedNotIncluded:  "report is not in the ledger that the checkpoint is of",
	RefusedInconsistent: "ledger does not begin with what was countersigned before",
	RefusedReceipt:      "receipt is not for the checkpoint that was sent",
}

// Refusals lists all of them.
var Refusals = []Refusal{RefusedMalformed, RefusedInstall, RefusedSignature, RefusedBody, RefusedNotIncluded, RefusedInconsistent, RefusedReceipt}

func (r Refusal) Error() string { return refusals[r] }

// State makes the statement about a recorded report. Previous is the last
// receipt, or empty. If the checkpoint on disk does not cover the report yet,
// a new one is written first: no one is told of a tree that a crash could take back.
func (l *Ledger) State(report Record, previous []byte) (Statement, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if report.Kind != KindReport || report.Index < 0 || report.Index >= l.tree.size {
		return Statement{}, fmt.Errorf("state record %d: no such report", report.Index)
	}
	var p Checkpoint
	if len(previous) > 0 {
		var err error
		if p, err = OpenCheckpoint(previous, l.verifier); err != nil || p.Size < 1 || p.Size > l.tree.size {
			return Statement{}, errors.New("state record: the last receipt is not one of this ledger")
		}
	}
	if err := l.cover(max(report.Index, p.Size-1)); err != nil {
		return Statement{}, err
	}
	s := Statement{Checkpoint: slices.Clone(l.head), Index: report.Index, Header: appendHeader(nil, &report), Previous: slices.Clone(previous)}
	var err error
	if s.Inclusion, err = tlog.ProveRecord(l.signed, report.Index, l.hashes); err != nil {
		return Statement{}, fmt.Errorf("prove record %d: %w", report.Index, err)
	}
	if p.Size > 0 {
		if s.Consistency, err = tlog.ProveTree(l.signed, p.Size, l.hashes); err != nil {
			return Statement{}, fmt.Errorf("prove tree of %d records: %w", p.Size, err)
		}
	}
	return s, nil
}

// LastReceipt is the receipt in the last outcome that has one, or nil.
func (l *Ledger) LastReceipt() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queue.receipt == "" {
		return nil
	}
	return []byte(l.queue.receipt)
}

// Check says whether the statement is true of a body that came from install,
// whose ledger signs with edge. Fleet is the key of the receipts; it may be nil
// where none is given, and then a statement with a receipt is refused. The
// error is a Refusal.
func (s Statement) Check(body []byte, install string, edge, fleet note.Verifier) error {
	if edge.Name() != keyNamePrefix+install {
		return RefusedInstall
	}
	c, err := OpenCheckpoint(s.Checkpoint, edge)
	if err != nil {
		return refuseCheckpoint(s.Checkpoint, install)
	}
	h, err := decodeHeader(s.Header)
	if err != nil {
		return RefusedMalformed
	}
	if h.Kind != KindReport || h.Index != s.Index || h.bodyLen != len(body) || h.bodySum != digest(body) {
		return RefusedBody
	}
	if s.Index >= c.Size || tlog.CheckRecord(s.Inclusion, c.Size, c.Root, s.Index, tlog.RecordHash(s.Header)) != nil {
		return RefusedNotIncluded
	}
	if len(s.Previous) == 0 {
		if len(s.Consistency) > 0 {
			return RefusedMalformed
		}
		return nil
	}
	p, err := OpenCheckpoint(s.Previous, edge)
	if err != nil {
		return refuseCheckpoint(s.Previous, install)
	}
	if !signedBy(s.Previous, fleet) {
		return RefusedSignature
	}
	if p.Size < 1 || p.Size > c.Size || tlog.CheckTree(s.Consistency, c.Size, c.Root, p.Size, p.Root) != nil {
		return RefusedInconsistent
	}
	return nil
}

// Report is the report's record without its body, as the header has it.
func (s Statement) Report() (Record, error) {
	h, err := decodeHeader(s.Header)
	if err != nil {
		return Record{}, RefusedMalformed
	}
	return h.Record, nil
}

// CheckReceipt says whether receipt is the statement's checkpoint, signed by
// fleet too. The edge asks before it records one. The error is a Refusal.
func (s Statement) CheckReceipt(receipt []byte, fleet note.Verifier) error {
	if len(receipt) > maxReceipt {
		return RefusedMalformed
	}
	if !signedBy(receipt, fleet) {
		return RefusedSignature
	}
	// The countersignature comes behind all that was there.
	got, ok := parseText(receipt)
	want, ok2 := parseText(s.Checkpoint)
	if !ok || !ok2 || got != want || len(receipt) <= len(s.Checkpoint) || string(receipt[:len(s.Checkpoint)]) != string(s.Checkpoint) {
		return RefusedReceipt
	}
	return nil
}

// Countersign adds a fleet's signature to a checkpoint. It does not look at
// those that are there: check the statement first.
func Countersign(checkpoint []byte, fleet note.Signer) ([]byte, error) {
	if _, ok := parseText(checkpoint); !ok {
		return nil, fmt.Errorf("countersign: %w", RefusedMalformed)
	}
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open(checkpoint, nil); !errors.As(err, &unverified) {
		return nil, fmt.Errorf("countersign: %w", RefusedMalformed)
	}
	msg, err := note.Sign(unverified.Note, fleet)
	if err != nil {
		return nil, errors.New("countersign: the key cannot sign this")
	}
	return msg, nil
}

// Countersigned says whether a checkpoint bears this fleet's signature.
func Countersigned(checkpoint []byte, fleet note.Verifier) bool { return signedBy(checkpoint, fleet) }

func signedBy(msg []byte, v note.Verifier) bool {
	if v == nil {
		return false
	}
	_, err := openNote(msg, v)
	return err == nil
}

// refuseCheckpoint tells one that is another install's from one that is
// nobody's. It has been refused already.
func refuseCheckpoint(msg []byte, install string) Refusal {
	c, ok := parseText(msg)
	switch {
	case !ok:
		return RefusedMalformed
	case c.Install != install:
		return RefusedInstall
	}
	return RefusedSignature
}
