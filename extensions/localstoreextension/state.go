package localstoreextension

import (
	"fmt"
	"sync"
	"time"
)

// state is how far the start is, as /ready tells it.
type state struct {
	mu          sync.Mutex
	ready       bool
	what        string // "metrics" or "logs" while a write-ahead log is read again
	done, total int64
	unit        string
}

func (s *state) setReady(ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = ready
}

func (s *state) progress(what string, done, total int64, unit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.what, s.done, s.total, s.unit = what, done, total, unit
}

// now returns whether the store is ready and, if not, why not.
func (s *state) now() (ready bool, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ready:
		return true, ""
	case s.total > 0:
		return false, fmt.Sprintf("reading the write-ahead log of %s again: %d of %d %s", s.what, s.done, s.total, s.unit)
	default:
		return false, "starting or stopping"
	}
}

// sayEvery calls say with the reason for not being ready, at each interval
// until the returned function is called.
func (s *state) sayEvery(interval time.Duration, say func(why string)) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if ready, why := s.now(); !ready {
					say(why)
				}
			}
		}
	}()
	return func() { close(done); <-ended }
}
