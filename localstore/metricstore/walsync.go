package metricstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// syncer syncs the TSDB's write-ahead logs from outside.
//
// The TSDB hands each commit to the kernel but syncs a segment only when it
// starts the next one, which at an ordinary rate is hours away. A power cut
// then takes everything since the start. The syncer bounds that to its
// interval and one sync's time: while anything has been committed since the
// last round it syncs the newest two segments of either log (the newest but
// one may just have been closed, and the TSDB syncs it on a goroutine of its
// own) and, when segments came or went, the folder that holds their names.
type syncer struct {
	fs       vfs.FS
	dirs     []string // of the write-ahead log and the one of out-of-order samples
	interval time.Duration
	now      func() time.Time

	// since is when the first commit was made that no sync has covered yet,
	// in Unix nanoseconds; zero if there is none.
	since    atomic.Int64
	syncs    atomic.Int64
	failures atomic.Int64

	mu     sync.Mutex          // one round at a time; guards newest
	newest map[string][2]int64 // by folder: what the last round synced

	done, ended chan struct{}
}

func newSyncer(fsys vfs.FS, dir string, interval time.Duration, now func() time.Time) *syncer {
	return &syncer{
		fs: fsys, interval: interval, now: now,
		dirs:   []string{filepath.Join(dir, "wal"), filepath.Join(dir, "wbl")},
		newest: map[string][2]int64{},
		done:   make(chan struct{}), ended: make(chan struct{}),
	}
}

func (s *syncer) start() {
	go func() {
		defer close(s.ended)
		tick := time.NewTicker(s.interval)
		defer tick.Stop()
		for {
			select {
			case <-s.done:
				return
			case <-tick.C:
				if s.since.Load() != 0 {
					// Counted, and visible in Stats for as long as it lasts.
					_ = s.sync()
				}
			}
		}
	}()
}

func (s *syncer) stop() { close(s.done); <-s.ended }

// committed says that the log has something new.
func (s *syncer) committed() { s.since.CompareAndSwap(0, s.now().UnixNano()) }

func (s *syncer) unsynced() time.Duration {
	since := s.since.Load()
	if since == 0 {
		return 0
	}
	return max(0, s.now().Sub(time.Unix(0, since)))
}

// sync is one round. What was committed before the call is durable when it
// returns without an error.
func (s *syncer) sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Taken before the files are: what is committed from here on belongs to
	// the next round.
	since := s.since.Swap(0)
	var errs []error
	for _, dir := range s.dirs {
		errs = append(errs, s.syncLog(dir))
	}
	if err := errors.Join(errs...); err != nil {
		s.failures.Add(1)
		if since == 0 {
			since = s.now().UnixNano()
		}
		s.since.Store(since)
		return fmt.Errorf("sync write-ahead log: %w", err)
	}
	s.syncs.Add(1)
	return nil
}

func (s *syncer) syncLog(dir string) error {
	entries, err := s.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // there is no log for out-of-order samples without a window
	}
	if err != nil {
		return err
	}
	newest := [2]int64{-1, -1}
	var names [2]string
	for _, e := range entries { // sorted: segments' names have a fixed width
		n, err := strconv.ParseInt(e.Name(), 10, 64)
		if err != nil || e.IsDir() {
			continue // a checkpoint, which the TSDB syncs itself
		}
		newest[0], names[0] = newest[1], names[1]
		newest[1], names[1] = n, e.Name()
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		f, err := s.fs.OpenFile(filepath.Join(dir, name), os.O_RDONLY, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue // truncated meanwhile: its samples are in a block
		}
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	if newest != s.newest[dir] {
		if err := s.fs.SyncDir(dir); err != nil {
			return err
		}
		s.newest[dir] = newest
	}
	return nil
}
