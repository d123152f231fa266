package ledger

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Book is a ledger that is only looked at: without its lock, also beside the
// edge. What it proves, it proves against the checkpoint that it was opened with.
type Book struct {
	Checkpoint Checkpoint
	Note       []byte // the checkpoint, signed
	Key        note.Verifier

	fsys   vfs.FS
	dir    string
	hashes *hashStore
}

// OpenBook reads the key and the checkpoint of a ledger.
func OpenBook(fsys vfs.FS, dir string) (*Book, error) {
	firsts, err := segments(fsys, dir)
	if err != nil || len(firsts) == 0 {
		return nil, ErrNone
	}
	b := &Book{fsys: fsys, dir: dir, hashes: newHashStore(fsys, dir)}
	if b.Key, err = LoadVerifier(fsys, dir); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, checkpointFile)
	if b.Note, err = vfs.ReadFile(fsys, name); err != nil {
		return nil, err
	}
	if b.Checkpoint, err = OpenCheckpoint(b.Note, b.Key); err != nil {
		return nil, &Fault{File: name, Index: -1, What: err.Error(), Hint: hintDamaged}
	}
	b.hashes.stored = tlog.StoredHashCount(b.Checkpoint.Size)
	return b, nil
}

// ErrNoRecord is returned for an index that the ledger does not hold.
var ErrNoRecord = errors.New("no such record")

// Record reads one record. One that was pruned whole is ErrNoRecord too.
func (b *Book) Record(index int64) (Record, error) {
	var found Record
	stop := errors.New("stop")
	r, err := b.From(index)
	if err != nil {
		return Record{}, err
	}
	err = r.Read(func(rec Record) error {
		found = rec
		return stop
	})
	if err == nil || errors.Is(err, stop) && found.Index != index {
		return Record{}, fmt.Errorf("record %d: %w", index, ErrNoRecord)
	}
	if !errors.Is(err, stop) {
		return Record{}, err
	}
	return found, nil
}

// From returns a reader that begins with a record, or with the first one there
// is behind it.
func (b *Book) From(index int64) (*Reader, error) {
	firsts, err := segments(b.fsys, b.dir)
	if err != nil {
		return nil, err
	}
	if len(firsts) == 0 {
		return nil, ErrNone
	}
	i, found := slices.BinarySearch(firsts, index)
	if !found {
		i = max(i-1, 0)
	}
	r := &Reader{fsys: b.fsys, dir: b.dir, segment: firsts[i], next: firsts[i]}
	return r, r.skip(max(index, firsts[i]))
}

// State is the statement about a record of any kind, without the past, and
// checked: the record is in the tree that the checkpoint signs.
func (b *Book) State(r Record) (Statement, error) {
	if r.Index >= b.Checkpoint.Size {
		return Statement{}, fmt.Errorf("record %d is behind the checkpoint, which covers %d", r.Index, b.Checkpoint.Size)
	}
	s := Statement{Checkpoint: b.Note, Index: r.Index, Header: appendHeader(nil, &r)}
	var err error
	if s.Inclusion, err = tlog.ProveRecord(b.Checkpoint.Size, r.Index, b.hashes); err != nil {
		return Statement{}, fmt.Errorf("prove record %d: %w", r.Index, err)
	}
	if err := tlog.CheckRecord(s.Inclusion, b.Checkpoint.Size, b.Checkpoint.Root, r.Index, leafOf(&r)); err != nil {
		return Statement{}, &Fault{File: b.hashes.name, Index: r.Index, What: "record is not in the tree that the checkpoint was signed over", Hint: "run 'weir ledger verify'"}
	}
	return s, nil
}

// Root is that of the first size records, by the stored hashes.
func (b *Book) Root(size int64) (tlog.Hash, error) {
	if size > b.Checkpoint.Size {
		return tlog.Hash{}, fmt.Errorf("tree of %d records is larger than the checkpoint's", size)
	}
	return tlog.TreeHash(size, b.hashes)
}
