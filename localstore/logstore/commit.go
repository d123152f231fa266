package logstore

import (
	"context"
	"fmt"
	"sync"
)

// commit is one Append on its way through the committer, or, with run set, a
// piece of work that must not overlap with one.
type commit struct {
	frames  [][]byte
	batches []batch
	bytes   int // of the frames
	now     int64
	raw     int64
	done    chan error
	run     func() error
}

func (c *commit) release() {
	for _, b := range c.batches {
		b.stream.pending.Add(-1)
	}
}

const (
	// maxGroup bounds the bytes that share one sync, so that nobody waits long.
	maxGroup = 8 << 20
	// maxQueued bounds the bytes that wait for a sync, but for one Append
	// that is larger by itself.
	maxQueued = 32 << 20
)

type commitQueue struct {
	mu      sync.Mutex
	ready   sync.Cond
	waiting []*commit
	bytes   int           // of the waiting
	taken   chan struct{} // closed and made anew when some are taken, or at the end
	closed  bool
}

func (q *commitQueue) put(ctx context.Context, c *commit) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && c.bytes > 0 && q.bytes > 0 && q.bytes+c.bytes > maxQueued {
		taken := q.taken
		q.mu.Unlock()
		select {
		case <-taken:
		case <-ctx.Done():
		}
		q.mu.Lock()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if q.closed {
		return ErrClosed
	}
	q.waiting = append(q.waiting, c)
	q.bytes += c.bytes
	q.ready.Signal()
	return nil
}

// wake needs q.mu.
func (q *commitQueue) wake() {
	close(q.taken)
	q.taken = make(chan struct{})
}

func (q *commitQueue) close() {
	q.mu.Lock()
	q.closed = true
	q.wake()
	q.mu.Unlock()
	q.ready.Signal()
}

// take waits for work and returns what may share a sync: either one piece of
// work or a run of Appends. It returns nil when the queue is closed and empty.
func (q *commitQueue) take() []*commit {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 {
		if q.closed {
			return nil
		}
		q.ready.Wait()
	}
	n, size := 0, 0
	for n < len(q.waiting) && q.waiting[n].run == nil && size < maxGroup {
		size += q.waiting[n].bytes
		n++
	}
	n = max(n, 1)
	group := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	q.bytes -= size
	q.wake()
	return group
}

// commitLoop is the only writer of the write-ahead log. The order of a group:
// write all its frames, sync once, make all its entries visible in the order
// of the log, acknowledge. Entries become visible only when durable, and the
// head's order is the log's, so that a replay gives the same answers.
func (s *Store) commitLoop() {
	defer s.committer.Done()
	for {
		group := s.queue.take()
		if group == nil {
			return
		}
		if run := group[0].run; run != nil {
			group[0].done <- run()
			continue
		}
		err := s.makeRoom()
		if err == nil {
			var frames [][]byte
			for _, c := range group {
				frames = append(frames, c.frames...)
			}
			err = s.wal.append(frames)
			s.counts.syncs.Add(1)
			s.counts.walBytes.Store(s.wal.bytes())
		}
		if err == nil {
			s.apply(group)
		}
		for _, c := range group {
			c.release()
			c.done <- err
		}
	}
}

func (s *Store) apply(group []*commit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range group {
		s.counts.raw.Add(c.raw)
		for _, b := range c.batches {
			s.addToHead(b.stream, b.entries)
			b.stream.lastWrite = max(b.stream.lastWrite, c.now)
			s.index.activate(b.stream)
			s.counts.entries.Add(int64(len(b.entries)))
		}
	}
}

// addToHead needs s.mu.
func (s *Store) addToHead(st *stream, entries []headEntry) {
	if st.head == nil {
		st.head = &head{entries: make([]headEntry, 0, st.headBefore)}
		s.heads = append(s.heads, st)
	}
	if s.headSince.IsZero() {
		s.headSince = s.o.Now()
	}
	s.headBytes += st.head.add(entries)
}

// makeRoom keeps the head within bounds: a full head is handed to a flush, and
// while the flush before is still writing, Appends wait for it. A flush that
// failed is tried again at most every few seconds; until then Appends fail.
func (s *Store) makeRoom() error {
	if s.headBytes < s.o.HeadBytes {
		return nil
	}
	if s.job != nil {
		if err := s.settle(); err != nil {
			return fmt.Errorf("no room in memory until the disk takes more: %w", err)
		}
	}
	s.startFlush()
	return nil
}

// onCommitter runs f between commits and waits for it.
func (s *Store) onCommitter(f func() error) error {
	c := &commit{run: f, done: make(chan error, 1)}
	if err := s.queue.put(context.Background(), c); err != nil {
		return err
	}
	return <-c.done
}
