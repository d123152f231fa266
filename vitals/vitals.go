// Package vitals turns logs and traces into the few numbers that say whether a
// product is well: records by service and severity; requests and errors by
// service; how long requests and calls to others took, under the names of
// OpenTelemetry's semantic conventions; which services and versions are heard,
// since when, and how long one has been silent; a heartbeat and an uptime even
// when nothing is heard at all.
//
// It promises to read only: what it is given is never changed, and nothing of
// it is kept but names: of services, their versions, routes, protocols and
// kinds of error. Its memory is bounded whatever senders do ([Options]), and a
// record costs it no allocation once its names are known. A service that
// measures its own requests is left to do so ([Vitals.OwnMetrics]).
//
// It reads no clock, starts nothing and sends nothing: [Vitals.Logs] and
// [Vitals.Traces] add up, [Vitals.Metrics] says what has been added up, and
// [Vitals.State] what a restart should not forget.
package vitals

import (
	"sync"
	"time"
)

// Defaults of Options.
const (
	DefaultMaxServices   = 1000
	DefaultMaxVersions   = 10
	DefaultMaxRoutes     = 50
	DefaultMaxErrorTypes = 20
	DefaultMaxSystems    = 10
	DefaultMaxDurations  = 5000
	DefaultSilentAfter   = 5 * time.Minute
)

const (
	// forgetAfter is how long the numbers of a silent service are said.
	forgetAfter = 24 * time.Hour
	// forgetVersionsAfter is how long its versions are known.
	forgetVersionsAfter = 30 * 24 * time.Hour
)

// Options are all that a Vitals must be told. Zero is the default.
type Options struct {
	// MaxServices bounds the services told apart; what comes beyond is counted
	// as the service "other".
	MaxServices int
	// MaxVersions bounds the versions told apart in one service; what comes
	// beyond is not counted as a version.
	MaxVersions int
	// MaxRoutes, MaxErrorTypes and MaxSystems bound the values told apart in one
	// service: of routes, remote methods and destinations together, of
	// error.type, and of protocols. What comes beyond is "_OTHER".
	MaxRoutes, MaxErrorTypes, MaxSystems int
	// MaxDurations bounds the series of durations in all. What comes beyond is
	// counted under "_OTHER" alone, of which each service has a few.
	MaxDurations int
	// SilentAfter is when a service that says nothing counts as silent.
	SilentAfter time.Duration
	// OwnWithin is how long a service has to show that it measures its requests
	// itself, before derived durations are said. Zero is none at all.
	OwnWithin time.Duration
	// Start is when this Vitals began to count.
	Start time.Time
	// ProcessStart is when the process began; it may be earlier than Start.
	ProcessStart time.Time
}

func (o *Options) complete() {
	for _, bound := range []struct {
		is  *int
		use int
	}{
		{&o.MaxServices, DefaultMaxServices}, {&o.MaxVersions, DefaultMaxVersions}, {&o.MaxRoutes, DefaultMaxRoutes},
		{&o.MaxErrorTypes, DefaultMaxErrorTypes}, {&o.MaxSystems, DefaultMaxSystems}, {&o.MaxDurations, DefaultMaxDurations},
	} {
		if *bound.is <= 0 {
			*bound.is = bound.use
		}
	}
	if o.SilentAfter <= 0 {
		o.SilentAfter = DefaultSilentAfter
	}
	if o.ProcessStart.IsZero() {
		o.ProcessStart = o.Start
	}
}

// Vitals adds up. It is safe for concurrent use.
//
// Batches are walked without the lock, into counters on the stack; the lock is
// held to add one resource's counters, or a few dozen spans, to their service.
type Vitals struct {
	opts Options

	mu        sync.Mutex
	services  map[string]*service
	durations int   // series of them, in all services
	emitted   int64 // when Metrics spoke last, or Start
	noneGone  int64 // what emitted was when no service could make room
	beats     uint64
	limited   Limited
}

// Limited counts what the bounds did.
type Limited struct {
	// Services: resources that were counted as "other".
	Services uint64
	// Versions: resources whose version was not taken.
	Versions uint64
	// Routes, ErrorTypes, Systems, Durations: spans that were counted under
	// "_OTHER".
	Routes, ErrorTypes, Systems, Durations uint64
}

// New returns a Vitals that has heard nothing yet.
func New(o Options) *Vitals {
	o.complete()
	return &Vitals{opts: o, services: map[string]*service{}, emitted: o.Start.UnixNano()}
}

// Beat counts one interval. It is the caller's sign of life, which is why
// Metrics does not do it by itself.
func (v *Vitals) Beat() {
	v.mu.Lock()
	v.beats++
	v.mu.Unlock()
}

// Limited says what the bounds did so far.
func (v *Vitals) Limited() Limited {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.limited
}
