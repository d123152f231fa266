package main

import (
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"golang.org/x/sys/unix"
)

// batchesPerRound times pointsPerBatch points of about 1 kB is more than any
// cache holds, so that a decoded batch is out of it again when its turn comes.
const batchesPerRound = 20

// cpu runs f and returns the processor time of the whole process. The garbage
// collector waits meanwhile: that spares whoever allocates, so it favours the
// peers.
func cpu(f func()) time.Duration {
	runtime.GC()
	old := debug.SetGCPercent(-1)
	defer debug.SetGCPercent(old)
	before := processTime()
	f()
	return processTime() - before
}

func processTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

// round is one set of batches in wire form, the same for every contender.
type round struct{ wire [][]byte }

func newRound(g *generator) round {
	r := round{}
	for range batchesPerRound {
		r.wire = append(r.wire, g.next())
	}
	return r
}

func (r round) decode() []pmetric.Metrics {
	out := make([]pmetric.Metrics, len(r.wire))
	for i, w := range r.wire {
		out[i] = decode(w)
	}
	return out
}

// unmarshal is the reference: the processor time of decoding the round.
func (r round) unmarshal() time.Duration {
	var keep []pmetric.Metrics
	d := cpu(func() { keep = r.decode() })
	runtime.KeepAlive(keep)
	return d
}

// fresh decodes the round and then times f on each batch.
func (r round) fresh(f func(pmetric.Metrics)) time.Duration {
	batches := r.decode()
	return cpu(func() {
		for _, md := range batches {
			f(md)
		}
	})
}

// parallel is fresh with the batches dealt out to n goroutines.
func (r round) parallel(n int, f func(pmetric.Metrics)) time.Duration {
	batches := r.decode()
	return cpu(func() {
		var wg sync.WaitGroup
		for g := range n {
			wg.Go(func() {
				for i := g; i < len(batches); i += n {
					f(batches[i])
				}
			})
		}
		wg.Wait()
	})
}

// cloned is f on a copy, as the fan-out hands it to a component that mutates.
func cloned(f func(pmetric.Metrics)) func(pmetric.Metrics) {
	return func(md pmetric.Metrics) {
		c := pmetric.NewMetrics()
		md.CopyTo(c)
		f(c)
	}
}

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// perItem is a time per item in nanoseconds.
func perItem(d time.Duration, items int) float64 { return float64(d.Nanoseconds()) / float64(items) }
