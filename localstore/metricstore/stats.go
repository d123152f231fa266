package metricstore

import (
	"math"
	"time"

	"github.com/prometheus/prometheus/tsdb"
)

// Stats are the store's figures at one moment.
type Stats struct {
	Series    int64 // in memory
	MaxSeries int64 // not positive: no bound
	Samples   int64 // accepted since Open
	DiskBytes int64 // blocks, write-ahead logs and mapped chunks
	Blocks    int
	Oldest    time.Time // of the oldest sample; zero if there is none
	Newest    time.Time
	Syncs     int64 // of the write-ahead log since Open
	// SyncFailures counts failed syncs since Open: while it grows, the
	// promise about power cuts does not hold.
	SyncFailures int64
	// Unsynced is for how long something has been waiting for a sync; zero
	// if all is on disk.
	Unsynced time.Duration
}

// Stats returns the present figures.
func (s *Store) Stats() Stats {
	st := Stats{
		Series:       s.limit.count.Load(),
		MaxSeries:    s.limit.max,
		Samples:      s.accepted.Load(),
		Syncs:        s.syncer.syncs.Load(),
		SyncFailures: s.syncer.failures.Load(),
		Unsynced:     s.syncer.unsynced(),
	}
	db, err := s.tsdb()
	if err != nil {
		return st
	}
	head := db.Head()
	st.DiskBytes = head.Size()
	oldest, newest := int64(math.MaxInt64), int64(math.MinInt64)
	for _, b := range db.Blocks() {
		st.Blocks++
		st.DiskBytes += b.Size()
		oldest, newest = min(oldest, b.MinTime()), max(newest, b.MaxTime()-1)
	}
	// An empty head has its minimum after its maximum.
	if head.MinTime() <= head.MaxTime() {
		oldest, newest = min(oldest, head.MinTime()), max(newest, head.MaxTime())
	}
	if oldest <= newest {
		st.Oldest, st.Newest = time.UnixMilli(oldest), time.UnixMilli(newest)
	}
	return st
}

// HeadStats are the TSDB's own figures on its labels, for status pages.
func (s *Store) HeadStats(byLabel string, limit int) (*tsdb.Stats, error) {
	db, err := s.tsdb()
	if err != nil {
		return nil, err
	}
	return db.Head().Stats(byLabel, limit), nil
}

// BlockMetas describes the blocks on disk.
func (s *Store) BlockMetas() ([]tsdb.BlockMeta, error) {
	db, err := s.tsdb()
	if err != nil {
		return nil, err
	}
	return db.BlockMetas(), nil
}

// Replay says how far the reading of the write-ahead log is, in segments.
type Replay struct{ Min, Max, Current int }

// ReplayStatus is the state of the last replay.
func (s *Store) ReplayStatus() Replay {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return replayOf(s.replay)
}

func replayOf(stats *tsdb.DBStats) Replay {
	st := stats.Head.WALReplayStatus
	st.RLock()
	defer st.RUnlock()
	return Replay{Min: st.Min, Max: st.Max, Current: st.Current}
}
