package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Drop is the body of a KindDrop record: the oldest reports of a backlog that
// had grown beyond its limit. They never left, and never will. They are all
// the reports from From to To that had no outcome.
type Drop struct {
	From  int64  `json:"from"` // index of the first report
	To    int64  `json:"to"`   // of the last
	Count int    `json:"count"`
	Bytes int64  `json:"bytes"`
	First uint64 `json:"first_sequence"`
	Last  uint64 `json:"last_sequence"`
}

// DropOldest drops the n oldest reports without an outcome and records that in
// one record. How many are too many is the caller's to say; who is sending
// one of them learns ErrNotPending.
func (l *Ledger) DropOldest(n int) (Drop, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.queue.pending
	if n = min(n, len(p)); n <= 0 {
		return Drop{}, nil
	}
	d := Drop{From: p[0].Index, To: p[n-1].Index, Count: n, First: p[0].Sequence, Last: p[n-1].Sequence}
	for _, e := range p[:n] {
		d.Bytes += int64(e.Bytes)
	}
	body, err := json.Marshal(d)
	if err != nil {
		return Drop{}, err
	}
	if _, err := l.append(Record{Kind: KindDrop, Body: body}); err != nil {
		return Drop{}, err
	}
	return d, nil
}

// ParseDrop reads the body of a KindDrop record.
func ParseDrop(body []byte) (Drop, error) {
	d := Drop{From: -1}
	if err := json.Unmarshal(body, &d); err != nil || d.From < 0 || d.To < d.From || d.Count < 1 {
		return d, errors.New("drop is malformed")
	}
	return d, nil
}

// Prune is the body of a KindPrune record: what is removed from the ledger's
// files by the rule of its age. The record is durable before anything goes.
// The hashes of what goes are kept, so proofs stay as they were.
type Prune struct {
	What Pruned `json:"what"`
	// Before is the index of the first record that is not concerned: pruning
	// begins with the oldest.
	Before int64 `json:"before"`
	Days   int   `json:"days"` // the rule: how long they were kept at least
	// State is the SHA-256 of the state in the header of the segment that
	// begins at Before, from which a reader goes on; for records only.
	State string `json:"state,omitempty"`
}

// Pruned is what a Prune removes.
type Pruned string

// What is removed: first the reports' bodies, later whole records.
const (
	PrunedBodies  Pruned = "bodies"
	PrunedRecords Pruned = "records"
)

// ParsePrune reads the body of a KindPrune record.
func ParsePrune(body []byte) (Prune, error) {
	var p Prune
	if err := json.Unmarshal(body, &p); err != nil || p.Before < 1 || p.Days < 0 || (p.What != PrunedBodies && p.What != PrunedRecords) {
		return p, errors.New("prune record is malformed")
	}
	return p, nil
}

// ownKind refuses the kinds that the ledger alone writes.
func ownKind(k Kind) error {
	if k == KindDrop || k == KindPrune {
		return fmt.Errorf("a %s record is the ledger's own", k)
	}
	return nil
}
