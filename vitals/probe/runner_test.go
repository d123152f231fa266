package probe

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestARoundRunsWhatIsDueAndKeepsTheRest(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var dials atomic.Int32
	sys := Real()
	sys.Now = func() time.Time { return now }
	sys.Dial = func(context.Context, string, string) (net.Conn, error) {
		dials.Add(1)
		return nil, syscall.ECONNREFUSED
	}
	r := NewRunner([]*Probe{
		New(Spec{Name: "often", Kind: TCP, Target: "a:1", Interval: 30 * time.Second}, sys),
		New(Spec{Name: "rarely", Kind: TCP, Target: "a:2", Interval: 5 * time.Minute}, sys),
	})
	for round, want := range []int32{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13} {
		if all := r.Round(t.Context()); len(all) != 2 || all[0].Name != "often" || all[1].Reason != Refused {
			t.Fatalf("round %d found %+v", round, all)
		}
		if dials.Load() != want {
			t.Errorf("after round %d there were %d runs, want %d", round, dials.Load(), want)
		}
		// Some ticks come a little early.
		now = now.Add(30*time.Second - time.Duration(round%2)*100*time.Millisecond)
	}
}

func TestNoMoreThanAFewAtOnceAndNotAllAtTheSameMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at, most atomic.Int32
		var mu sync.Mutex
		var starts []time.Time
		sys := Real()
		sys.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			most.Store(max(most.Load(), at.Add(1)))
			mu.Lock()
			starts = append(starts, time.Now())
			mu.Unlock()
			time.Sleep(time.Second)
			at.Add(-1)
			return nil, syscall.ECONNREFUSED
		}
		var probes []*Probe
		for i := range 20 {
			probes = append(probes, New(Spec{Name: fmt.Sprint(i), Kind: TCP, Target: "a:1"}, sys))
		}
		r := NewRunner(probes)
		r.Spread = 2 * time.Second
		from := time.Now()
		if all := r.Round(t.Context()); len(all) != 20 {
			t.Errorf("%d findings", len(all))
		}
		if most.Load() != atOnce {
			t.Errorf("%d at once, want %d", most.Load(), atOnce)
		}
		if took := time.Since(from); took < 5*time.Second || took > 7*time.Second {
			t.Errorf("20 probes of a second took %s", took)
		}
		if starts[1].Equal(starts[0]) {
			t.Error("the first two started at the same moment")
		}
	})
}

func TestARoundEndsWithItsContext(t *testing.T) {
	sys := Real()
	sys.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
	r := NewRunner([]*Probe{New(Spec{Name: "a", Kind: TCP, Target: "a:1", Timeout: time.Minute}, sys)})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	// A shutdown is no finding.
	if all := r.Round(ctx); len(all) != 0 {
		t.Errorf("found %+v", all)
	}
}

func TestWhatIsNotAllowedIsNotRun(t *testing.T) {
	sys := Real()
	sys.Dial = func(context.Context, string, string) (net.Conn, error) {
		t.Error("it was run")
		return nil, syscall.ECONNREFUSED
	}
	r := NewRunner([]*Probe{New(Spec{Name: "a", Kind: TCP, Target: "fleet:443"}, sys)})
	r.Allow = func(Spec) bool { return false }
	if all := r.Round(t.Context()); len(all) != 1 || all[0].Reason != Vendor || all[0].Outcome != Unknown {
		t.Errorf("found %+v", all)
	}
}
