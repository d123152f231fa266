package ledger

import (
	"errors"
	"fmt"
	"slices"
)

// Pending lists the reports without an outcome, oldest first.
func (l *Ledger) Pending() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.queue.pending)
}

// PendingCount is the number of reports without an outcome.
func (l *Ledger) PendingCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue.pending)
}

// Count is the number of reports without an outcome that which says yes to.
// Which must not call the ledger.
func (l *Ledger) Count(which func(Entry) bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.queue.pending {
		if which(e) {
			n++
		}
	}
	return n
}

// Oldest returns the oldest report without an outcome that may says yes to, or
// false if there is none. May must not call the ledger. The checkpoint on disk
// covers the report that is returned: from then on it can be sent, and cannot
// be cut off the ledger without a trace.
func (l *Ledger) Oldest(may func(Entry) bool) (Record, bool, error) {
	e, ok, err := l.oldest(may)
	if !ok || err != nil {
		return Record{}, false, err
	}
	r, err := l.read(e)
	return r, err == nil, err
}

func (l *Ledger) oldest(may func(Entry) bool) (Entry, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.failed, ErrClosed) {
		return Entry{}, false, ErrClosed
	}
	i := slices.IndexFunc(l.queue.pending, may)
	if i < 0 {
		return Entry{}, false, nil
	}
	e := l.queue.pending[i]
	return e, true, l.cover(e.Index)
}

// read reads a pending report back from its segment, and trusts it only if it
// is the one that was recorded. A packed segment stays open, with one block in
// memory, as long as the reports that are read are in it: a backlog is sent in
// order, and each block is decompressed once.
func (l *Ledger) read(e Entry) (Record, error) {
	l.reading.Lock()
	defer l.reading.Unlock()
	s := l.packed
	if s == nil || s.header.first != e.segment {
		l.closePacked()
		var err error
		if s, err = openSegment(l.fsys, l.dir, e.segment); err != nil {
			return Record{}, err
		}
		if s.packed != nil {
			l.packed = s
		} else {
			defer s.file.Close()
		}
	}
	f, err := readFrame(&s.win, e.offset)
	if err != nil {
		return Record{}, &Fault{File: s.name, Offset: e.offset, Index: e.Index, What: fmt.Sprintf("recorded report cannot be read back: %v", err), Hint: hintDamaged}
	}
	r, err := decodeFrame(f, s.header.encoding)
	if err == nil && (r.Index != e.Index || r.Kind != KindReport || r.Sequence != e.Sequence || r.PolicyDigest != e.PolicyDigest) {
		err = errors.New("another record is in its place")
	}
	if err != nil {
		return Record{}, &Fault{File: s.name, Offset: e.offset, Index: e.Index, What: err.Error(), Hint: hintDamaged}
	}
	return r, nil
}

// closePacked closes what read left open. The caller holds reading.
func (l *Ledger) closePacked() {
	if l.packed != nil {
		l.packed.file.Close()
		l.packed = nil
	}
}

// decodeFrame decodes a frame with its body, which must be the one that the
// header's hash is of; or without, where the segment's encoding allows that.
// The result does not share memory with the window.
func decodeFrame(f frame, encoding uint16) (Record, error) {
	h, err := decodeHeader(f.header)
	if err != nil {
		return Record{}, err
	}
	if encoding == encodingPruned && h.Kind == KindReport && len(f.body) == 0 && h.bodyLen > 0 {
		h.Removed = &Body{Size: h.bodyLen, SHA256: h.bodySum}
		return h.Record, nil
	}
	if len(f.body) != h.bodyLen || digest(f.body) != h.bodySum {
		return Record{}, errBody
	}
	h.Body = slices.Clone(f.body)
	return h.Record, nil
}

var errBody = errors.New("record's body is not the one its hash is of")
