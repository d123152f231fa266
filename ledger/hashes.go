package ledger

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// The hashes file holds the tree's hashes one behind the other, 32 bytes each,
// in the order of tlog.StoredHashIndex. It grows only when a checkpoint is
// written, and is synced before the checkpoint: what a checkpoint covers is
// there. What lies behind that is left from a crash; nobody reads it, and it is
// cut off on opening. Until a segment is pruned the file can be rebuilt from the
// segments; from then on it is all that is left of the oldest records.
const hashesFile = "hashes"

// hashStore is the hashes file with those that are not in it yet.
type hashStore struct {
	fsys   vfs.FS
	name   string
	stored int64       // hashes that are in the file and synced
	tail   []tlog.Hash // those behind
}

func newHashStore(fsys vfs.FS, dir string) *hashStore {
	return &hashStore{fsys: fsys, name: filepath.Join(dir, hashesFile)}
}

// flush writes the tail behind the stored hashes and syncs it. Whatever was
// there before is overwritten.
func (s *hashStore) flush() error {
	if len(s.tail) == 0 {
		return nil
	}
	f, err := s.fsys.OpenFile(s.name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	b := make([]byte, 0, len(s.tail)*tlog.HashSize)
	for _, h := range s.tail {
		b = append(b, h[:]...)
	}
	at := s.stored * tlog.HashSize
	if err = f.Truncate(at); err == nil {
		_, err = f.Seek(at, io.SeekStart)
	}
	if err == nil {
		_, err = f.Write(b)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil && s.stored == 0 {
		err = s.fsys.SyncDir(filepath.Dir(s.name))
	}
	if err != nil {
		return err
	}
	s.stored += int64(len(s.tail))
	s.tail = nil
	return nil
}

// ReadHashes implements tlog.HashReader.
func (s *hashStore) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var f vfs.File
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= s.stored {
			if x-s.stored >= int64(len(s.tail)) {
				return nil, fmt.Errorf("hash %d is behind the end of the tree", x)
			}
			out[i] = s.tail[x-s.stored]
			continue
		}
		if f == nil {
			var err error
			if f, err = s.fsys.OpenFile(s.name, os.O_RDONLY, 0); err != nil {
				return nil, err
			}
			defer f.Close()
		}
		if n, err := f.ReadAt(out[i][:], x*tlog.HashSize); n < tlog.HashSize {
			return nil, fmt.Errorf("read hash %d: %w", x, err)
		}
	}
	return out, nil
}

// hashChecker compares computed hashes with the start of the hashes file.
type hashChecker struct {
	file    vfs.File // nil: there is none
	win     window
	name    string
	limit   int64 // hashes that the checkpoint covers
	checked int64
	present int64 // hashes, within the limit, that the file holds
}

func newHashChecker(fsys vfs.FS, dir string, size int64) (*hashChecker, error) {
	c := &hashChecker{name: filepath.Join(dir, hashesFile), limit: tlog.StoredHashCount(size)}
	f, err := fsys.OpenFile(c.name, os.O_RDONLY, 0)
	if err != nil {
		return c, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return c, err
	}
	c.file, c.win = f, window{r: f, size: info.Size()}
	c.present = min(c.limit, info.Size()/tlog.HashSize)
	return c, nil
}

func (c *hashChecker) Close() {
	if c.file != nil {
		c.file.Close()
	}
}

// startAt has check begin behind the first size records, and returns the roots
// of the complete subtrees that they make up, largest first.
func (c *hashChecker) startAt(size int64) ([]tlog.Hash, error) {
	c.checked = tlog.StoredHashCount(size)
	if c.present < c.checked {
		return nil, &Fault{File: c.name, Offset: c.present * tlog.HashSize, Index: -1, What: fmt.Sprintf("file holds %d hashes, records before %d need %d", c.present, size, c.checked), Hint: hintDamaged}
	}
	var peaks []tlog.Hash
	for level, lo := 62, int64(0); level >= 0; level-- {
		if size>>level&1 == 0 {
			continue
		}
		b, err := c.win.bytes(tlog.StoredHashIndex(level, lo>>level)*tlog.HashSize, tlog.HashSize)
		if err != nil {
			return nil, err
		}
		peaks, lo = append(peaks, tlog.Hash(b)), lo+1<<level
	}
	return peaks, nil
}

// at returns one hash that is present.
func (c *hashChecker) at(index int64) (h tlog.Hash, err error) {
	if n, err := c.file.ReadAt(h[:], index*tlog.HashSize); n < tlog.HashSize {
		return h, fmt.Errorf("read hash %d: %w", index, err)
	}
	return h, nil
}

// check compares the next hashes. It returns those that the file does not
// hold, and a *Fault for the first that differs.
func (c *hashChecker) check(hashes []tlog.Hash) ([]tlog.Hash, error) {
	for i, h := range hashes {
		if c.checked >= c.present {
			c.checked += int64(len(hashes) - i)
			return hashes[i:], nil
		}
		b, err := c.win.bytes(c.checked*tlog.HashSize, tlog.HashSize)
		if err != nil {
			return nil, err
		}
		if tlog.Hash(b) != h {
			off := c.checked * tlog.HashSize
			c.checked++
			return nil, &Fault{File: c.name, Offset: off, Index: -1, What: "stored hash is not that of the records", Hint: "if the records are whole, removing this file lets it be rebuilt; keep a copy of the folder first"}
		}
		c.checked++
	}
	return nil, nil
}
