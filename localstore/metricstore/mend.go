package metricstore

import (
	"fmt"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/tsdb"
)

// A full disk and the write-ahead log.
//
// When a write fails in the middle of a record, the TSDB drops the record but
// not the part of it that is in the log already, and goes on behind it. It
// answers all queries rightly, until it is started again: the replay stops at
// the torn record and cuts off everything behind it, acknowledged or not. Seen
// with a 16 MB disk: after twenty refused commits and some room, 21,500 of
// 362,500 acknowledged samples were gone after a restart.
//
// So, in this order:
//
//  1. Append refuses while the disk has less than Options.Reserve left, and
//     the log is not torn in the first place.
//  2. If a commit fails all the same (another process was faster, or the disk
//     is broken), nothing more is committed. Queries go on.
//  3. As soon as there is room again, the next Append closes the TSDB and opens
//     it again. The torn record is then the last one, and the TSDB's repair
//     cuts off nothing but that.
//
// BUG: when the disk is full to the last byte, the TSDB panics as it moves full
// chunks out of memory (tsdb/head_append.go, handleChunkWriteError), on a
// goroutine of its own. Nothing acknowledged is lost, but the process is. The
// reserve keeps this store from being the one that fills the disk; it cannot
// keep others from it.
//
// BUG: the log of out-of-order samples has the same weakness, and a failed
// write to it is not even reported by the TSDB. Only the reserve protects it.

// mendInterval is the least time between two attempts: each reads the whole
// log.
const mendInterval = time.Second

// writable returns why nothing can be appended now, after trying to mend it.
func (s *Store) writable() error {
	if s.opts.Reserve > 0 {
		free, err := s.opts.Free(s.dir)
		if err != nil {
			return fmt.Errorf("ask for the room on the metrics' disk: %w", err)
		}
		if free < s.opts.Reserve {
			return fmt.Errorf("append metrics: less than %d MiB are free: %w", s.opts.Reserve>>20, syscall.ENOSPC)
		}
	}
	if !s.torn.Load() {
		return nil
	}
	return s.mend()
}

// mend opens the TSDB again, so that it repairs its log.
func (s *Store) mend() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.torn.Load() {
		return nil // another one was faster
	}
	if s.closed {
		return fmt.Errorf("append metrics: %w", tsdb.ErrNotReady)
	}
	now := s.opts.Now()
	if now.Sub(s.lastMend) < mendInterval {
		return fmt.Errorf("append metrics: the write-ahead log is torn and not mended yet: %w", tsdb.ErrNotReady)
	}
	s.lastMend = now
	s.opts.Logger.Warn("a write to the metrics' write-ahead log had failed; opening the store again to repair it")
	if s.db != nil {
		// What it could not write is in the log's buffer: a failure to write
		// that once more is no news.
		_ = s.db.Close()
		s.db = nil
	}
	if err := s.openTSDB(); err != nil {
		return err
	}
	s.torn.Store(false)
	return nil
}

// transaction is how either kind of appender ends.
type transaction interface {
	Commit() error
	Rollback() error
}

// commit puts an appender's samples into the write-ahead log and the head.
func (s *Store) commit(app transaction) error {
	s.commits.Lock()
	defer s.commits.Unlock()
	if s.torn.Load() {
		_ = app.Rollback() // the first to fail has said why
		return fmt.Errorf("append to the metrics' write-ahead log: %w", tsdb.ErrNotReady)
	}
	if err := app.Commit(); err != nil {
		s.torn.Store(true)
		return fmt.Errorf("append to the metrics' write-ahead log: %w", err)
	}
	s.syncer.committed()
	return nil
}

func freeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
