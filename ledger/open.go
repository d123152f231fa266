package ledger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Options are the choices of Open. Zero values stand for the defaults.
type Options struct {
	Install string           // the install id; required
	Now     func() time.Time // default time.Now
	Rand    io.Reader        // for a new signing key; default crypto/rand

	SegmentBytes       int64         // a segment is finished when it has grown to this; default 8 MiB
	CheckpointRecords  int64         // records appended until the next checkpoint; default 64
	CheckpointInterval time.Duration // time until the next append also writes one; default 1 minute

	// How long reports' bodies are kept, and how long records are, after the
	// last one in their segment was written. Default 400 and 1200 days;
	// negative: for ever.
	KeepBodies, KeepRecords time.Duration
}

// The defaults for what is kept.
const (
	DefaultKeepBodies  = 400 * 24 * time.Hour
	DefaultKeepRecords = 1200 * 24 * time.Hour
)

func (o *Options) defaults() error {
	if o.Install == "" || strings.ContainsAny(o.Install, "+ \t\r\n") {
		return errors.New("open ledger: an install id is required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 8 << 20
	}
	if o.CheckpointRecords <= 0 {
		o.CheckpointRecords = 64
	}
	if o.CheckpointInterval <= 0 {
		o.CheckpointInterval = time.Minute
	}
	if o.KeepBodies == 0 {
		o.KeepBodies = DefaultKeepBodies
	}
	if o.KeepRecords == 0 {
		o.KeepRecords = DefaultKeepRecords
	}
	return nil
}

// Ledger is an open ledger. It is safe for concurrent use.
type Ledger struct {
	fsys vfs.FS
	dir  string
	opt  Options
	lock io.Closer

	signer   note.Signer
	verifier note.Verifier

	reading sync.Mutex     // guards packed; never taken with mu held
	packed  *segmentReader // the packed segment that reports are read from, or nil

	mu       sync.Mutex // guards all below
	failed   error      // why no more can be appended
	segment  vfs.File   // the last segment, positioned at its end
	first    int64      // its first index
	start    int64      // the offset of its first frame
	end      int64      // its length
	tree     frontier
	hashes   *hashStore
	queue    queue
	signed   int64  // size of the checkpoint on disk
	head     []byte // that checkpoint
	signedAt time.Time
	buf      []byte

	finished   []finished // nil: not known
	finishedTo int64      // the last segment when they were listed
	prunedAt   time.Time
	tidyErr    error
}

// Open opens the ledger in dir, which is created if missing, and takes its
// lock: vfs.ErrLocked means that another process has it. A *Fault says what is
// wrong with the files.
//
// The order of what it writes: the key, its public half, the checkpoint of an
// empty ledger, the first segment. After a crash: the last segment anew, if it
// holds records that no checkpoint covers, then the hashes, then a checkpoint.
func Open(fsys vfs.FS, dir string, opt Options) (*Ledger, error) {
	if err := opt.defaults(); err != nil {
		return nil, err
	}
	if err := makeDir(fsys, dir); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	lock, err := fsys.Lock(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l := &Ledger{fsys: fsys, dir: dir, opt: opt, lock: lock, queue: newQueue(), hashes: newHashStore(fsys, dir)}
	if err := l.recover(); err != nil {
		if l.segment != nil {
			l.segment.Close()
		}
		lock.Close()
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	return l, nil
}

// makeDir makes dir and sees to it that its name and those of the folders
// above it are durable. Who made those, and whether they were synced, is not
// known: an earlier start may have failed in between.
func makeDir(fsys vfs.FS, dir string) error {
	dir = filepath.Clean(dir)
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for d := dir; d != filepath.Dir(d); {
		d = filepath.Dir(d)
		// A folder that may not be read was not made by us.
		if err := fsys.SyncDir(d); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

// recover brings the files and the state in memory together.
func (l *Ledger) recover() error {
	if err := l.removeLeftovers(); err != nil {
		return err
	}
	firsts, err := segments(l.fsys, l.dir)
	if err != nil {
		return err
	}
	name := filepath.Join(l.dir, checkpointFile)
	msg, err := vfs.ReadFile(l.fsys, name)
	begun := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !begun && len(firsts) > 0 {
		return &Fault{File: name, Index: -1, What: "checkpoint is missing", Hint: hintDamaged}
	}
	if l.signer, l.verifier, err = loadSigner(l.fsys, l.dir, l.opt.Install, l.opt.Rand, !begun); err != nil {
		return err
	}
	cp := Checkpoint{Root: emptyRoot}
	if begun {
		if cp, err = OpenCheckpoint(msg, l.verifier); err != nil {
			return &Fault{File: name, Index: -1, What: err.Error(), Hint: hintDamaged}
		}
	} else if err := l.checkpoint(); err != nil {
		return err
	}
	l.signed, l.signedAt = cp.Size, l.opt.Now()
	if begun {
		l.head = msg
	}
	if len(firsts) == 0 {
		if cp.Size > 0 {
			return &Fault{File: l.dir, Index: 0, What: fmt.Sprintf("segments are missing, the checkpoint covers %d records", cp.Size), Hint: hintDamaged}
		}
		return l.newSegment()
	}
	if err := l.scan(firsts, cp); err != nil {
		return err
	}
	if l.tree.size > l.signed || len(l.hashes.tail) > 0 {
		return l.checkpoint()
	}
	return nil
}

// removeLeftovers removes what an interrupted atomic write left beside its
// file, and makes the names that can be seen durable: a file that was renamed
// before its folder's sync failed has synced content under a name that a power
// cut would take.
func (l *Ledger) removeLeftovers() error {
	list, err := l.fsys.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		if strings.HasSuffix(e.Name(), ".tmp") {
			if err := l.fsys.Remove(filepath.Join(l.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return l.fsys.SyncDir(l.dir)
}

// scan reads the segments from that of the oldest report without an outcome
// on, and goes on from there with the tree and the queue. It relies on the
// stored hashes for what lies before, and the checkpoint's root shows whether
// it may: in the checkpoint's tree there is no other way to come to that root.
//
// Where the stored hashes do not reach, and where anything is wrong, it reads
// everything instead, to rebuild them or to say where the fault is.
func (l *Ledger) scan(firsts []int64, cp Checkpoint) error {
	last := firsts[len(firsts)-1]
	if cp.Size < last {
		return &Fault{File: filepath.Join(l.dir, checkpointFile), Index: -1, What: fmt.Sprintf("checkpoint covers %d records, but the last segment was begun at %d", cp.Size, last), Hint: "an older checkpoint was put back; " + hintDamaged}
	}
	tail, err := l.tail(firsts)
	if err == nil {
		err = l.scanFrom(tail, cp)
	}
	var f *Fault
	if err != nil && errors.As(err, &f) && firsts[0] == 0 && len(tail) < len(firsts) {
		if full := l.scanFrom(firsts, cp); full == nil || errors.As(full, &f) {
			err = full
		}
	}
	if err != nil {
		return err
	}
	if l.tree.size < cp.Size {
		return &Fault{File: filepath.Join(l.dir, segmentName(last)), Offset: l.end, Index: l.tree.size, What: fmt.Sprintf("records are missing, the checkpoint covers %d", cp.Size), Hint: hintDamaged}
	}
	return l.openLast(last, l.start, l.end)
}

// tail is the segments that have to be read to know what is pending.
func (l *Ledger) tail(firsts []int64) ([]int64, error) {
	s, err := openSegment(l.fsys, l.dir, firsts[len(firsts)-1])
	if err != nil {
		return firsts, err
	}
	s.file.Close()
	i, found := slices.BinarySearch(firsts, s.header.oldestPending)
	if !found {
		i = max(i-1, 0)
	}
	if s, err = openSegment(l.fsys, l.dir, firsts[i]); err != nil {
		return firsts, err
	}
	s.file.Close()
	if s.header.version < 2 {
		return firsts, nil // it has no state
	}
	return firsts[i:], nil
}

// scanFrom reads these segments, the last ones of the ledger.
func (l *Ledger) scanFrom(firsts []int64, cp Checkpoint) error {
	first, last := firsts[0], firsts[len(firsts)-1]
	l.tree, l.queue, l.hashes.tail = frontier{size: first}, newQueue(), nil
	checker, err := newHashChecker(l.fsys, l.dir, cp.Size)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	defer checker.Close()
	l.hashes.stored = checker.present
	if first > 0 {
		if l.tree.peaks, err = checker.startAt(first); err != nil {
			return err
		}
		s, err := openSegment(l.fsys, l.dir, first)
		if err != nil {
			return err
		}
		s.file.Close()
		if l.queue, err = s.header.queue(); err != nil {
			return &Fault{File: s.name, Index: first, What: err.Error(), Hint: hintDamaged}
		}
	}
	if first == cp.Size && l.tree.root() != cp.Root {
		return &Fault{File: checker.name, Index: -1, What: "hashes are not those that the checkpoint was signed over", Hint: hintDamaged}
	}
	torn := false
	for _, first := range firsts {
		if torn, err = l.scanSegment(first, first == last, cp, checker); err != nil {
			return err
		}
	}
	if l.tree.size >= cp.Size && (torn || l.tree.size > cp.Size) {
		// Nobody knows whether these frames were synced, only that they can
		// be read: after a sync that failed, the page cache shows what the
		// disk does not have. Write them again before relying on them.
		return l.rewrite(last, l.end)
	}
	return nil
}

// scanSegment reads one segment, up to its end or to an unfinished append.
func (l *Ledger) scanSegment(first int64, last bool, cp Checkpoint, checker *hashChecker) (torn bool, err error) {
	s, err := openSegment(l.fsys, l.dir, first)
	if err != nil {
		return false, err
	}
	defer s.file.Close()
	fault := func(off int64, what string) error {
		return &Fault{File: s.name, Offset: off, Index: l.tree.size, What: what, Hint: hintDamaged}
	}
	if first != l.tree.size {
		return false, fault(0, fmt.Sprintf("segment begins at record %d, but the one before it ends at %d", first, l.tree.size))
	}
	if last && s.header.encoding != encodingPlain {
		return false, fault(0, "segment was finished, and the one behind it is missing")
	}
	l.start = s.header.size()
	for off := l.start; ; {
		f, err := readFrame(&s.win, off)
		switch {
		case errors.Is(err, io.EOF):
			l.end = off
			return false, nil
		case errors.Is(err, errTorn):
			if !last || l.tree.size < cp.Size {
				return false, fault(off, "record is incomplete, although it was acknowledged")
			}
			l.end = off
			return true, nil
		case err != nil:
			var fe *frameError
			if !errors.As(err, &fe) {
				return false, fmt.Errorf("read %s: %w", s.name, err)
			}
			return false, fault(off, fe.what)
		}
		h, err := decodeHeader(f.header)
		if err != nil {
			return false, fault(off, err.Error())
		}
		if h.Index != l.tree.size {
			return false, fault(off, fmt.Sprintf("record has index %d", h.Index))
		}
		if h.Kind == KindReport && h.Sequence != l.queue.last+1 {
			return false, fault(off, fmt.Sprintf("report has sequence %d, expected %d", h.Sequence, l.queue.last+1))
		}
		missing, err := checker.check(l.tree.add(tlog.RecordHash(f.header)))
		if err != nil {
			return false, err
		}
		l.hashes.tail = append(l.hashes.tail, missing...)
		if l.tree.size == cp.Size && l.tree.root() != cp.Root {
			return false, fault(off, "records are not those that the checkpoint was signed over")
		}
		h.Body = f.body
		l.queue.apply(&h.Record, h.bodyLen, first, off)
		off = f.next
	}
}

// rewrite replaces the last segment by a synced copy of its whole frames.
func (l *Ledger) rewrite(first, whole int64) error {
	name := filepath.Join(l.dir, segmentName(first))
	b, err := vfs.ReadFile(l.fsys, name)
	if err != nil {
		return err
	}
	if int64(len(b)) < whole {
		return io.ErrUnexpectedEOF
	}
	return vfs.WriteFileAtomic(l.fsys, name, b[:whole], 0o600)
}

func (l *Ledger) openLast(first, start, end int64) error {
	f, err := l.fsys.OpenFile(filepath.Join(l.dir, segmentName(first)), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if _, err := f.Seek(end, io.SeekStart); err != nil {
		f.Close()
		return err
	}
	if l.segment != nil {
		l.segment.Close() // synced after every append
	}
	l.segment, l.first, l.start, l.end = f, first, start, end
	return nil
}

// newSegment begins a segment at the end of the log. The one before it must be
// covered by a checkpoint: only the last segment may hold records that none covers.
func (l *Ledger) newSegment() error {
	h := segmentHeader{version: segmentVersion, first: l.tree.size, sequenceBefore: l.queue.last, oldestPending: l.queue.oldest(l.tree.size), state: l.queue.encodeState()}
	name := filepath.Join(l.dir, segmentName(h.first))
	if err := vfs.WriteFileAtomic(l.fsys, name, h.encode(), 0o600); err != nil {
		return err
	}
	return l.openLast(h.first, h.size(), h.size())
}

// checkpoint signs what has been appended so far. The hashes are synced first.
func (l *Ledger) checkpoint() error {
	if err := l.hashes.flush(); err != nil {
		return err
	}
	msg, err := Checkpoint{Install: l.opt.Install, Size: l.tree.size, Root: l.tree.root()}.sign(l.signer)
	if err != nil {
		return err
	}
	if err := vfs.WriteFileAtomic(l.fsys, filepath.Join(l.dir, checkpointFile), msg, 0o644); err != nil {
		return err
	}
	l.signed, l.head, l.signedAt = l.tree.size, msg, l.opt.Now()
	return nil
}

// cover sees to it that the checkpoint on disk covers a record.
func (l *Ledger) cover(index int64) error {
	if index < l.signed {
		return nil
	}
	if l.failed != nil {
		return l.failed
	}
	if err := l.checkpoint(); err != nil {
		return l.fail("write checkpoint", err)
	}
	return nil
}
