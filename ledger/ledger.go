// Package ledger is the record of everything that leaves, and the queue that
// it leaves from.
//
// It is an append-only Merkle log: every record is a leaf of a tree as in RFC
// 6962 (golang.org/x/mod/sumdb/tlog), and the tree's root is signed in a
// checkpoint (golang.org/x/mod/sumdb/note). Whoever keeps a checkpoint can
// later show that a record was removed, changed, or moved.
//
// It promises:
//   - A record is durable when [Ledger.Append] returns it.
//   - After a write or a sync has failed nothing more is appended until the
//     ledger has been opened again, which reads back what is there.
//   - [Open] gives back every record that was ever acknowledged and not pruned,
//     in order and whole. It reads the tail of the ledger; [Verify] reads all.
//     It cuts the end of the last segment only where a record is incomplete,
//     that is, where no Append ever returned; it refuses to start on anything
//     else that is wrong there, and names the file and the offset.
//   - A report stays in the queue until an outcome for it is recorded.
//   - A report that [Ledger.Oldest] returns is covered by the checkpoint on disk:
//     it cannot be cut off afterwards without a trace.
//   - What is removed by age is recorded before it goes, and the proofs stay.
//
// It does not send or retry, and it knows nothing of what a body means beyond
// those that it writes itself. Finished segments are packed, and old ones
// pruned, with the appends; there is nothing running in the background.
//
// The files and their layout are in docs/format/ledger.md.
package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// Kind is what a record records. The numbers are part of the format: they are
// added to, never reused.
type Kind uint8

// The kinds of record.
const (
	KindReport     Kind = 1  // a report, exactly as it is sent
	KindAcceptance Kind = 2  // the customer's acceptance of a policy
	KindPolicy     Kind = 3  // a policy's file, exactly
	KindOutcome    Kind = 4  // what became of a report, see Outcome
	KindGrant      Kind = 5  // a widening for a time that the customer signed, exactly
	KindBundle     Kind = 6  // a support bundle that the customer let out: its hash, size and who let it
	KindConfig     Kind = 7  // the configuration is another from here on: its hashes before and after
	KindRevocation Kind = 8  // the acceptance of a policy is withdrawn
	KindDrop       Kind = 9  // reports given up for the backlog's limit, see Drop
	KindPrune      Kind = 10 // what is removed by age, see Prune
	KindRefusal    Kind = 11 // the customer's refusal of a policy
)

var kindNames = map[Kind]string{
	KindReport: "report", KindAcceptance: "acceptance", KindPolicy: "policy", KindOutcome: "outcome",
	KindGrant: "grant", KindBundle: "bundle", KindConfig: "configuration", KindRevocation: "revocation",
	KindDrop: "drop", KindPrune: "prune", KindRefusal: "refusal",
}

// String names the kind; one that this version does not know has a number.
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("kind-%d", uint8(k))
}

// Record is one entry of the ledger.
type Record struct {
	Index        int64 // position in the log, from 0; given by Append
	Kind         Kind
	Time         time.Time // when it was appended; given by Append
	Sequence     uint64    // of the report, or of the report that an outcome is about; else 0
	PolicyDigest [32]byte
	Destination  string
	Body         []byte
	// Removed is what the body was, if it was pruned. Body is nil then.
	Removed *Body
}

// Body is what a record's header says of its body.
type Body struct {
	Size   int
	SHA256 [32]byte
}

// About describes the record's body, also where it was pruned.
func (r *Record) About() Body {
	if r.Removed != nil {
		return *r.Removed
	}
	return Body{Size: len(r.Body), SHA256: digest(r.Body)}
}

// Limits on what a record may hold.
const (
	MaxBody        = 16 << 20
	MaxDestination = 2048
)

// Errors that callers decide by.
var (
	// ErrFailed is returned by Append after an earlier write or sync failed.
	ErrFailed = errors.New("ledger failed earlier and must be opened again")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("ledger is closed")
	// ErrNotPending is returned by Append for an outcome of a report that has
	// one already, or that there is none of. The ledger is none the worse.
	ErrNotPending = errors.New("no report without an outcome")
	// ErrNone is returned by readers when there is no ledger in the folder.
	ErrNone = errors.New("no ledger here")
)

// Fault is something wrong with a ledger's files.
type Fault struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	// Index is the record concerned, or -1.
	Index int64  `json:"index"`
	What  string `json:"what"`
	Hint  string `json:"hint,omitempty"`
}

func (f *Fault) Error() string {
	s := fmt.Sprintf("%s: offset %d: ", f.File, f.Offset)
	if f.Index >= 0 {
		s += fmt.Sprintf("record %d: ", f.Index)
	}
	s += f.What
	if f.Hint != "" {
		s += " (" + f.Hint + ")"
	}
	return s
}

func digest(b []byte) [32]byte { return sha256.Sum256(b) }
