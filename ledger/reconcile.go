package ledger

import (
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Held is what a fleet says that it holds of one report.
type Held struct {
	Sequence   uint64
	Index      int64
	SHA256     string // of the report's bytes, in hex
	Checkpoint []byte // with both signatures
}

// Difference is one thing in which a ledger and a fleet disagree.
type Difference struct {
	Sequence uint64 `json:"sequence,omitempty"`
	Index    int64  `json:"index"`
	// Side is where the fault can be seen: "edge" if the ledger lacks or has
	// changed what the fleet can prove, "fleet" if it is the other way round.
	Side string `json:"side"`
	What string `json:"what"`
}

// Reconciliation is what Reconcile found.
type Reconciliation struct {
	Install  string `json:"install"`
	Reports  int64  `json:"reports"`  // in the ledger
	Receipts int64  `json:"receipts"` // in the file, one of each report
	Agree    int64  `json:"agree"`    // reports that are the same on both sides
	// Waiting are reports that the fleet has and whose answer the edge has not
	// recorded: they are sent again, and the fleet knows them by their sequence.
	Waiting int64 `json:"waiting"`
	Pending int64 `json:"pending"` // reports that neither side calls delivered
	// Unproven are reports that were acknowledged without a receipt, and of
	// which the fleet has none.
	Unproven    int64        `json:"unproven"`
	Refused     int64        `json:"refused"` // and dropped
	Gone        int64        `json:"gone"`    // receipts for records that were pruned; their hashes agree
	Differences []Difference `json:"differences"`
}

// OK says that the two sides agree.
func (r *Reconciliation) OK() bool { return len(r.Differences) == 0 }

// The two sides.
const (
	SideEdge  = "edge"
	SideFleet = "fleet"
)

// Reconcile compares a ledger with what a fleet holds of it. Fleet is the key
// of the receipts; without it (nil) their countersignatures are not checked.
// It takes the ledger's files as they are: Verify says whether they are whole.
func Reconcile(fsys vfs.FS, dir string, held []Held, fleet note.Verifier) (*Reconciliation, error) {
	b, err := OpenBook(fsys, dir)
	if err != nil {
		return nil, err
	}
	c := reconciler{book: b, fleet: fleet, held: map[uint64]Held{}, seen: map[uint64]bool{}, reports: map[int64]*reportState{}}
	c.result.Install = b.Checkpoint.Install
	c.result.Differences = []Difference{}
	for _, h := range held {
		if err := c.receipt(h); err != nil {
			return nil, err
		}
	}
	r, err := b.From(0)
	if err != nil {
		return nil, err
	}
	c.first = r.next
	if err := r.Read(func(rec Record) error { c.record(&rec); return nil }); err != nil {
		return nil, err
	}
	for _, index := range c.order {
		c.report(c.reports[index])
	}
	for _, h := range held {
		if !c.seen[h.Sequence] {
			c.seen[h.Sequence] = true
			if h.Index < c.first {
				c.result.Gone++
				continue
			}
			c.differ(h.Sequence, h.Index, SideEdge, "the fleet holds a report that is not in the ledger")
		}
	}
	return &c.result, nil
}

type reconciler struct {
	book    *Book
	fleet   note.Verifier
	held    map[uint64]Held
	seen    map[uint64]bool
	reports map[int64]*reportState
	order   []int64
	first   int64 // index of the first record that is not pruned
	result  Reconciliation
}

// reportState is a report in the ledger and what became of it.
type reportState struct {
	index    int64
	sequence uint64
	sum      [32]byte
	result   Result // empty: pending
	receipt  bool
}

func (c *reconciler) differ(sequence uint64, index int64, side, format string, args ...any) {
	c.result.Differences = append(c.result.Differences, Difference{Sequence: sequence, Index: index, Side: side, What: fmt.Sprintf(format, args...)})
}

// receipt checks what can be said of a receipt alone, against the tree.
func (c *reconciler) receipt(h Held) error {
	old, again := c.held[h.Sequence]
	if again && (old.Index != h.Index || old.SHA256 != h.SHA256) {
		c.differ(h.Sequence, h.Index, SideEdge, "the fleet was given two reports with this sequence")
	}
	if !again {
		c.held[h.Sequence] = h
		c.result.Receipts++
	}
	p, err := OpenCheckpoint(h.Checkpoint, c.book.Key)
	switch {
	case err != nil:
		c.differ(h.Sequence, h.Index, SideFleet, "the receipt's checkpoint is not signed by this ledger's key")
	case c.fleet != nil && !signedBy(h.Checkpoint, c.fleet):
		c.differ(h.Sequence, h.Index, SideFleet, "the receipt is not signed by the fleet's key")
	case p.Size <= h.Index:
		c.differ(h.Sequence, h.Index, SideFleet, "the receipt covers %d records, not the report's", p.Size)
	case p.Size > c.book.Checkpoint.Size:
		c.differ(h.Sequence, h.Index, SideEdge, "the ledger signed %d records then and has %d now", p.Size, c.book.Checkpoint.Size)
	default:
		root, err := c.book.Root(p.Size)
		if err != nil {
			return err
		}
		if root != p.Root {
			c.differ(h.Sequence, h.Index, SideEdge, "the ledger's first %d records are not those that it signed then", p.Size)
		}
	}
	return nil
}

func (c *reconciler) record(r *Record) {
	switch r.Kind {
	case KindReport:
		c.result.Reports++
		c.reports[r.Index] = &reportState{index: r.Index, sequence: r.Sequence, sum: r.About().SHA256}
		c.order = append(c.order, r.Index)
	case KindOutcome:
		o, err := ParseOutcome(r.Body)
		if s := c.reports[o.Report]; err == nil && s != nil {
			s.result, s.receipt = o.Result, o.Receipt != ""
		}
	case KindDrop:
		d, err := ParseDrop(r.Body)
		if err != nil {
			return
		}
		for _, index := range c.order {
			if s := c.reports[index]; index >= d.From && index <= d.To && s.result == "" {
				s.result = Dropped
			}
		}
	}
}

// report compares one report in the ledger with what the fleet holds.
func (c *reconciler) report(s *reportState) {
	h, ok := c.held[s.sequence]
	c.seen[s.sequence] = true
	if !ok {
		switch {
		case s.result == "":
			c.result.Pending++
		case s.result != Acknowledged:
			c.result.Refused++
		case s.receipt:
			c.differ(s.sequence, s.index, SideFleet, "the fleet does not show a report that it gave a receipt for")
		default:
			c.result.Unproven++
		}
		return
	}
	switch {
	case h.SHA256 != hex.EncodeToString(s.sum[:]):
		c.differ(s.sequence, s.index, SideEdge, "the fleet holds other bytes than the ledger")
	case h.Index != s.index:
		c.differ(s.sequence, s.index, SideEdge, "the fleet holds the report as record %d", h.Index)
	case s.result == "":
		c.result.Waiting++
	case s.result != Acknowledged:
		c.differ(s.sequence, s.index, SideEdge, "the ledger says %s, the fleet gave a receipt", s.result)
	default:
		c.result.Agree++
	}
}
