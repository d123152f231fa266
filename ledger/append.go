package ledger

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Append adds a record and returns it with its index and its time. When it
// returns nil the record is durable.
//
// The order of what it writes: if the segment is full, a checkpoint and the
// next segment; the frame; sync. Then, if one is due, a checkpoint. If that
// fails the record stands, and the next Append returns ErrFailed.
func (l *Ledger) Append(r Record) (Record, error) {
	if err := errors.Join(r.check(), ownKind(r.Kind)); err != nil {
		return Record{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return Record{}, l.failed
	}
	if r.Kind == KindReport && r.Sequence != l.queue.last+1 {
		return Record{}, fmt.Errorf("report has sequence %d, expected %d", r.Sequence, l.queue.last+1)
	}
	if r.Kind == KindOutcome {
		o, err := ParseOutcome(r.Body)
		if err != nil {
			return Record{}, err
		}
		if _, ok := l.queue.find(o.Report); !ok {
			return Record{}, fmt.Errorf("record %d: %w", o.Report, ErrNotPending)
		}
		if err := l.checkReceipt(o); err != nil {
			return Record{}, err
		}
	}
	r.Time = time.Time{}
	r, err := l.append(r)
	if err == nil {
		l.tidy(r.Time)
	}
	return r, err
}

// append is Append without its questions. A record that has a time keeps it.
func (l *Ledger) append(r Record) (Record, error) {
	if l.failed != nil {
		return Record{}, l.failed
	}
	if l.end-l.start >= l.opt.SegmentBytes {
		if err := l.rotate(); err != nil {
			return Record{}, l.fail("begin segment", err)
		}
	}
	r.Index = l.tree.size
	if r.Time.IsZero() {
		r.Time = l.opt.Now().UTC()
	}
	l.buf = appendFrame(l.buf[:0], &r)
	if _, err := l.segment.Write(l.buf); err != nil {
		return Record{}, l.fail("write record", err)
	}
	if err := l.segment.Sync(); err != nil {
		return Record{}, l.fail("sync record", err)
	}
	l.hashes.tail = append(l.hashes.tail, l.tree.add(leafOf(&r))...)
	l.queue.apply(&r, len(r.Body), l.first, l.end)
	l.end += int64(len(l.buf))
	if cap(l.buf) > 1<<20 {
		l.buf = nil
	}
	if l.tree.size-l.signed >= l.opt.CheckpointRecords || !r.Time.Before(l.signedAt.Add(l.opt.CheckpointInterval)) || r.Time.Before(l.signedAt) {
		if err := l.checkpoint(); err != nil {
			_ = l.fail("write checkpoint", err)
		}
	}
	return r, nil
}

// checkReceipt sees to it that a receipt which is recorded is for this ledger
// and covers the report, and so can be used in the next statement. Whether the
// fleet signed it is for CheckReceipt to say.
func (l *Ledger) checkReceipt(o Outcome) error {
	if o.Receipt == "" {
		return nil
	}
	if len(o.Receipt) > maxReceipt {
		return RefusedMalformed
	}
	c, err := OpenCheckpoint([]byte(o.Receipt), l.verifier)
	if err != nil || c.Size <= o.Report || c.Size > l.signed {
		return RefusedReceipt
	}
	root, err := tlog.TreeHash(c.Size, l.hashes)
	if err != nil {
		return fmt.Errorf("check receipt: %w", err)
	}
	if root != c.Root {
		return RefusedReceipt
	}
	return nil
}

func (l *Ledger) rotate() error {
	if l.signed < l.tree.size {
		if err := l.checkpoint(); err != nil {
			return err
		}
	}
	return l.newSegment()
}

// fail makes the ledger refuse all further appends. What is in the files now
// is unknown until they have been read back.
func (l *Ledger) fail(act string, err error) error {
	l.failed = fmt.Errorf("%w: %s: %w", ErrFailed, act, err)
	return fmt.Errorf("%s: %w", act, err)
}

// Err is nil as long as the ledger can be appended to.
func (l *Ledger) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// NextSequence is the sequence that the next report must have.
func (l *Ledger) NextSequence() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queue.last + 1
}

// Accepted says whether an acceptance of this policy is recorded and stands.
func (l *Ledger) Accepted(policy [32]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.queue.accepted[policy]
	return ok
}

// HasPolicy says whether this policy's file is recorded.
func (l *Ledger) HasPolicy(policy [32]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.queue.policies[policy]
	return ok
}

// Close writes a checkpoint, unless the ledger has failed, and gives the lock back.
func (l *Ledger) Close() error {
	l.reading.Lock()
	l.closePacked()
	l.reading.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.failed, ErrClosed) {
		return nil
	}
	var err error
	if l.failed == nil && l.signed < l.tree.size {
		err = l.checkpoint()
	}
	l.failed = ErrClosed
	return errors.Join(err, l.segment.Close(), l.lock.Close())
}
