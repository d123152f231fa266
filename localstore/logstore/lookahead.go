package logstore

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// lookahead opens a query's sources on several processors before their turn
// comes. It changes when a source is opened, never the order in which it is
// used: the one who walks takes them in the order in which he would have opened
// them himself, and opens one himself that nobody has begun with.
//
// What is opened and not yet taken is bounded, and so is, over all queries of
// the store, what is being opened at one time.
type lookahead struct {
	q       *query
	jobs    []*job // in the order in which they will be taken
	next    atomic.Int64
	room    chan struct{} // filled by sources that are open and not taken
	stop    chan struct{}
	workers sync.WaitGroup
}

// job is a source to open.
type job struct {
	src     source
	ss      *streamSelection
	claimed atomic.Bool
	done    chan struct{}
	c       *cursor
	ok      bool
	err     error
}

// lookAhead prepares the jobs; start lets them begin. It returns nil if there
// is nothing to gain.
func (q *query) lookAhead(jobs []*job) *lookahead {
	if q.s.o.Workers < 2 || len(jobs) < 2 {
		return nil
	}
	for _, j := range jobs {
		j.done = make(chan struct{})
	}
	return &lookahead{q: q, jobs: jobs, room: make(chan struct{}, q.s.o.Workers+1), stop: make(chan struct{})}
}

func (l *lookahead) start() {
	for range min(l.q.s.o.Workers, len(l.jobs)) {
		l.workers.Add(1)
		go l.work()
	}
}

func (l *lookahead) work() {
	defer l.workers.Done()
	for {
		select {
		case l.room <- struct{}{}:
		case <-l.stop:
			return
		case <-l.q.ctx.Done():
			return
		}
		// The room is there before the job is claimed, so that a claimed
		// job never waits for others to be taken.
		j := l.claim()
		if j == nil {
			return
		}
		l.q.s.opening <- struct{}{}
		j.c, j.ok, j.err = l.q.openCursor(j.src, j.ss)
		<-l.q.s.opening
		if !j.ok {
			<-l.room
		}
		close(j.done)
	}
}

func (l *lookahead) claim() *job {
	for {
		i := l.next.Add(1) - 1
		if i >= int64(len(l.jobs)) {
			return nil
		}
		if j := l.jobs[i]; j.claimed.CompareAndSwap(false, true) {
			return j
		}
	}
}

// open opens a source, or takes it if it has been.
func (q *query) open(src source, ss *streamSelection) (*cursor, bool, error) {
	j := src.job
	if j == nil || j.claimed.CompareAndSwap(false, true) {
		return q.openCursor(src, ss)
	}
	<-j.done
	c, ok, err := j.c, j.ok, j.err
	j.c, j.ok = nil, false
	if ok {
		<-q.ahead.room
	}
	return c, ok, err
}

// close ends the work and closes what was not taken.
func (l *lookahead) close() {
	if l == nil {
		return
	}
	close(l.stop)
	l.workers.Wait()
	for _, j := range l.jobs {
		if j.ok {
			j.c.close()
			j.c, j.ok = nil, false
		}
	}
}

// jobsOf makes a job of each source of a stream.
func jobsOf(ss *streamSelection, sources []source) []*job {
	jobs := make([]*job, len(sources))
	for i := range sources {
		jobs[i] = &job{src: sources[i], ss: ss}
		sources[i].job = jobs[i]
	}
	return jobs
}

// mergeOrder sorts jobs as Iterate comes to them.
func (q *query) mergeOrder(jobs []*job, streamOrder map[*streamSelection]int) {
	slices.SortStableFunc(jobs, func(a, b *job) int {
		c := cmp.Or(cmp.Compare(q.bound(a.src), q.bound(b.src)),
			cmp.Compare(streamOrder[a.ss], streamOrder[b.ss]), cmp.Compare(a.src.order, b.src.order))
		if q.sel.Backward {
			return -c
		}
		return c
	})
}

func defaultWorkers() int { return min(runtime.GOMAXPROCS(0), 8) }
