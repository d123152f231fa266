package ledger

import (
	"bytes"
	"encoding/hex"
	"errors"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// rules is what Verify must find a reason for: records and bodies that are
// gone. The reasons come later in the ledger than what they are for.
type rules struct {
	began      int64  // records before are gone
	beganState string // SHA-256 of the state that the first segment begins with
	cut        []cutSegment
	cutHere    bool // this segment lacks bodies
	said       []saidPrune
}

// cutSegment is a segment without reports' bodies.
type cutSegment struct {
	file   string
	first  int64
	end    int64 // the index behind its last record
	newest time.Time
}

// saidPrune is a prune record and when it was written.
type saidPrune struct {
	Prune
	at time.Time
}

// begin takes the records before the first segment from their hashes, all of
// which follow from the leaves and the checkpoint's root.
func (v *verifier) begin(first int64) error {
	v.segmentFile = filepath.Join(v.dir, segmentName(first))
	v.rules.began, v.result.PrunedRecords = first, first
	s, err := openSegment(v.fsys, v.dir, first)
	var f *Fault
	if err != nil && !errors.As(err, &f) {
		return err
	}
	if err == nil { // else it is said when its turn comes
		s.file.Close()
		sum := digest(s.header.state)
		v.rules.beganState = hex.EncodeToString(sum[:])
		if v.queue, err = s.header.queue(); err != nil {
			v.fault(0, "%v", err)
		}
	}
	if first > v.own.Size || v.hashes.present < tlog.StoredHashCount(first) {
		v.fault(0, "the records before are missing, and so are their hashes")
		v.broken, v.next = true, first
		return nil
	}
	for v.next < first && !v.broken {
		h, err := v.hashes.at(tlog.StoredHashIndex(0, v.next))
		if err != nil {
			return err
		}
		v.leaf(h, 0)
		v.next++
	}
	return nil
}

// fits says whether a segment's header is what the records before come to.
func (v *verifier) fits(h *segmentHeader) bool {
	if h.first == v.rules.began && h.first > 0 {
		return true // that is for the prune record to say
	}
	oldest := h.oldestPending == v.queue.oldest(h.first) || h.oldestPending < v.rules.began
	return oldest && h.sequenceBefore == v.queue.last && (h.version < 2 || bytes.Equal(h.state, v.queue.encodeState()))
}

// segmentEnds checks what a finished segment says of itself.
func (v *verifier) segmentEnds(s *segmentReader, first, off int64) {
	if s.packed != nil && !v.broken && (s.packed.records != v.next-first || !s.packed.newest.Equal(v.newest)) {
		v.fault(off, "packed segment's end does not fit its records")
	}
	if v.rules.cutHere {
		v.rules.cut = append(v.rules.cut, cutSegment{file: s.name, first: first, end: v.next, newest: v.newest})
		v.rules.cutHere = false
	}
}

func (v *verifier) drop(r *Record, off int64) {
	d, err := ParseDrop(r.Body)
	if err != nil {
		v.fault(off, "%v", err)
		return
	}
	v.result.Dropped += int64(d.Count)
	if n := v.queue.within(d); n != d.Count && !v.broken {
		v.fault(off, "drop is of %d reports, but %d without an outcome are in its range", d.Count, n)
	}
}

func (v *verifier) prune(r *Record, off int64) {
	p, err := ParsePrune(r.Body)
	switch {
	case err != nil:
		v.fault(off, "%v", err)
	case p.Before > r.Index:
		v.fault(off, "records before %d are pruned, but this one is only %d", p.Before, r.Index)
	default:
		v.rules.said = append(v.rules.said, saidPrune{p, r.Time})
	}
}

// rulesEnd finds the reason for all that is gone.
func (v *verifier) rulesEnd() {
	if v.rules.began > 0 && !v.said(func(p saidPrune) bool {
		return p.What == PrunedRecords && p.Before == v.rules.began && p.State == v.rules.beganState
	}) {
		v.add(&Fault{File: v.dir, Index: 0, What: "records before the first segment are missing, and no prune record is for that"})
	}
	for _, c := range v.rules.cut {
		if !v.said(func(p saidPrune) bool {
			return p.What == PrunedBodies && p.Before >= c.end && p.at.Sub(c.newest) >= time.Duration(p.Days)*24*time.Hour
		}) {
			v.add(&Fault{File: c.file, Index: c.first, What: "reports' bodies are missing, and no prune record is for that"})
		}
	}
}

func (v *verifier) said(which func(saidPrune) bool) bool {
	for _, p := range v.rules.said {
		if which(p) {
			return true
		}
	}
	return false
}

// receipt checks that a receipt is for what the ledger was then. Whether it
// is the fleet's signature is for who has its key.
func (v *verifier) receipt(receipt string, off int64) {
	if receipt == "" {
		return
	}
	v.result.Receipts++
	if v.key == nil || v.broken || v.hashesBroken {
		return
	}
	c, err := OpenCheckpoint([]byte(receipt), v.key)
	if err != nil || c.Size < 1 || c.Size > v.tree.size {
		v.fault(off, "receipt is not for a checkpoint of this ledger")
		return
	}
	root, err := tlog.TreeHash(c.Size, tlog.HashReaderFunc(v.readHashes))
	if err == nil && root != c.Root {
		v.fault(off, "the records up to %d are not those that the receipt was given for", c.Size)
	}
}

// readHashes reads those that have been checked.
func (v *verifier) readHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= v.hashes.present {
			out[i] = v.behind[x-v.hashes.present]
			continue
		}
		var err error
		if out[i], err = v.hashes.at(x); err != nil {
			return nil, err
		}
	}
	return out, nil
}
