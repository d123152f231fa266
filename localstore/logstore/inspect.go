package logstore

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Inspection is what a store holds, by its indexes and its write-ahead log.
type Inspection struct {
	Days  []DayStats `json:"days"` // by date
	WAL   WALStats   `json:"wal"`
	Total DayStats   `json:"total"` // blocks and log; Day is empty
	// Unindexed counts files whose index is damaged: their blocks are found,
	// their filters are not.
	Unindexed int `json:"unindexed"`
}

// DayStats is what the blocks of one day hold.
type DayStats struct {
	Day       string `json:"day,omitempty"`
	Streams   int    `json:"streams"`
	Files     int    `json:"files"`
	Blocks    int    `json:"blocks"`
	Entries   int64  `json:"entries"`
	LineBytes int64  `json:"line_bytes"`
	DiskBytes int64  `json:"disk_bytes"`
}

// Ratio is disk over lines.
func (d DayStats) Ratio() float64 {
	if d.LineBytes == 0 {
		return 0
	}
	return float64(d.DiskBytes) / float64(d.LineBytes)
}

// WALStats is what waits in the write-ahead log to be written to blocks.
type WALStats struct {
	Segments  int   `json:"segments"`
	Entries   int64 `json:"entries"`
	LineBytes int64 `json:"line_bytes"`
	DiskBytes int64 `json:"disk_bytes"`
}

// Inspect reads the indexes and the log of a store, which may be in use. It
// takes no lock and writes nothing.
func Inspect(ctx context.Context, fsys vfs.FS, dir string) (*Inspection, error) {
	all, err := listStore(fsys, dir)
	if err != nil {
		return nil, err
	}
	in := &Inspection{Days: []DayStats{}}
	gone := map[replaced]bool{}
	found := make([][]*foundBlock, len(all.files))
	for i, bf := range all.files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		blocks, rebuilt, err := bf.load()
		if errors.Is(err, fs.ErrNotExist) {
			gone[replaced{bf.number, bf.salt}] = true // dropped or merged just now
			continue
		}
		if err != nil {
			return nil, err
		}
		if rebuilt {
			in.Unindexed++
		}
		for _, r := range bf.replaces {
			gone[r] = true
		}
		found[i] = blocks
	}
	every, ofDay := map[string]bool{}, map[string]bool{}
	for i, bf := range all.files {
		if gone[replaced{bf.number, bf.salt}] {
			continue
		}
		if n := len(in.Days); n == 0 || in.Days[n-1].Day != bf.day {
			in.Days = append(in.Days, DayStats{Day: bf.day})
			clear(ofDay)
		}
		d := &in.Days[len(in.Days)-1]
		d.Files++
		d.DiskBytes += bf.size
		for _, b := range found[i] {
			key := string(b.labels.Bytes(nil))
			ofDay[key], every[key] = true, true
			d.Blocks++
			d.Entries += int64(b.count)
			d.LineBytes += int64(b.raw)
		}
		d.Streams = len(ofDay)
	}
	for _, seg := range all.segments {
		if err := in.WAL.segment(fsys, dir, seg, every); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	t := &in.Total
	t.Streams, t.Entries, t.LineBytes, t.DiskBytes = len(every), in.WAL.Entries, in.WAL.LineBytes, in.WAL.DiskBytes
	for _, d := range in.Days {
		t.Files += d.Files
		t.Blocks += d.Blocks
		t.Entries += d.Entries
		t.LineBytes += d.LineBytes
		t.DiskBytes += d.DiskBytes
	}
	return in, nil
}

func (w *WALStats) segment(fsys vfs.FS, dir string, seg segment, streams map[string]bool) error {
	b, err := vfs.ReadFile(fsys, filepath.Join(dir, walFolder, seg.name()))
	if err != nil {
		return err
	}
	w.Segments++
	w.DiskBytes += int64(len(b))
	_, err = scanFrames(b, seg.salt, func(_ int64, payload []byte) error {
		return readPayload(payload, func(ls labels.Labels) { streams[string(ls.Bytes(nil))] = true }, func(e headEntry) {
			line, _ := e.split()
			w.Entries++
			w.LineBytes += int64(len(line))
		})
	})
	return err
}
