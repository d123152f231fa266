package owntelemetry_test

import (
	"syscall"
	"testing"
)

// A reload makes a second service while the process goes on; the receiver of
// the new one must read the new one's metrics.
func TestAReloadReadsTheNewServicesMetrics(t *testing.T) {
	var s seen
	col := collector(t, "a", "normal", &s)
	ids := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.ids)
	}
	during(t, func() {
		eventually(t, func() bool { return ids() == 1 })
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return ids() == 2 })
	}, col)
}
