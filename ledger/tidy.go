package ledger

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"
)

// finished is a segment that no record is added to any more.
type finished struct {
	first    int64
	version  uint16
	encoding uint16
	trailer  // of a packed one
}

// pruneEvery is the least time from one segment pruned to the next. It is much
// more often than segments come, and it bounds what a clock that jumps ahead
// for an hour can cost.
const pruneEvery = time.Hour

// tidy does the next piece of what keeps the ledger small, if any is due: a
// finished segment is packed, or the oldest one is pruned. At most one segment
// is written anew. A record has just been appended; whether this fails is no
// matter to it, and it is tried again with the next one.
func (l *Ledger) tidy(now time.Time) {
	if l.failed != nil {
		return
	}
	l.tidyErr = l.tidyUp(now)
}

// TidyErr says why finished segments could not be packed or pruned, the last
// time it was tried. Records are appended all the same.
func (l *Ledger) TidyErr() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tidyErr
}

func (l *Ledger) tidyUp(now time.Time) error {
	if l.finished == nil || l.finishedTo != l.first {
		if err := l.listFinished(); err != nil {
			return err
		}
	}
	for i := range l.finished {
		f := &l.finished[i]
		if f.encoding != encodingPlain {
			continue
		}
		t, err := l.pack(f.first, encodingPacked)
		if err != nil {
			l.finished = nil // the file may be the one or the other
			return err
		}
		f.encoding, f.trailer = encodingPacked, t
		return nil
	}
	if since := now.Sub(l.prunedAt); since >= 0 && since < pruneEvery {
		return nil
	}
	did, err := l.pruneOne(now)
	if did || err != nil {
		l.prunedAt = now
	}
	if err != nil {
		l.finished = nil
	}
	return err
}

// listFinished reads what is not known yet of the finished segments.
func (l *Ledger) listFinished() error {
	firsts, err := segments(l.fsys, l.dir)
	if err != nil {
		return err
	}
	known := map[int64]finished{}
	for _, f := range l.finished {
		known[f.first] = f
	}
	list := make([]finished, 0, len(firsts))
	for _, first := range firsts {
		if first >= l.first {
			break
		}
		f, ok := known[first]
		if !ok {
			s, err := openSegment(l.fsys, l.dir, first)
			if err != nil {
				return err
			}
			s.file.Close()
			f = finished{first: first, version: s.header.version, encoding: s.header.encoding}
			if s.packed != nil {
				f.trailer = s.packed.trailer
			}
		}
		list = append(list, f)
	}
	l.finished, l.finishedTo = list, l.first
	return nil
}

// pruneOne removes the bodies in one segment, or one segment, that is old
// enough and says so in the ledger first.
func (l *Ledger) pruneOne(now time.Time) (bool, error) {
	if len(l.finished) == 0 {
		return false, nil
	}
	old := func(f finished, keep time.Duration) bool {
		return keep >= 0 && f.first+f.records <= l.queue.oldest(l.tree.size) && now.Sub(f.newest) >= keep
	}
	if f := l.finished[0]; f.encoding == encodingPruned && old(f, l.opt.KeepRecords) {
		return true, l.removeSegment(f, now)
	}
	for i := range l.finished {
		f := &l.finished[i]
		if f.encoding == encodingPruned {
			continue
		}
		if !old(*f, l.opt.KeepBodies) {
			return false, nil // those behind are younger
		}
		before := f.first + f.records
		if err := l.recordPrune(Prune{What: PrunedBodies, Before: before, Days: days(l.opt.KeepBodies)}, now); err != nil {
			return true, err
		}
		t, err := l.pack(f.first, encodingPruned)
		if err == nil {
			f.encoding, f.trailer = encodingPruned, t
		}
		return true, err
	}
	return false, nil
}

// removeSegment removes the first segment. The one behind it must say from
// where a reader goes on.
func (l *Ledger) removeSegment(f finished, now time.Time) error {
	before := f.first + f.records
	next, err := openSegment(l.fsys, l.dir, before)
	if err != nil {
		return err
	}
	next.file.Close()
	if next.header.version < 2 {
		return fmt.Errorf("remove %s: the segment behind it was written by an earlier version; it is kept", segmentName(f.first))
	}
	state := digest(next.header.state)
	if err := l.recordPrune(Prune{What: PrunedRecords, Before: before, Days: days(l.opt.KeepRecords), State: hex.EncodeToString(state[:])}, now); err != nil {
		return err
	}
	// The proofs go on from the hashes alone: they must be there.
	if err := l.cover(before - 1); err != nil {
		return err
	}
	if err := l.fsys.Remove(filepath.Join(l.dir, segmentName(f.first))); err != nil {
		return err
	}
	l.finished = l.finished[1:]
	return l.fsys.SyncDir(l.dir)
}

// recordPrune appends the record, unless a crash came between it and the deed.
// Its time is the one by which the age was judged: that is what Verify asks.
func (l *Ledger) recordPrune(p Prune, now time.Time) error {
	if p.What == PrunedBodies && p.Before <= l.queue.prunedBodies || p.What == PrunedRecords && p.Before <= l.queue.prunedRecords {
		return nil
	}
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = l.append(Record{Kind: KindPrune, Time: now, Body: body})
	return err
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }
