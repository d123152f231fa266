// Package vitals turns logs and traces into the few numbers that say whether a
// product is well: records by service and severity; requests, errors and
// duration by service; which services and versions are heard, and how long one
// has been silent; a heartbeat and an uptime even when nothing is heard at all.
//
// It promises to read only: what it is given is never changed, and nothing of
// it is kept but names of services and their versions. Its memory is bounded
// whatever senders do ([Options]), and a record costs it no allocation once its
// service is known.
//
// It reads no clock, starts nothing and sends nothing: [Vitals.Logs] and
// [Vitals.Traces] add up, [Vitals.Metrics] says what has been added up.
package vitals

import (
	"sync"
	"time"
)

// Defaults of Options.
const (
	DefaultMaxServices = 1000
	DefaultMaxVersions = 10
)

const (
	// forgetAfter is how long a silent service is remembered.
	forgetAfter = 24 * time.Hour
	// versionFor is how long a version counts as running after it was seen.
	versionFor = time.Hour
)

// Options are all that a Vitals must be told.
type Options struct {
	// MaxServices bounds the services told apart; what comes beyond is counted
	// as the service "other". Zero is DefaultMaxServices.
	MaxServices int
	// MaxVersions bounds the versions told apart in one service; what comes
	// beyond is not counted as a version. Zero is DefaultMaxVersions.
	MaxVersions int
	// Start is when this Vitals began to count.
	Start time.Time
	// ProcessStart is when the process began; it may be earlier than Start.
	ProcessStart time.Time
}

// Vitals adds up. It is safe for concurrent use.
//
// Batches are walked without the lock, into counters on the stack; the lock is
// held to add one resource's counters to its service.
type Vitals struct {
	opts Options

	mu       sync.Mutex
	services map[string]*service
	beats    uint64
	limited  Limited
}

// Limited counts what the bounds did.
type Limited struct {
	// Services: resources that were counted as "other".
	Services uint64
	// Versions: resources whose version was not taken.
	Versions uint64
}

// New returns a Vitals that has heard nothing yet.
func New(o Options) *Vitals {
	if o.MaxServices <= 0 {
		o.MaxServices = DefaultMaxServices
	}
	if o.MaxVersions <= 0 {
		o.MaxVersions = DefaultMaxVersions
	}
	if o.ProcessStart.IsZero() {
		o.ProcessStart = o.Start
	}
	return &Vitals{opts: o, services: map[string]*service{}}
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
