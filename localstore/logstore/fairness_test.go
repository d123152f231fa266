package logstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

func one(line string, ls ...string) []Stream {
	return []Stream{{Labels: labels.FromStrings(ls...), Entries: []Entry{entryAt(epoch, line)}}}
}

// A sender that makes a stream of every request gets half of the streams. New
// streams of others are taken, now and after hours of its doing so.
func TestAnExplodingSenderLeavesRoomForOthers(t *testing.T) {
	c := newClock()
	o := testOptions(c)
	o.MaxStreams = 10
	s := open(t, vfs.NewMem(), o)
	defer s.shutdown()
	honest, taken := 0, 0
	for hour := range 30 {
		for n := range 40 {
			st := one("x", "service_name", "bad", "request", fmt.Sprint(hour, "-", n))
			st[0].Entries[0].Timestamp = c.t.UnixNano()
			res, err := s.Append(context.Background(), st)
			if err != nil {
				t.Fatal(err)
			}
			taken += res.Accepted
		}
		if st := s.Stats(); st.ActiveStreams > 5+honest {
			t.Fatalf("%d streams are active, %d of them honest", st.ActiveStreams, honest)
		}
		for n := range 3 {
			st := one("fine", "service_name", fmt.Sprint("good-", n), "pod", fmt.Sprint(hour/3))
			st[0].Entries[0].Timestamp = c.t.UnixNano()
			mustAppend(t, s, st)
		}
		honest = 3
		flush(t, s)
		c.add(streamIdle)
		maintain(t, s, 1)
		honest = 0
	}
	if taken != 50 { // five an hour until it has its half of those retained
		t.Errorf("%d records of the exploding sender were taken", taken)
	}
}

// A line that is too long is cut, if so configured, between two characters,
// and counted; the rest of its record stays.
func TestLongLinesAreCutWhereConfigured(t *testing.T) {
	o := testOptions(newClock())
	o.MaxLineBytes, o.CutLines = 10, true
	s := open(t, vfs.NewMem(), o)
	defer s.shutdown()
	for _, line := range []string{"0123456789", "0123456789a", "01234567ä€", "0123456789€", strings.Repeat("\xa0", 12)} {
		mustAppend(t, s, one(line, "app", "a"))
	}
	var got []string
	for _, r := range iterate(t, s, all) {
		_, line, _ := strings.Cut(r, "{} ")
		got = append(got, line)
	}
	// Two of the cut lines are equal, and equal records are answered once.
	want := []string{`"0123456789"`, `"01234567ä"`, `"` + strings.Repeat(`\xa0`, 10) + `"`}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if n := s.Stats().Cut; n != 4 {
		t.Errorf("%d lines were cut, want 4", n)
	}
	for n := range 8 {
		if line := cut("aä€😀b€", n); !utf8.ValidString(line) || len(line) > n {
			t.Errorf("cut at %d gives %q", n, line)
		}
	}
}

// While the disk does not answer, what waits in memory is bounded: the callers
// wait, and leave when their time is over.
func TestASlowDiskSlowsTheSenders(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, testOptions(newClock()))
	defer s.shutdown()
	hold := make(chan struct{})
	m.Inject = func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && !op.After {
			<-hold
		}
		return nil
	}
	const callers = 60
	line := strings.Repeat("x", 1<<20)
	var wg sync.WaitGroup
	for n := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mustAppend(t, s, one(line, "app", fmt.Sprint(n)))
		}()
	}
	waiting := func() (n int) {
		s.queue.mu.Lock()
		defer s.queue.mu.Unlock()
		return s.queue.bytes
	}
	for start := time.Now(); waiting() < maxQueued-2<<20; time.Sleep(time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("only %d bytes wait", waiting())
		}
	}
	// Three lines: more than may still be free, or they would be taken in, and
	// stored although nobody waits for them any more.
	late := slices.Concat(one(line, "app", "late"), one(line, "app", "later"), one(line, "app", "last"))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Append(ctx, late); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal("a caller whose time is over:", err)
	}
	if n := waiting(); n > maxQueued {
		t.Fatalf("%d bytes wait", n)
	}
	close(hold)
	wg.Wait()
	if st := s.Stats(); st.Accepted != callers {
		t.Fatalf("%d records accepted", st.Accepted)
	}
}
