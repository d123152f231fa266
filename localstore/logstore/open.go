package logstore

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

const (
	lockName  = "lock"
	walFolder = "wal"
)

// Open opens the store in a folder, which it creates, and replays the log.
// It fails if another process has the folder. Damage never keeps it from
// starting: what cannot be read is left out and counted.
func Open(fsys vfs.FS, dir string, o Options) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("log store options: %w", err)
	}
	s := &Store{fsys: fsys, dir: dir, o: o, index: newStreamIndex(), stop: make(chan struct{}), opening: make(chan struct{}, o.Workers)}
	s.queue.ready.L, s.queue.taken = &s.queue.mu, make(chan struct{})
	if err := mkdirDurable(fsys, filepath.Join(dir, walFolder)); err != nil {
		return nil, fmt.Errorf("create the log store's folder: %w", err)
	}
	s.lock, err = fsys.Lock(filepath.Join(dir, lockName))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("the log store in %s is open already: %w", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("lock the log store: %w", err)
	}
	if err := s.recover(); err != nil {
		s.lock.Close()
		return nil, fmt.Errorf("open the log store in %s: %w", dir, err)
	}
	s.committer.Add(1)
	go s.commitLoop()
	if o.MaintainEvery > 0 {
		s.background.Add(1)
		go s.maintainLoop()
	}
	return s, nil
}

// recover reads checkpoint, block files and log, and removes what a crash
// left over.
func (s *Store) recover() error {
	upTo, valid, err := readCheckpoint(s.fsys, s.dir)
	if err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	segs, err := listSegments(s.fsys, filepath.Join(s.dir, walFolder))
	if err != nil {
		return err
	}
	days, err := listDays(s.fsys, s.dir)
	if err != nil {
		return err
	}
	if !valid && len(segs) == 0 && len(days) == 0 {
		if err := writeCheckpoint(s.fsys, s.dir, 0); err != nil {
			return fmt.Errorf("write the first checkpoint: %w", err)
		}
		valid = true
	}
	s.wal = wal{fsys: s.fsys, dir: filepath.Join(s.dir, walFolder), next: upTo + 1}
	for _, d := range days {
		if err := s.recoverDay(d, upTo, valid); err != nil {
			return err
		}
	}
	slices.SortStableFunc(s.files, func(a, b *blockFile) int { return cmp.Compare(a.number, b.number) })
	files := s.files
	s.files = nil
	for _, f := range files {
		s.addFile(f)
		s.wal.next = max(s.wal.next, f.number+1)
	}
	return s.replay(segs, upTo, valid)
}

// listDays returns the names of the partitions, sorted.
func listDays(fsys vfs.FS, dir string) ([]string, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var days []string
	for _, e := range entries {
		if _, err := time.Parse(time.DateOnly, e.Name()); err == nil && e.IsDir() {
			days = append(days, e.Name())
		}
	}
	return days, nil
}

func (s *Store) recoverDay(day string, upTo uint64, valid bool) error {
	folder := filepath.Join(s.dir, day)
	entries, err := s.fsys.ReadDir(folder)
	if err != nil {
		return err
	}
	removed := false
	type loaded struct {
		bf      *blockFile
		found   []*foundBlock
		rebuilt bool
	}
	var read []loaded
	gone := map[replaced]bool{}
	for _, e := range entries {
		bf, ok := openBlockFile(s.fsys, s.dir, day, e.Name())
		leftover := strings.HasSuffix(e.Name(), blockFileExt+".tmp") || ok && valid && bf.number > upTo
		if leftover {
			// It must not come back once the checkpoint has moved on.
			if err := s.fsys.Remove(filepath.Join(folder, e.Name())); err != nil {
				return err
			}
			removed = true
			continue
		}
		if !ok {
			continue // not ours
		}
		found, rebuilt, err := bf.load()
		if err != nil {
			return fmt.Errorf("read a block file's index: %w", err)
		}
		for _, r := range bf.replaces {
			gone[r] = true
		}
		read = append(read, loaded{bf, found, rebuilt})
	}
	for _, l := range read {
		if gone[replaced{l.bf.number, l.bf.salt}] { // merged, but not removed before the end
			if err := s.fsys.Remove(l.bf.path); err != nil {
				return err
			}
			removed = true
			continue
		}
		if l.rebuilt {
			s.counts.lostIndexes.Add(1)
		}
		for _, fb := range l.found {
			b := &block{file: l.bf, stream: s.index.getOrCreate(fb.labels), offset: fb.offset, size: fb.size, prefix: fb.prefix,
				minT: fb.minT, maxT: fb.maxT, count: fb.count, raw: fb.raw,
				filterAt: fb.filterAt, filterSize: fb.filterSize, filterCRC: fb.filterCRC}
			l.bf.add(b)
		}
		s.files = append(s.files, l.bf)
	}
	if removed {
		return s.fsys.SyncDir(folder)
	}
	return nil
}

// replay brings the log's entries into the head, in the order of the log.
func (s *Store) replay(segs []segment, upTo uint64, valid bool) error {
	var done, total int64
	live := segs[:0]
	for _, seg := range segs {
		s.wal.next = max(s.wal.next, seg.number+1)
		if valid && seg.number <= upTo || seg.size == 0 {
			// Covered by blocks or never written to. If it comes back
			// after a crash the next start removes it again.
			_ = s.fsys.Remove(filepath.Join(s.wal.dir, seg.name()))
			continue
		}
		live = append(live, seg)
		total += seg.size
	}
	for _, seg := range live {
		b, err := s.readSegment(seg)
		if err != nil {
			return fmt.Errorf("read a log segment: %w", err)
		}
		base := done
		d, err := scanFrames(b, seg.salt, func(off int64, payload []byte) error {
			var st *stream
			err := readPayload(payload, func(ls labels.Labels) { st = s.index.getOrCreate(ls) },
				func(e headEntry) { s.addToHead(st, []headEntry{e}) })
			if s.o.Progress != nil {
				s.o.Progress(base+off, total)
			}
			return err
		})
		if err != nil {
			return err
		}
		s.counts.lostFrames.Add(int64(d.lost))
		s.counts.tornTails.Add(int64(d.torn))
		done += seg.size
		s.wal.kept = append(s.wal.kept, seg)
	}
	if s.o.Progress != nil && total > 0 {
		s.o.Progress(total, total)
	}
	now := s.o.Now().UnixNano()
	for _, st := range s.heads {
		st.lastWrite = now
		s.index.activate(st)
	}
	s.counts.walBytes.Store(s.wal.bytes())
	return nil
}

// readSegment reads a segment into memory that the head will keep.
func (s *Store) readSegment(seg segment) ([]byte, error) {
	f, err := s.fsys.OpenFile(filepath.Join(s.wal.dir, seg.name()), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, seg.size)
	n, err := io.ReadFull(f, b)
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		err = nil
	}
	return b[:n], err
}
