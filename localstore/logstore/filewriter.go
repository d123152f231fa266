package logstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// fileWriter writes one block file under a temporary name.
type fileWriter struct {
	bf      *blockFile
	f       vfs.File
	enc     blockEncoder
	buf     []byte
	labels  []byte
	filters []byte
}

func newFileWriter(fsys vfs.FS, dir, day string, number, salt uint64) (*fileWriter, error) {
	folder := filepath.Join(dir, day)
	if err := mkdirDurable(fsys, folder); err != nil {
		return nil, err
	}
	bf := &blockFile{fsys: fsys, day: day, number: number, salt: salt}
	bf.path = filepath.Join(folder, bf.name())
	f, err := fsys.OpenFile(bf.path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	return &fileWriter{bf: bf, f: f}, nil
}

// add writes sorted entries of one stream as blocks of about blockBytes.
func (w *fileWriter) add(st *stream, entries []headEntry, blockBytes int) error {
	w.labels = appendLabels(w.labels[:0], st.labels)
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && n < maxBlockEntries && (n == 0 || size+len(entries[n].rec) <= blockBytes) {
			size += len(entries[n].rec)
			n++
		}
		if err := w.block(st, entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

func (w *fileWriter) block(st *stream, entries []headEntry) error {
	filterAt := len(w.filters)
	var h blockHeader
	w.buf, w.filters, h = w.enc.encode(w.buf[:0], w.filters, w.bf.salt, w.bf.size, w.labels, entries)
	if _, err := w.f.Write(w.buf); err != nil {
		return err
	}
	w.note(st, h, filterAt)
	return nil
}

// copied writes a block of another file, sealed for its new place.
func (w *fileWriter) copied(st *stream, h blockHeader, b, filter []byte) error {
	h.append(b[:0], w.bf.salt, w.bf.size)
	if _, err := w.f.Write(b); err != nil {
		return err
	}
	w.filters = append(w.filters, filter...)
	w.note(st, h, len(w.filters)-len(filter))
	return nil
}

// note takes the block just written into the index.
func (w *fileWriter) note(st *stream, h blockHeader, filterAt int) {
	filter := w.filters[filterAt:]
	b := &block{file: w.bf, stream: st, offset: w.bf.size, size: uint32(h.size()), prefix: uint32(h.prefix()),
		minT: h.minT, maxT: h.maxT, count: h.count, raw: h.linesRaw,
		filterAt: int64(filterAt), filterSize: uint32(len(filter)), filterCRC: crc(filter)}
	w.bf.add(b)
	w.bf.size += h.size()
}

func (bf *blockFile) add(b *block) {
	if len(bf.blocks) == 0 {
		bf.minT, bf.maxT = b.minT, b.maxT
	}
	bf.minT, bf.maxT = min(bf.minT, b.minT), max(bf.maxT, b.maxT)
	bf.entries += int64(b.count)
	bf.raw += int64(b.raw)
	bf.blocks = append(bf.blocks, b)
}

// finish writes filters, index and footer and puts the file in its place. If
// anything failed it removes the temporary file.
func (w *fileWriter) finish(err error) error {
	if err == nil {
		filtersAt := w.bf.size
		for _, b := range w.bf.blocks {
			b.filterAt += filtersAt // known only now
		}
		indexAt := filtersAt + int64(len(w.filters))
		index := appendIndex(nil, w.bf.blocks, w.bf.replaces)
		packed := zstdEncoder.EncodeAll(index, nil)
		tail := append(w.filters, packed...)
		footerAt := indexAt + int64(len(packed))
		tail = appendFooter(tail, w.bf.salt, footerAt, filtersAt, indexAt, packed, len(index))
		w.bf.size = footerAt + footerSize
		_, err = w.f.Write(tail)
	}
	if err == nil {
		err = w.f.Sync()
	}
	if cerr := w.f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = w.bf.fsys.Rename(w.bf.path+".tmp", w.bf.path)
	}
	if err != nil {
		_ = w.bf.fsys.Remove(w.bf.path + ".tmp")
		return err
	}
	return w.bf.fsys.SyncDir(filepath.Dir(w.bf.path))
}

// mkdirDurable creates a folder, and those above it, and makes their names
// durable. It goes down level by level, so that after a failure only the
// deepest folder can be without a durable name; that one is synced again.
func mkdirDurable(fsys vfs.FS, path string) error {
	parent := filepath.Dir(path)
	if _, err := fsys.Stat(path); err == nil {
		// Somebody else's folder may have a parent that we may not read;
		// then it is not ours to make durable.
		if err := fsys.SyncDir(parent); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		return nil
	}
	if parent != path {
		if err := mkdirDurable(fsys, parent); err != nil {
			return err
		}
	}
	if err := fsys.MkdirAll(path, 0o700); err != nil {
		return err
	}
	return fsys.SyncDir(parent)
}
