package logstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Report is what Verify saw.
type Report struct {
	Files, Blocks, Segments, Frames int
	Entries, Bytes                  int64
	Faults                          []Fault
}

// Fault is a damaged place. It never holds stored data.
type Fault struct {
	File   string
	Offset int64 // -1 when it is the file as a whole
	What   string
}

func (f Fault) String() string {
	if f.Offset < 0 {
		return fmt.Sprintf("%s: %s", f.File, f.What)
	}
	return fmt.Sprintf("%s: offset %d: %s", f.File, f.Offset, f.What)
}

// Verify reads a closed store and checks every checksum. The error is one of
// reading; damage is in the report. An unfinished write at the end of a segment
// counts as damage: an orderly end leaves none.
func Verify(ctx context.Context, fsys vfs.FS, dir string) (*Report, error) {
	lock, err := fsys.Lock(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("lock the log store in %s: %w", dir, err)
	}
	defer lock.Close()
	v := verifier{ctx: ctx, fsys: fsys, dir: dir}
	upTo, valid, err := readCheckpoint(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint: %w", err)
	}
	if !valid {
		v.fault(checkpointName, -1, "missing or damaged")
	}
	days, err := listDays(fsys, dir)
	if err != nil {
		return nil, err
	}
	for _, day := range days {
		entries, err := fsys.ReadDir(filepath.Join(dir, day))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if bf, ok := openBlockFile(fsys, dir, day, e.Name()); ok && (!valid || bf.number <= upTo) {
				if err := v.blockFile(bf); err != nil {
					return nil, err
				}
			}
		}
	}
	segs, err := listSegments(fsys, filepath.Join(dir, walFolder))
	if err != nil {
		return nil, err
	}
	for _, seg := range segs {
		if valid && seg.number <= upTo {
			continue
		}
		if err := v.segment(seg); err != nil {
			return nil, err
		}
	}
	return &v.r, nil
}

type verifier struct {
	ctx  context.Context
	fsys vfs.FS
	dir  string
	r    Report
}

func (v *verifier) fault(file string, offset int64, what string) {
	v.r.Faults = append(v.r.Faults, Fault{file, offset, what})
}

func (v *verifier) segment(seg segment) error {
	if err := v.ctx.Err(); err != nil {
		return err
	}
	name := filepath.Join(walFolder, seg.name())
	b, err := vfs.ReadFile(v.fsys, filepath.Join(v.dir, name))
	if err != nil {
		return err
	}
	v.r.Segments++
	v.r.Bytes += int64(len(b))
	end := int64(0)
	d, err := scanFrames(b, seg.salt, func(off int64, payload []byte) error {
		if off != end {
			v.fault(name, end, "unreadable frame")
		}
		end = off + frameHeaderSize + int64(len(payload))
		v.r.Frames++
		return readPayload(payload, func(labels.Labels) {}, func(headEntry) { v.r.Entries++ })
	})
	if d.torn > 0 {
		v.fault(name, end, "unreadable end")
	}
	return err
}

func (v *verifier) blockFile(bf *blockFile) error {
	if err := v.ctx.Err(); err != nil {
		return err
	}
	name := filepath.Join(bf.day, filepath.Base(bf.path))
	found, rebuilt, err := bf.load()
	if err != nil {
		return err
	}
	v.r.Files++
	v.r.Bytes += bf.size
	f, err := v.fsys.OpenFile(bf.path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if rebuilt {
		v.fault(name, -1, "damaged index")
	}
	for _, fb := range found {
		v.r.Blocks++
		v.r.Entries += int64(fb.count)
		switch err := verifyBlock(f, bf.salt, fb); {
		case errors.Is(err, errCorrupt):
			v.fault(name, fb.offset, "damaged block")
		case errors.Is(err, errFilter):
			v.fault(name, fb.filterAt, "damaged filter")
		case err != nil:
			return err
		}
	}
	return nil
}

var errFilter = errors.New("damaged filter")

func verifyBlock(f vfs.File, salt uint64, fb *foundBlock) error {
	b := make([]byte, fb.size)
	if _, err := f.ReadAt(b, fb.offset); err != nil {
		return err
	}
	if err := checkBlock(b, salt, fb.offset); err != nil {
		return err
	}
	filter := make([]byte, fb.filterSize)
	if _, err := f.ReadAt(filter, fb.filterAt); err != nil && fb.filterSize > 0 {
		return err
	}
	if fb.filterSize > 0 && crc(filter) != fb.filterCRC {
		return errFilter
	}
	return nil
}

// checkBlock decodes a whole block.
func checkBlock(b []byte, salt uint64, offset int64) error {
	h, ok := parseBlockHeader(b, salt, offset)
	if !ok || h.size() != int64(len(b)) {
		return errCorrupt
	}
	ls := b[blockHeaderSize:][:h.labels]
	meta := b[h.prefix():]
	if crc(ls) != h.labelsCRC || crc(meta) != h.mCRC {
		return errCorrupt
	}
	bd := new(blockData)
	if err := bd.decodePrefix(&h, b); err != nil {
		return err
	}
	return bd.decodeMeta(&h, meta)
}
