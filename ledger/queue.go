package ledger

import (
	"maps"
	"slices"
)

// Entry is a report that has no outcome yet, without its body.
type Entry struct {
	Index        int64
	Sequence     uint64
	PolicyDigest [32]byte
	Bytes        int

	segment int64 // first index of the segment that holds it
	offset  int64
}

// queue is what the records say is still to be done, kept up record by record.
type queue struct {
	pending  []Entry            // by index
	last     uint64             // sequence of the last report
	receipt  string             // in the last outcome that has one
	accepted map[[32]byte]int64 // by policy: the index of the last record that says so
	policies map[[32]byte]int64

	prunedBodies  int64 // by rule, before this index
	prunedRecords int64
}

func newQueue() queue {
	return queue{accepted: map[[32]byte]int64{}, policies: map[[32]byte]int64{}}
}

// apply takes in one record, which lies at offset of a segment.
func (q *queue) apply(r *Record, bytes int, segment, offset int64) {
	switch r.Kind {
	case KindReport:
		q.last = r.Sequence
		q.pending = append(q.pending, Entry{Index: r.Index, Sequence: r.Sequence, PolicyDigest: r.PolicyDigest, Bytes: bytes, segment: segment, offset: offset})
	case KindOutcome:
		if o, err := ParseOutcome(r.Body); err == nil {
			q.done(o.Report)
			if o.Receipt != "" {
				q.receipt = o.Receipt
			}
		}
	case KindAcceptance:
		q.accepted[r.PolicyDigest] = r.Index
	case KindRevocation:
		delete(q.accepted, r.PolicyDigest)
	case KindPolicy:
		q.policies[r.PolicyDigest] = r.Index
	case KindDrop:
		if d, err := ParseDrop(r.Body); err == nil {
			q.drop(d)
		}
	case KindPrune:
		if p, err := ParsePrune(r.Body); err == nil {
			q.prune(p)
		}
	}
}

func (q *queue) find(index int64) (int, bool) {
	return slices.BinarySearchFunc(q.pending, index, func(e Entry, x int64) int {
		return int(min(1, max(-1, e.Index-x)))
	})
}

func (q *queue) done(index int64) bool {
	i, ok := q.find(index)
	if !ok {
		return false
	}
	if i == 0 {
		q.pending = q.pending[1:] // the usual case; append gives the space back
	} else {
		q.pending = slices.Delete(q.pending, i, i+1)
	}
	return true
}

// span is where the reports of a drop are in pending.
func (q *queue) span(d Drop) (from, to int) {
	from, _ = q.find(d.From)
	to, found := q.find(d.To)
	if found {
		to++
	}
	return from, to
}

// within is how many reports a drop concerns.
func (q *queue) within(d Drop) int {
	from, to := q.span(d)
	return to - from
}

// drop takes them away.
func (q *queue) drop(d Drop) {
	from, to := q.span(d)
	q.pending = slices.Delete(q.pending, from, to)
}

// prune forgets the policies and acceptances whose records go.
func (q *queue) prune(p Prune) {
	if p.What == PrunedBodies {
		q.prunedBodies = max(q.prunedBodies, p.Before)
		return
	}
	q.prunedRecords = max(q.prunedRecords, p.Before)
	for _, m := range []map[[32]byte]int64{q.accepted, q.policies} {
		maps.DeleteFunc(m, func(_ [32]byte, index int64) bool { return index < p.Before })
	}
}

// oldest is the index of the oldest pending report, or next.
func (q *queue) oldest(next int64) int64 {
	if len(q.pending) > 0 {
		return q.pending[0].Index
	}
	return next
}
