package logstore

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Store is an open log store. All methods are safe for concurrent use.
type Store struct {
	fsys vfs.FS
	dir  string
	o    Options
	lock io.Closer

	// mu guards the streams, what hangs on them, and the files. The
	// committer and the flush change them, each in one step, so that a query
	// that looks once under mu sees every entry in exactly one place.
	mu    sync.RWMutex
	index streamIndex
	files []*blockFile // by number
	heads []*stream    // with a head
	// headBytes is written under mu by the committer alone.
	headBytes int
	flushSize int
	headSince time.Time // when the head's first entry came; zero if empty

	queue commitQueue
	wal   wal // the committer's
	job   *flushJob

	opening chan struct{} // filled by those who read a block ahead

	maintaining sync.Mutex
	doomed      []*blockFile // replaced, to be removed; guarded by maintaining
	stop        chan struct{}
	background  sync.WaitGroup
	committer   sync.WaitGroup
	closed      atomic.Bool

	counts counters
}

type counters struct {
	entries, raw, cut       atomic.Int64 // accepted since the start
	rejected                [6]atomic.Int64
	lostFrames, tornTails   atomic.Int64
	lostBlocks, lostIndexes atomic.Int64
	walBytes, syncs         atomic.Int64
	flushes, flushFailures  atomic.Int64
	droppedFiles            atomic.Int64
	compactions             atomic.Int64
	compactionFailures      atomic.Int64
	doomedBytes             atomic.Int64
}

// Stats is what the store holds and what became of what it was given.
type Stats struct {
	Streams, ActiveStreams int
	Entries                int64 // stored now, equal entries across flushes counted each
	RawBytes               int64 // of their lines
	DiskBytes              int64 // block files and the write-ahead log
	HeadBytes, WALBytes    int64
	Files, Blocks          int
	OldestTimestamp        int64 // nanoseconds; zero if empty

	Accepted     int64 // entries since the start
	AcceptedRaw  int64
	Cut          int64 // lines that were cut
	Rejected     map[Reason]int64
	Syncs        int64
	Flushes      int64
	FlushFails   int64
	DroppedFiles int64 // by retention

	Compactions     int64 // merges of block files
	CompactionFails int64

	LostFrames  int64 // unreadable frames found while replaying
	TornTails   int64 // segments whose end was unreadable: a write cut short
	LostBlocks  int64 // unreadable blocks, left out of answers
	LostIndexes int64 // indexes rebuilt from their blocks
}

// Stats returns a snapshot.
func (s *Store) Stats() Stats {
	c := &s.counts
	st := Stats{
		Accepted: c.entries.Load(), AcceptedRaw: c.raw.Load(), Cut: c.cut.Load(), Syncs: c.syncs.Load(), Flushes: c.flushes.Load(),
		FlushFails: c.flushFailures.Load(), DroppedFiles: c.droppedFiles.Load(),
		LostFrames: c.lostFrames.Load(), TornTails: c.tornTails.Load(), LostBlocks: c.lostBlocks.Load(), LostIndexes: c.lostIndexes.Load(),
		Compactions: c.compactions.Load(), CompactionFails: c.compactionFailures.Load(),
		WALBytes: c.walBytes.Load(), Rejected: map[Reason]int64{},
	}
	for i, r := range Reasons() {
		st.Rejected[r] = c.rejected[i].Load()
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	st.Streams, st.ActiveStreams = len(s.index.byID), s.index.active
	st.HeadBytes = int64(s.headBytes + s.flushSize)
	oldest := func(t int64) {
		if st.OldestTimestamp == 0 || t < st.OldestTimestamp {
			st.OldestTimestamp = t
		}
	}
	st.DiskBytes = st.WALBytes + c.doomedBytes.Load()
	for _, f := range s.files {
		st.Files++
		st.Blocks += len(f.blocks)
		st.DiskBytes += f.size
		st.Entries += f.entries
		st.RawBytes += f.raw
		if len(f.blocks) > 0 {
			oldest(f.minT)
		}
	}
	for _, x := range s.index.byID {
		for _, h := range []*head{x.head, x.flushing} {
			if h != nil {
				st.Entries += int64(len(h.entries))
				st.RawBytes += h.raw
				oldest(h.minT)
			}
		}
	}
	return st
}

// Close flushes the head, stops the background work and releases the folder.
// If the flush fails the write-ahead log keeps what it would have written.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return ErrClosed
	}
	close(s.stop)
	s.background.Wait()
	err := s.flushNow(context.Background())
	s.shutdown()
	return err
}

// shutdown ends the committer and leaves everything else as it lies, as a
// killed process would.
func (s *Store) shutdown() {
	s.queue.close()
	s.committer.Wait()
	if s.wal.f != nil {
		s.wal.f.Close()
	}
	s.lock.Close()
}
