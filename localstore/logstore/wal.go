package logstore

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// wal writes segments. Only the committer uses it, so it has no lock.
//
// A segment is the plain sequence of its frames; number and salt are in its
// name, where a flipped bit in the content cannot reach them. A segment is
// never appended to after a restart or a failure.
//
// Order of writes: create the segment, sync the folder, write frames, sync the
// segment, acknowledge. What a crash leaves in between is an empty segment or
// a tail that nobody was told about.
type wal struct {
	fsys vfs.FS
	dir  string
	next uint64 // number of the segment to create next
	f    vfs.File
	seg  segment
	good int64 // synced bytes of the open segment
	buf  []byte

	// kept are the closed segments that the checkpoint does not cover.
	kept []segment
}

type segment struct {
	number uint64
	salt   uint64
	size   int64
}

func (s segment) name() string { return saltedName(s.number, s.salt, ".wal") }

// saltedName is "<number>-<salt><ext>", both in hexadecimal of fixed width, so
// that names sort as numbers do.
func saltedName(number, salt uint64, ext string) string {
	return fmt.Sprintf("%016x-%016x%s", number, salt, ext)
}

func parseSaltedName(name, ext string) (number, salt uint64, ok bool) {
	if len(name) != 33+len(ext) {
		return 0, 0, false
	}
	if _, err := fmt.Sscanf(name[:33], "%016x-%016x", &number, &salt); err != nil {
		return 0, 0, false
	}
	return number, salt, saltedName(number, salt, ext) == name
}

func newSalt() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails, by its documentation
	return binary.LittleEndian.Uint64(b[:])
}

// listSegments returns the segments in a folder by number.
func listSegments(fsys vfs.FS, dir string) ([]segment, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var segs []segment
	for _, e := range names {
		number, salt, ok := parseSaltedName(e.Name(), ".wal")
		if !ok || e.IsDir() {
			continue
		}
		info, err := fsys.Stat(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a flush has just covered it; only a reader without the lock sees that
		}
		if err != nil {
			return nil, err
		}
		segs = append(segs, segment{number, salt, info.Size()})
	}
	slices.SortFunc(segs, func(a, b segment) int { return cmp.Compare(a.number, b.number) })
	return segs, nil
}

func (w *wal) open() error {
	seg := segment{number: w.next, salt: newSalt()}
	name := filepath.Join(w.dir, seg.name())
	f, err := w.fsys.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := w.fsys.SyncDir(w.dir); err != nil {
		f.Close()
		_ = w.fsys.Remove(name)
		return err
	}
	w.f, w.seg, w.good = f, seg, 0
	w.next++
	return nil
}

// append writes frames and syncs them. After an error nothing of them counts
// as written, and the segment is not used again: after a failed sync the kernel
// may have dropped the pages and call the next sync a success.
func (w *wal) append(frames [][]byte) error {
	if w.f == nil {
		if err := w.open(); err != nil {
			return fmt.Errorf("open a log segment: %w", err)
		}
	}
	off := w.good
	w.buf = w.buf[:0]
	flush := func() error {
		if len(w.buf) == 0 {
			return nil
		}
		_, err := w.f.Write(w.buf)
		w.buf = w.buf[:0]
		return err
	}
	var err error
	for _, fr := range frames {
		sealFrame(fr, w.seg.salt, off)
		off += int64(len(fr))
		// Small frames share a write; large ones are not copied.
		if len(fr) < 32<<10 {
			w.buf = append(w.buf, fr...)
			if len(w.buf) >= frameTarget {
				err = flush()
			}
		} else if err = flush(); err == nil {
			_, err = w.f.Write(fr)
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = w.f.Sync()
	}
	if err != nil {
		w.abandon()
		return fmt.Errorf("write the log segment: %w", err)
	}
	w.good = off
	w.seg.size = off
	return nil
}

// abandon closes the segment at its last synced byte. Cutting what was not
// acknowledged is a courtesy (a replay may bring such entries back, and the
// sender's retry makes them equal entries); failing at it harms nothing.
func (w *wal) abandon() {
	if err := w.f.Truncate(w.good); err == nil {
		_ = w.f.Sync()
	}
	w.seal()
}

// seal closes the open segment, so that the next append starts another.
func (w *wal) seal() {
	if w.f == nil {
		return
	}
	_ = w.f.Close() // everything that counts is synced
	w.f = nil
	if w.good == 0 {
		_ = w.fsys.Remove(filepath.Join(w.dir, w.seg.name()))
		return
	}
	w.seg.size = w.good
	w.kept = append(w.kept, w.seg)
}

// drop removes the segments up to a number, which the checkpoint covers. What
// cannot be removed now is removed later; a replay ignores it.
func (w *wal) drop(upTo uint64) {
	kept := w.kept[:0]
	for _, s := range w.kept {
		if s.number > upTo || w.fsys.Remove(filepath.Join(w.dir, s.name())) != nil {
			kept = append(kept, s)
		}
	}
	w.kept = kept
}

func (w *wal) bytes() int64 {
	n := w.good
	if w.f == nil {
		n = 0
	}
	for _, s := range w.kept {
		n += s.size
	}
	return n
}
