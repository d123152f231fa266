package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Reader reads records in order, without the lock, also while a ledger is open
// for appending elsewhere.
type Reader struct {
	fsys    vfs.FS
	dir     string
	segment int64 // first index of the segment
	offset  int64 // in it; 0: at its start
	pruned  bool  // the offset is in a segment without bodies
	next    int64 // index of the next record
}

// NewReader returns a reader that begins with the last n records, or with the
// first one if there are fewer or n is negative.
func NewReader(fsys vfs.FS, dir string, n int64) (*Reader, error) {
	firsts, err := segments(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(firsts) == 0 {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	r := &Reader{fsys: fsys, dir: dir, segment: firsts[0], next: firsts[0]}
	if n < 0 {
		return r, nil
	}
	// Only the last segment's length has to be counted.
	end := &Reader{fsys: fsys, dir: dir, segment: firsts[len(firsts)-1], next: firsts[len(firsts)-1]}
	if err := end.Read(func(Record) error { return nil }); err != nil {
		return nil, err
	}
	from := max(firsts[0], end.next-n)
	i, found := slices.BinarySearch(firsts, from)
	if !found {
		i--
	}
	r.segment, r.next = firsts[i], firsts[i]
	return r, r.skip(from)
}

// skip moves on to record from, within what has been written.
func (r *Reader) skip(from int64) error {
	stop := errors.New("stop")
	if r.next == from {
		return nil
	}
	err := r.Read(func(rec Record) error {
		if rec.Index == from-1 {
			return stop
		}
		return nil
	})
	if errors.Is(err, stop) {
		return nil
	}
	return err
}

// Read visits the records that have been written since, and returns nil when
// there are no more for now. The visited record counts as read even if visit
// returns an error, which Read passes on.
func (r *Reader) Read(visit func(Record) error) error {
	for {
		if err := r.readSegment(visit); err != nil {
			return err
		}
		if r.next == r.segment {
			return nil // empty: its successor would have its name
		}
		_, err := r.fsys.Stat(filepath.Join(r.dir, segmentName(r.next)))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		// The next segment begins where this one has been read to, so
		// nothing can have been added to this one since.
		r.segment, r.offset = r.next, 0
	}
}

// readSegment visits the rest of the current segment. The file is opened by
// name each time: opening the ledger may put another one in its place.
func (r *Reader) readSegment(visit func(Record) error) error {
	s, err := openSegment(r.fsys, r.dir, r.segment)
	if err != nil {
		return err
	}
	defer s.file.Close()
	from := r.next
	if pruned := s.header.encoding == encodingPruned; r.offset == 0 || pruned != r.pruned {
		// Bodies that were removed meanwhile have moved what is behind them.
		r.offset, r.next, r.pruned = s.header.size(), s.header.first, pruned
	}
	for {
		if r.offset > s.win.size {
			return &Fault{File: s.name, Offset: s.win.size, Index: r.next, What: "segment became shorter while it was read"}
		}
		f, err := readFrame(&s.win, r.offset)
		if errors.Is(err, errTorn) || errors.Is(err, io.EOF) {
			return nil
		}
		var rec Record
		if err == nil {
			rec, err = decodeFrame(f, s.header.encoding)
		}
		if err == nil && rec.Index != r.next {
			err = fmt.Errorf("record has index %d", rec.Index)
		}
		if err != nil {
			return &Fault{File: s.name, Offset: r.offset, Index: r.next, What: err.Error(), Hint: "run 'weir ledger verify'"}
		}
		r.offset, r.next = f.next, rec.Index+1
		if rec.Index < from {
			continue
		}
		if err := visit(rec); err != nil {
			return err
		}
	}
}
