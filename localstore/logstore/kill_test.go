package logstore

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// killCycles kills a writer again and again, at any moment from its start on,
// and looks after each whether all that it was told is there. Now and then the
// folder is a new one, so that a look stays short.
func killCycles(t *testing.T, cycles int) {
	r := rand.New(rand.NewPCG(1, uint64(cycles)))
	total, flushed := 0, 0
	var dir string
	var acked map[string]bool
	for n := range cycles {
		if n%25 == 0 {
			dir, acked = filepath.Join(t.TempDir(), "logs"), map[string]bool{}
		}
		p := startWriter(t, dir, fmt.Sprint(n))
		if n%4 > 0 { // else while it starts, replaying what the one before left
			select {
			case <-p.first:
			case <-p.done:
			}
		}
		time.Sleep(time.Duration(r.IntN(30)) * time.Millisecond)
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.end() // killed
		for _, id := range p.acked {
			acked[id] = true
		}
		total += len(p.acked)
		if len(p.refused) > 0 {
			t.Fatalf("cycle %d: %d appends failed", n, len(p.refused))
		}
		st := checkAcked(t, dir, acked, fmt.Sprint("cycle ", n))
		if st.Files > 0 {
			flushed++
		}
		if n%100 == 99 {
			t.Logf("%d of %d cycles, %d appends acknowledged", n+1, cycles, total)
		}
	}
	t.Logf("%d cycles, %d appends acknowledged, all there, none doubled", cycles, total)
	if total < 5*cycles || flushed < cycles/4 {
		t.Errorf("too little happened to show anything: %d appends, flushed in %d of %d cycles", total, flushed, cycles)
	}
}

func TestKillLosesNothingAcknowledged(t *testing.T) { killCycles(t, 50) }
