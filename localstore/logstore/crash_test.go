package logstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

var errInjected = errors.New("injected")

// batchOf makes entries that no other batch has.
func batchOf(n int) []Stream {
	var out []Stream
	for k := range 2 {
		st := Stream{Labels: labels.FromStrings("app", fmt.Sprint("app", k))}
		for e := range 3 {
			st.Entries = append(st.Entries, Entry{
				Timestamp: epoch.UnixNano() - int64(n%3)*day + int64(n*10+e),
				Line:      fmt.Sprintf("batch %d entry %d", n, e),
				Metadata:  labels.FromStrings("trace_id", fmt.Sprintf("%032x", n)),
			})
		}
		out = append(out, st)
	}
	return out
}

// history drives a store through appends, flushes and restarts. It returns the
// batches that were acknowledged; it goes on after errors, as senders do.
func history(fsys vfs.FS, o Options) (acked, tried []int, merges int64) {
	n := 0
	for range 2 {
		s, err := Open(fsys, "/data/logs", o)
		if err != nil {
			continue
		}
		for range 5 {
			n++
			tried = append(tried, n)
			if _, err := s.Append(context.Background(), batchOf(n)); err == nil {
				acked = append(acked, n)
			}
			if n%3 == 0 {
				_ = s.Flush(context.Background())
			}
		}
		for range 2 {
			_ = s.Maintain(context.Background())
		}
		merges += s.Stats().Compactions
		if n > 5 {
			s.shutdown() // killed
		} else {
			_ = s.Close()
		}
	}
	return acked, tried, merges
}

// verifyHistory opens what is left and demands every acknowledged record once
// and nothing that was never sent.
func verifyHistory(t *testing.T, fsys vfs.FS, o Options, acked, tried []int, about string) {
	t.Helper()
	s, err := Open(fsys, "/data/logs", o)
	if err != nil {
		t.Fatalf("%s: does not start: %v", about, err)
	}
	defer s.shutdown()
	got := map[string]int{}
	for _, r := range iterate(t, s, all) {
		got[r]++
	}
	sent := func(batches []int) map[string]bool {
		var m model
		for _, n := range batches {
			m.append(batchOf(n))
		}
		set := map[string]bool{}
		for _, r := range m.answer(all) {
			set[r] = true
		}
		return set
	}
	for r := range sent(acked) {
		if got[r] != 1 {
			t.Fatalf("%s: an acknowledged record is answered %d times: %s", about, got[r], r)
		}
	}
	known := sent(tried)
	for r, n := range got {
		if n != 1 || !known[r] {
			t.Fatalf("%s: %d answers of %s (sent: %v)", about, n, r, known[r])
		}
	}
	if st := s.Stats(); st.LostBlocks+st.LostIndexes > 0 {
		t.Fatalf("%s: damaged blocks after a crash: %+v", about, st)
	}
	// It must go on working.
	if _, err := s.Append(context.Background(), batchOf(1000)); err != nil {
		t.Fatalf("%s: append after the crash: %v", about, err)
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatalf("%s: flush after the crash: %v", about, err)
	}
	if n := len(iterate(t, s, all)); n != len(got)+6 {
		t.Fatalf("%s: %d records after one more batch, want %d", about, n, len(got)+6)
	}
}

// Every operation fails once, before and after it took hold, with a power cut
// at that moment or work going on; nothing acknowledged is lost or doubled.
func TestEveryOperationMayFailOrBeTheLast(t *testing.T) {
	c := newClock()
	o := testOptions(c)
	var ops []vfs.Op
	m := vfs.NewMem()
	m.Inject = func(op vfs.Op) error { ops = append(ops, op); return nil }
	if _, _, merges := history(m, o); merges < 2 || len(ops) < 100 {
		t.Fatalf("only %d operations, %d merges", len(ops), merges)
	}
	for i, op := range ops {
		for _, cut := range []bool{false, true} {
			about := fmt.Sprintf("operation %d (%v %s, after=%v), power cut: %v", i, op.Kind, op.Name, op.After, cut)
			m := vfs.NewMem()
			n := 0
			m.Inject = func(vfs.Op) error {
				n++
				if n == i+1 || cut && n > i {
					return errInjected
				}
				return nil
			}
			acked, tried, _ := history(m, o)
			m.Inject = nil
			verifyHistory(t, m.Crash(), o, acked, tried, about)
			verifyHistory(t, m.CrashKeeping(rand.New(rand.NewPCG(0, uint64(i)))), o, acked, tried, about+", some unsynced kept")
		}
	}
}

// A power cut at random moments of a concurrent history.
func TestCrashesAtRandomKeepWhatWasAcknowledged(t *testing.T) {
	for seed := range int64(60) {
		r := rand.New(rand.NewPCG(0, uint64(seed)))
		c := newClock()
		o := testOptions(c)
		o.HeadBytes = 1 + r.IntN(3000)
		fsys := vfs.NewMem()
		fsys.ZeroTails = seed%2 == 0
		var acked, tried []int
		n := 0
		for range 4 {
			s := open(t, fsys, o)
			for range r.IntN(12) {
				n++
				tried = append(tried, n)
				mustAppend(t, s, batchOf(n))
				acked = append(acked, n)
			}
			after := fsys.CrashKeeping(r)
			s.shutdown()
			fsys = after
		}
		verifyHistory(t, fsys, o, acked, tried, fmt.Sprint("seed ", seed))
	}
}

// A sync that failed acknowledges nothing, also when a later one succeeds.
func TestAFailedSyncAcknowledgesNothing(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, testOptions(newClock()))
	mustAppend(t, s, batchOf(1))
	failing := true
	m.Inject = func(op vfs.Op) error {
		if failing && op.Kind == vfs.OpSync && !op.After {
			return errInjected
		}
		return nil
	}
	if _, err := s.Append(context.Background(), batchOf(2)); !errors.Is(err, errInjected) {
		t.Fatalf("append with a failing sync: %v", err)
	}
	if n := len(iterate(t, s, all)); n != 6 {
		t.Fatalf("%d records visible, want the 6 acknowledged", n)
	}
	failing = false
	mustAppend(t, s, batchOf(3))
	after := m.Crash()
	m.Inject = nil
	s.shutdown()
	s = open(t, after, testOptions(newClock()))
	defer s.shutdown()
	var want model
	want.append(batchOf(1))
	want.append(batchOf(3))
	if got := iterate(t, s, all); !slices.Equal(got, want.answer(all)) {
		t.Fatal(firstDifference(got, want.answer(all)))
	}
}

// A flush that ends before its commit leaves files that the next start removes.
func TestFilesBeyondTheCheckpointAreRemoved(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, testOptions(newClock()))
	mustAppend(t, s, batchOf(1))
	var after *vfs.Mem
	m.Inject = func(op vfs.Op) error {
		if after == nil && op.Kind == vfs.OpCreate && strings.HasSuffix(op.Name, "checkpoint.tmp") && !op.After {
			after = m.Crash()
		}
		return nil
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.shutdown()
	if n := len(filesUnder(t, after, "/data/logs", ".blk")); n != 1 {
		t.Fatalf("%d block files before the commit, want 1", n)
	}
	s = open(t, after, testOptions(newClock()))
	defer s.shutdown()
	if n := len(filesUnder(t, after, "/data/logs", ".blk")); n != 0 {
		t.Fatalf("%d block files after the start, want 0", n)
	}
	if st := s.Stats(); st.Entries != 6 || batchesIn(t, s, 1) != 1 {
		t.Fatalf("%d entries stored, want 6", st.Entries)
	}
}

// The commit took hold but its sync failed, and then the disk fails for good:
// the files that the checkpoint on disk names must still be there.
func TestACommitOfUnknownOutcomeKeepsItsFiles(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, testOptions(newClock()))
	mustAppend(t, s, batchOf(1))
	renamed, broken := false, false
	m.Inject = func(op vfs.Op) error {
		renamed = renamed || op.Kind == vfs.OpRename && strings.HasSuffix(op.Name, checkpointName) && op.After
		if renamed && !broken && op.Kind == vfs.OpSyncDir && op.After {
			broken = true
			return errInjected
		}
		if broken && !op.After && (op.Kind == vfs.OpWrite || op.Kind == vfs.OpSync) {
			return errInjected
		}
		return nil
	}
	for range 2 {
		if err := s.Flush(context.Background()); !errors.Is(err, errInjected) {
			t.Fatalf("flush on a broken disk: %v", err)
		}
	}
	m.Inject = nil
	if !broken {
		t.Fatal("the commit was never reached")
	}
	after := m.Crash()
	s.shutdown()
	verifyHistory(t, after, testOptions(newClock()), []int{1}, []int{1}, "after a power cut")
	verifyHistory(t, m, testOptions(newClock()), []int{1}, []int{1}, "after a kill")
}
