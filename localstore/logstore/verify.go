package logstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Report is what Verify saw.
type Report struct {
	Files    int     `json:"files"`
	Blocks   int     `json:"blocks"`
	Segments int     `json:"segments"`
	Frames   int     `json:"frames"`
	Entries  int64   `json:"entries"`
	Bytes    int64   `json:"bytes"`
	Faults   []Fault `json:"faults"`
	// Incomplete says that a segment ends in a write that never finished: it
	// goes on right now, or a crash cut it off before it was acknowledged.
	Incomplete bool `json:"incomplete"`
}

// Fault is a damaged place. It never holds stored data.
type Fault struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"` // -1 when it is the file as a whole
	What   string `json:"what"`
}

func (f Fault) String() string {
	if f.Offset < 0 {
		return fmt.Sprintf("%s: %s", f.File, f.What)
	}
	return fmt.Sprintf("%s: offset %d: %s", f.File, f.Offset, f.What)
}

// Verify checks every checksum of a store, which may be in use: it takes no lock
// and writes nothing. The error is one of reading; damage is in the report.
// progress, which may be nil, is told how many bytes are done.
func Verify(ctx context.Context, fsys vfs.FS, dir string, progress func(done, total int64)) (*Report, error) {
	v := verifier{ctx: ctx, fsys: fsys, dir: dir, r: Report{Faults: []Fault{}}}
	all, err := listStore(fsys, dir)
	if err != nil {
		return nil, err
	}
	if !all.checkpoint {
		v.fault(checkpointName, -1, "missing or damaged")
	}
	var total, done int64
	for _, f := range all.files {
		total += f.size
	}
	for _, seg := range all.segments {
		total += seg.size
	}
	step := func(n int64) {
		if done += n; progress != nil {
			progress(done, total)
		}
	}
	for _, bf := range all.files {
		// A file that has gone meanwhile was dropped or merged.
		if err := v.blockFile(bf); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		step(bf.size)
	}
	for _, seg := range all.segments {
		if err := v.segment(seg); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		step(seg.size)
	}
	return &v.r, nil
}

// storeFiles are the files that count.
type storeFiles struct {
	checkpoint bool // is there and readable
	files      []*blockFile
	segments   []segment
}

// listStore finds a store's files without changing anything.
func listStore(fsys vfs.FS, dir string) (*storeFiles, error) {
	upTo, valid, err := readCheckpoint(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint: %w", err)
	}
	all := &storeFiles{checkpoint: valid}
	segs, err := listSegments(fsys, filepath.Join(dir, walFolder))
	if err != nil {
		return nil, fmt.Errorf("list the log's segments: %w", err)
	}
	for _, seg := range segs {
		if !valid || seg.number > upTo {
			all.segments = append(all.segments, seg)
		}
	}
	days, err := listDays(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("list the days: %w", err)
	}
	for _, day := range days {
		entries, err := fsys.ReadDir(filepath.Join(dir, day))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			bf, ok := openBlockFile(fsys, dir, day, e.Name())
			if !ok || valid && bf.number > upTo {
				continue
			}
			if info, err := fsys.Stat(bf.path); err == nil {
				bf.size = info.Size()
				all.files = append(all.files, bf)
			}
		}
	}
	return all, nil
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
	end, faults := int64(0), 0
	d, err := scanFrames(b, seg.salt, func(off int64, payload []byte) error {
		if off != end {
			v.fault(name, end, "unreadable frame")
			faults++
		}
		end = off + frameHeaderSize + int64(len(payload))
		v.r.Frames++
		err := readPayload(payload, func(labels.Labels) {}, func(headEntry) { v.r.Entries++ })
		if errors.Is(err, errCorrupt) {
			v.fault(name, off, "undecodable frame")
			faults++
		}
		return err
	})
	if d.lost > faults {
		v.fault(name, end, "unreadable end")
	}
	v.r.Incomplete = v.r.Incomplete || d.torn > 0
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
	if err := bd.decodePrefix(&h, b, nil); err != nil {
		return err
	}
	return bd.decodeMeta(&h, meta)
}
