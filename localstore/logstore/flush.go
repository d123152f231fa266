package logstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/prometheus/model/labels"
)

// flushJob turns one generation of the head into block files.
//
// The order of writes, and what a crash leaves after each:
//
//  1. For each day: write <file>.tmp, sync it, rename it, sync the day's
//     folder. A crash leaves temporary files, which Open removes, or whole
//     files numbered beyond the checkpoint, which Open removes too, because the
//     log still has what they hold.
//  2. Replace the checkpoint. This is the commit: before it the log counts,
//     after it the files do.
//  3. Show the blocks to queries in place of the generation, in one step.
//  4. Remove the log's segments. A crash leaves segments below the
//     checkpoint, which Open removes without reading.
//
// A failed step is tried again from where it stands. Once step 2 has been
// tried, its outcome on disk is unknown, so the files of step 1 stay for ever.
type flushJob struct {
	number  uint64 // the last WAL segment that the generation is in
	salt    uint64
	streams []*stream
	files   []*blockFile // step 1 is done when not nil
	done    chan struct{}
	err     error
	tried   time.Time
}

const day = int64(24 * time.Hour)

func dayName(ts int64) string { return time.Unix(0, ts).UTC().Format(time.DateOnly) }

// dayStart rounds down, for times before 1970 too.
func dayStart(ts int64) int64 {
	start := ts - ts%day
	if start > ts {
		start -= day
	}
	return start
}

// startFlush seals the log's segment and moves the head aside. The committer
// calls it, so no entry is between log and head.
func (s *Store) startFlush() {
	if s.headBytes == 0 {
		return
	}
	s.wal.seal()
	job := &flushJob{number: s.wal.next - 1, salt: newSalt(), done: make(chan struct{}), tried: s.o.Now()}
	s.mu.Lock()
	job.streams, s.heads = s.heads, nil
	for _, st := range job.streams {
		st.flushing, st.head = st.head, nil
		st.headBefore = len(st.flushing.entries)
	}
	s.flushSize, s.headBytes, s.headSince = s.headBytes, 0, time.Time{}
	s.mu.Unlock()
	slices.SortFunc(job.streams, func(a, b *stream) int { return labels.Compare(a.labels, b.labels) })
	s.job = job
	go s.runFlush(job)
}

// flushRetry is how long a failed flush rests unless Maintain asks.
const flushRetry = 5 * time.Second

// settle waits for the flush under way and clears it if it succeeded. If it
// failed some time ago it is tried once more.
func (s *Store) settle() error {
	<-s.job.done
	if s.job.err != nil && s.o.Now().Sub(s.job.tried) >= flushRetry {
		s.retryFlush()
		<-s.job.done
	}
	if err := s.job.err; err != nil {
		return err
	}
	s.wal.drop(s.job.number)
	s.counts.walBytes.Store(s.wal.bytes())
	s.job = nil
	return nil
}

func (s *Store) retryFlush() {
	s.job.done, s.job.err, s.job.tried = make(chan struct{}), nil, s.o.Now()
	go s.runFlush(s.job)
}

// Flush writes the head to blocks now.
func (s *Store) Flush(ctx context.Context) error {
	if s.closed.Load() {
		return ErrClosed
	}
	return s.flushNow(ctx)
}

func (s *Store) flushNow(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.onCommitter(func() error {
		if s.job != nil {
			<-s.job.done
			if s.job.err != nil {
				s.retryFlush()
			}
			if err := s.settle(); err != nil {
				return err
			}
		}
		if s.startFlush(); s.job == nil {
			return nil
		}
		return s.settle()
	})
}

func (s *Store) runFlush(job *flushJob) {
	defer close(job.done)
	if job.files == nil {
		files, err := s.writeDays(job)
		if err != nil {
			for _, f := range files { // give the room back
				_ = s.fsys.Remove(f.path)
			}
			s.counts.flushFailures.Add(1)
			job.err = fmt.Errorf("write blocks: %w", err)
			return
		}
		job.files = files
	}
	if err := writeCheckpoint(s.fsys, s.dir, job.number); err != nil {
		s.counts.flushFailures.Add(1)
		job.err = fmt.Errorf("write the checkpoint: %w", err)
		return
	}
	s.mu.Lock()
	for _, f := range job.files {
		s.addFile(f)
	}
	for _, st := range job.streams {
		st.flushing = nil
	}
	s.flushSize = 0
	s.mu.Unlock()
	s.counts.flushes.Add(1)
	job.streams = nil
}

// addFile shows a file's blocks to queries; it needs s.mu.
func (s *Store) addFile(f *blockFile) {
	s.files = append(s.files, f)
	for _, b := range f.blocks {
		b.stream.blocks = append(b.stream.blocks, b)
	}
}

// writeDays writes one file for each day that the generation touches.
func (s *Store) writeDays(job *flushJob) ([]*blockFile, error) {
	type part struct {
		st      *stream
		entries []headEntry
	}
	days := map[int64][]part{}
	for _, st := range job.streams {
		entries := st.flushing.inOrder()
		for len(entries) > 0 {
			start := dayStart(entries[0].ts)
			n, _ := slices.BinarySearchFunc(entries, start+day, func(e headEntry, t int64) int { return cmp.Compare(e.ts, t) })
			days[start] = append(days[start], part{st, entries[:n]})
			entries = entries[n:]
		}
	}
	starts := make([]int64, 0, len(days))
	for d := range days {
		starts = append(starts, d)
	}
	slices.Sort(starts)
	var files []*blockFile
	for _, d := range starts {
		w, err := newFileWriter(s.fsys, s.dir, dayName(d), job.number, job.salt)
		if err != nil {
			return files, err
		}
		files = append(files, w.bf)
		for _, p := range days[d] {
			if err == nil {
				err = w.add(p.st, p.entries, s.o.BlockBytes)
			}
		}
		if err = w.finish(err); err != nil {
			return files, err
		}
	}
	return files, nil
}

// inOrder returns the entries by time, entries of one instant in the order of
// their arrival, equal entries once. It does not change the head.
func (h *head) inOrder() []headEntry {
	entries := h.entries
	if !h.sorted {
		entries = slices.Clone(entries)
		slices.SortStableFunc(entries, func(a, b headEntry) int { return cmp.Compare(a.ts, b.ts) })
	}
	return dedupe(entries)
}

// dedupe drops entries that equal an earlier one. It copies before it changes.
func dedupe(entries []headEntry) []headEntry {
	out, copied := entries, false
	n := 0
	for i := 0; i < len(entries); {
		j := i + 1
		for j < len(entries) && entries[j].ts == entries[i].ts {
			j++
		}
		group := entries[i:j]
		if len(group) > 1 {
			unique := uniqueEntries(group)
			if len(unique) < len(group) && !copied {
				out, copied = slices.Clone(entries), true
			}
			group = unique
		}
		if copied {
			copy(out[n:], group)
		}
		n += len(group)
		i = j
	}
	return out[:n]
}

// uniqueEntries returns group itself if there is nothing to drop.
func uniqueEntries(group []headEntry) []headEntry {
	seen := make(map[uint64][]int, len(group))
	var out []headEntry
	for i, e := range group {
		h := xxhash.Sum64(e.rec)
		dup := slices.ContainsFunc(seen[h], func(k int) bool { return str(group[k].rec) == str(e.rec) })
		if dup && out == nil {
			out = append(make([]headEntry, 0, len(group)), group[:i]...)
		}
		if dup {
			continue
		}
		seen[h] = append(seen[h], i)
		if out != nil {
			out = append(out, e)
		}
	}
	if out == nil {
		return group
	}
	return out
}
