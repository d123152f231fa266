package ledger

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// pack replaces a finished segment by a copy in another encoding. The copy is
// synced and read back before it takes the segment's name, so that a crash
// leaves one or the other, whole. What does not fit its checksums is not
// copied: damage must not be given new ones.
func (l *Ledger) pack(first int64, encoding uint16) (trailer, error) {
	s, err := openSegment(l.fsys, l.dir, first)
	if err != nil {
		return trailer{}, err
	}
	defer s.file.Close()
	tmp := filepath.Join(l.dir, segmentName(first)+".tmp")
	t, err := l.writePacked(tmp, s, encoding)
	if err == nil {
		err = l.fsys.Rename(tmp, s.name)
	}
	if err != nil {
		_ = l.fsys.Remove(tmp)
		return trailer{}, fmt.Errorf("pack %s: %w", s.name, err)
	}
	return t, l.fsys.SyncDir(l.dir)
}

func (l *Ledger) writePacked(tmp string, s *segmentReader, encoding uint16) (trailer, error) {
	f, err := l.fsys.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return trailer{}, err
	}
	defer f.Close()
	h := s.header
	h.encoding = encoding
	if _, err := f.Write(h.encode()); err != nil {
		return trailer{}, err
	}
	w := &blockWriter{w: f}
	if err := copyFrames(w, s, encoding); err != nil {
		return trailer{}, err
	}
	if err := w.close(); err != nil {
		return trailer{}, err
	}
	if err := f.Sync(); err != nil {
		return trailer{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return trailer{}, err
	}
	b, err := openBlocks(f, h.size(), info.Size())
	if err != nil {
		return trailer{}, err
	}
	sum := crc32.New(castagnoli)
	if _, err := io.Copy(sum, io.NewSectionReader(b, h.size(), b.plain)); err != nil {
		return trailer{}, err
	}
	if sum.Sum32() != w.sum || !b.newest.Equal(w.newest) || b.records != w.records {
		return trailer{}, errors.New("what was written cannot be read back")
	}
	return b.trailer, nil
}

// copyFrames copies the frames of a segment as they are, or those of reports
// without their bodies.
func copyFrames(w *blockWriter, s *segmentReader, encoding uint16) error {
	var cut []byte
	for off := s.header.size(); ; {
		f, err := readFrame(&s.win, off)
		if errors.Is(err, io.EOF) {
			return nil
		}
		var r Record
		if err == nil {
			r, err = decodeFrame(f, s.header.encoding)
		}
		if err == nil && r.Index != s.header.first+w.records {
			err = fmt.Errorf("record has index %d", r.Index)
		}
		if err != nil {
			return &Fault{File: s.name, Offset: off, Index: s.header.first + w.records, What: err.Error(), Hint: "run 'weir ledger verify'"}
		}
		w.records++
		if r.Time.After(w.newest) {
			w.newest = r.Time
		}
		frame := f.whole
		if encoding == encodingPruned && r.Kind == KindReport {
			cut = appendRawFrame(cut[:0], f.header, nil)
			frame = cut
		}
		if err := w.add(frame); err != nil {
			return err
		}
		off = f.next
	}
}
