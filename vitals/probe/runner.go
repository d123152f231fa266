package probe

import (
	"context"
	"sync"
	"time"
)

// Runner runs a list of probes, each at its own interval, a few at a time.
type Runner struct {
	probes []*Probe
	// Allow says which probes may run now; the others find [Vendor]. nil: all.
	Allow func(Spec) bool
	// Spread is the time over which the starts of a round are spread, so that
	// the probes of a machine do not all knock at once.
	Spread time.Duration

	due  []time.Time
	last []Finding
}

// atOnce bounds how many probes run at the same time.
const atOnce = 4

// NewRunner makes a runner; all probes are due.
func NewRunner(probes []*Probe) *Runner {
	return &Runner{probes: probes, due: make([]time.Time, len(probes)), last: make([]Finding, len(probes))}
}

// Round runs what is due, waits for it, and returns the newest finding of every
// probe, in the order of the list. It is not for concurrent use.
func (r *Runner) Round(ctx context.Context) []Finding {
	var (
		wg    sync.WaitGroup
		slots = make(chan struct{}, atOnce)
	)
	for i, p := range r.probes {
		now := p.system.Now()
		if now.Before(r.due[i]) {
			continue
		}
		r.due[i] = now.Add(p.Interval - p.Interval/10) // a round may come a little early
		if r.Allow != nil && !r.Allow(p.Spec) {
			r.last[i] = Finding{Name: p.Name, Kind: p.Kind, Target: p.Target, Outcome: Vendor.Outcome(), Reason: Vendor, At: now}
			continue
		}
		wg.Go(func() {
			if !p.Local() && !wait(ctx, r.Spread*time.Duration(i)/time.Duration(len(r.probes))) {
				return // the finding before stands
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			if f := p.Run(ctx); ctx.Err() == nil {
				r.last[i] = f
			}
		})
	}
	wg.Wait()
	var all []Finding
	for _, f := range r.last {
		if f.Kind != "" {
			all = append(all, f)
		}
	}
	return all
}

// wait returns false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
