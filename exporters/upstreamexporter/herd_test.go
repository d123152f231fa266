package upstreamexporter

import (
	"container/heap"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// herd simulates a fleet whose destination was away and comes back, second by
// second, with the schedule that the sender uses.
type herd struct {
	plan     []schedule
	interval time.Duration
	body     int
	capacity int // requests a second that the destination takes; 0: all

	waiting  []int // reports of each install
	failures []int
	queue    eventQueue
}

type event struct {
	at      time.Duration
	install int
}

type eventQueue []event

func (q eventQueue) Len() int           { return len(q) }
func (q eventQueue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q eventQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)        { *q = append(*q, x.(event)) }
func (q *eventQueue) Pop() any          { o := *q; x := o[len(o)-1]; *q = o[:len(o)-1]; return x }

// recovery is what the destination saw from its return until nobody had a backlog.
type recovery struct {
	took       time.Duration
	peak, mean float64 // requests a second
}

func (r recovery) String() string {
	return fmt.Sprintf("caught up after %v, mean %.0f and peak %.0f requests/s, peak over mean %.2f", r.took, r.mean, r.peak, r.peak/r.mean)
}

// run loses the destination at 0 for so long, and counts from its return.
func (h *herd) run(away time.Duration) recovery {
	n := len(h.plan)
	h.waiting, h.failures, h.queue = make([]int, n), make([]int, n), nil
	made := make([]int, n)
	behind := n // installs with a backlog
	for i, p := range h.plan {
		heap.Push(&h.queue, event{p.offset(h.interval), i})
	}
	rate := map[time.Duration]int{}
	total, last := 0, time.Duration(0)
	for behind > 0 {
		e := heap.Pop(&h.queue).(event)
		p := h.plan[e.install]
		// Reports whose moment has come since.
		for p.offset(h.interval)+time.Duration(made[e.install])*h.interval <= e.at {
			made[e.install]++
			h.waiting[e.install]++
		}
		second := e.at.Truncate(time.Second)
		if e.at >= away {
			rate[second]++
			total++
			last = e.at
		}
		if e.at < away || h.capacity > 0 && rate[second] > h.capacity {
			heap.Push(&h.queue, event{e.at + p.backoff(h.failures[e.install], 0), e.install})
			h.failures[e.install]++
			continue
		}
		h.failures[e.install] = 0
		h.waiting[e.install]--
		if h.waiting[e.install] > 0 {
			heap.Push(&h.queue, event{e.at + p.pace(h.body, h.interval), e.install})
			continue
		}
		behind-- // from here on it sends at its place; the mean is of the herd alone
	}
	r := recovery{took: last - away, mean: float64(total) / (last - away).Seconds()}
	for _, c := range rate {
		r.peak = max(r.peak, float64(c))
	}
	return r
}

func newHerd(installs int) *herd {
	h := &herd{interval: time.Minute, body: 5 << 10}
	for i := range installs {
		h.plan = append(h.plan, testSchedule(fmt.Sprintf("install %d", i)))
	}
	return h
}

// TestAFleetThatComesBackIsNoThunderingHerd: 10,000 installs lose their
// destination at the same moment and find it again after a while.
func TestAFleetThatComesBackIsNoThunderingHerd(t *testing.T) {
	h := newHerd(10_000)
	steady := float64(len(h.plan)) / h.interval.Seconds()
	outages := []time.Duration{10 * time.Minute, time.Hour}
	if soak {
		outages = append(outages, 24*time.Hour)
	}
	for _, away := range outages {
		r := h.run(away)
		t.Logf("away for %v: %v, %.1f times the ordinary rate", away, r, r.peak/steady)
		assert.Less(t, r.peak/r.mean, 3.0)
		assert.Less(t, r.peak/steady, 25.0, "5 kB at 2 KiB/s: one report in 3 s instead of one in 60 s")
		assert.Less(t, r.took, away/10+15*time.Minute)
	}
}

// TestADestinationThatIsTooSmallForTheHerdIsNotTrampled: it takes a tenth of
// what comes at first, refuses the rest, and all is delivered in good time.
func TestADestinationThatIsTooSmallForTheHerdIsNotTrampled(t *testing.T) {
	h := newHerd(10_000)
	h.capacity = 1000
	r := h.run(time.Hour)
	t.Logf("%v, of which it takes %d", r, h.capacity)
	ideal := time.Duration(float64(len(h.plan)*60)/float64(h.capacity)) * time.Second
	assert.Less(t, r.took, 3*ideal)
	assert.Less(t, r.peak, 5.0*float64(h.capacity))
}
