package logstore

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"time"
)

// streamIdle is how long a stream counts as active after its last entry.
const streamIdle = time.Hour

func (s *Store) maintainLoop() {
	defer s.background.Done()
	t := time.NewTicker(s.o.MaintainEvery)
	defer t.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // a merge does not hold up the end
		<-s.stop
		cancel()
	}()
	for {
		select {
		case <-s.stop:
			return
		case <-t.C:
			_ = s.Maintain(ctx) // counted in Stats; tried again next time
		}
	}
}

// Maintain does what is due by the store's clock: flush an old head, try a
// failed flush again, drop what is past the retention, merge small blocks, forget
// streams that have nothing left. It runs by itself every Options.MaintainEvery.
func (s *Store) Maintain(ctx context.Context) error {
	s.maintaining.Lock()
	defer s.maintaining.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	now := s.o.Now()
	err := s.onCommitter(func() error {
		if s.job != nil {
			select {
			case <-s.job.done:
			default:
				return nil // still writing
			}
			if s.job.err != nil {
				s.retryFlush()
			}
			if err := s.settle(); err != nil {
				return err
			}
		}
		if s.headBytes >= s.o.HeadBytes || s.headBytes > 0 && now.Sub(s.headSince) >= s.o.HeadAge {
			s.startFlush()
			return s.settle()
		}
		return nil
	})
	return errors.Join(err, s.retain(now), s.compact(ctx, now), s.removeDoomed(), s.forgetIdle(now))
}

// retain drops whole days past the retention, then the oldest files until the
// store fits into Options.MaxBytes.
func (s *Store) retain(now time.Time) error {
	s.mu.RLock()
	files := slices.Clone(s.files)
	s.mu.RUnlock()
	slices.SortStableFunc(files, func(a, b *blockFile) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.number, b.number))
	})
	total := s.counts.walBytes.Load() + s.counts.doomedBytes.Load()
	for _, f := range files {
		total += f.size
	}
	var gone []*blockFile
	for _, f := range files {
		start, err := time.Parse(time.DateOnly, f.day)
		expired := err == nil && s.o.Retention > 0 && !start.Add(24*time.Hour).After(now.Add(-s.o.Retention))
		if expired || s.o.MaxBytes > 0 && total > s.o.MaxBytes {
			gone = append(gone, f)
			total -= f.size
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return s.dropFiles(gone)
}

// dropFiles takes files out of queries first and then off the disk. A crash in
// between brings them back until the next Maintain.
func (s *Store) dropFiles(gone []*blockFile) error {
	for _, f := range gone {
		f.dropped.Store(true)
	}
	s.mu.Lock()
	s.files = slices.DeleteFunc(slices.Clone(s.files), func(f *blockFile) bool { return f.dropped.Load() })
	for _, st := range s.index.byID {
		if slices.ContainsFunc(st.blocks, func(b *block) bool { return b.file.dropped.Load() }) {
			st.blocks = slices.DeleteFunc(slices.Clone(st.blocks), func(b *block) bool { return b.file.dropped.Load() })
		}
	}
	s.mu.Unlock()
	var errs []error
	folders := map[string]bool{}
	for _, f := range gone {
		if err := s.fsys.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		s.counts.droppedFiles.Add(1)
		folders[filepath.Dir(f.path)] = true
	}
	for folder := range folders {
		errs = append(errs, s.fsys.SyncDir(folder))
		// An empty partition goes too. A flush may be making a file in it at
		// this moment; then the folder is not empty, or the flush is tried
		// again.
		if left, err := s.fsys.ReadDir(folder); err == nil && len(left) == 0 {
			_ = s.fsys.Remove(folder)
		}
	}
	return errors.Join(errs...)
}

// forgetIdle ends the activity of streams that were not written to for an hour
// and forgets those without entries.
func (s *Store) forgetIdle(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	empty := false
	for _, st := range s.index.byID {
		if st.pending.Load() > 0 || st.head != nil || st.flushing != nil {
			continue
		}
		if now.UnixNano()-st.lastWrite >= int64(streamIdle) {
			s.index.deactivate(st)
		}
		empty = empty || !st.active && len(st.blocks) == 0
	}
	if empty {
		s.index.forget(func(st *stream) bool { return !st.active && st.empty() && st.pending.Load() == 0 })
	}
	return nil
}
