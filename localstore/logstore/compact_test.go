package logstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

func maintain(t testing.TB, s *Store, times int) {
	t.Helper()
	for range times {
		if err := s.Maintain(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

func flush(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Slow streams end up in few blocks, and every answer is as it was: also that
// of a query which began before the merge, and after a restart.
func TestMergingSmallBlocksChangesNoAnswer(t *testing.T) {
	for seed := range int64(4) {
		r := rand.New(rand.NewPCG(7, uint64(seed)))
		c := newClock()
		fsys := vfs.NewMem()
		o := testOptions(c)
		s := open(t, fsys, o)
		var m model
		for range 40 {
			b := randomBatch(r)
			m.append(b)
			mustAppend(t, s, b)
			flush(t, s)
		}
		before := s.Stats()
		it := s.Iterate(context.Background(), all)
		if !it.Next() {
			t.Fatal("empty")
		}
		running := []string{recordString(it.At())}
		for n := range 60 {
			maintain(t, s, 1)
			if n%7 == 0 {
				m.check(t, s, fmt.Sprintf("seed %d, after %d rounds", seed, n))
			}
		}
		for it.Next() {
			running = append(running, recordString(it.At()))
		}
		if err := it.Err(); err != nil {
			t.Fatal(err)
		}
		it.Close()
		if want := m.answer(all); !slices.Equal(running, want) {
			t.Fatalf("seed %d: a query during the merge: %s", seed, firstDifference(running, want))
		}
		maintain(t, s, 1)
		m.check(t, s, fmt.Sprintf("seed %d, after all merges", seed))
		after := s.Stats()
		if after.Blocks*5 > before.Blocks || after.Files > 12 {
			t.Fatalf("%d blocks in %d files became %d in %d", before.Blocks, before.Files, after.Blocks, after.Files)
		}
		if n := len(filesUnder(t, fsys, "/data/logs", ".blk")); n != after.Files {
			t.Fatalf("%d files on the disk, %d in use", n, after.Files)
		}
		fsys2 := fsys.Crash()
		s.shutdown()
		s = open(t, fsys2, o)
		m.check(t, s, fmt.Sprintf("seed %d, reopened", seed))
		if st := s.Stats(); st.LostBlocks+st.LostIndexes+st.LostFrames > 0 || st.Blocks != after.Blocks {
			t.Fatalf("%+v", st)
		}
		s.shutdown()
	}
}

// A full block is not unpacked again, and a day is not written again and again.
func TestMergingWritesLittle(t *testing.T) {
	c := newClock()
	o := testOptions(c)
	o.BlockBytes = 4000
	s := open(t, vfs.NewMem(), o)
	defer s.shutdown()
	for n := range 200 {
		st := Stream{Labels: labels.FromStrings("app", "slow")}
		for k := range 3 {
			st.Entries = append(st.Entries, entryAt(epoch.Add(time.Duration(n)*time.Second+time.Duration(k)), fmt.Sprintf("line %d of flush %d, %032x", k, n, n*7919)))
		}
		mustAppend(t, s, []Stream{st})
		flush(t, s)
		maintain(t, s, 1)
	}
	st := s.Stats()
	if st.Files > 16 || st.Compactions > 120 {
		t.Errorf("%d files after %d merges", st.Files, st.Compactions)
	}
	if got := len(iterate(t, s, all)); got != 600 {
		t.Errorf("%d records", got)
	}
}

// A file with a damaged block is left alone, so that what is lost stays in
// sight; what is around it is answered.
func TestDamagedFilesAreNotMerged(t *testing.T) {
	m := vfs.NewMem()
	c := newClock()
	s := open(t, m, testOptions(c))
	for n := 1; n <= 6; n++ {
		mustAppend(t, s, []Stream{{Labels: labels.FromStrings("app", "a"), Entries: []Entry{entryAt(epoch.Add(-24*time.Hour+time.Duration(n)), fmt.Sprint("line ", n))}}})
		flush(t, s)
	}
	name := filesUnder(t, m, "/data/logs", ".blk")[2]
	b := get(t, m, name)
	b[100] ^= 1
	put(t, m, name, b)
	maintain(t, s, 10)
	st := s.Stats()
	if st.LostBlocks != 1 || st.CompactionFails != 0 || st.Files != 3 {
		t.Fatalf("%+v", st)
	}
	if got := len(iterate(t, s, all)); got != 5 {
		t.Fatalf("%d records of 5", got)
	}
	s.shutdown()
	rep, err := Verify(context.Background(), m, "/data/logs", nil)
	if err != nil || len(rep.Faults) != 1 {
		t.Fatal(rep, err)
	}
}

// Files that were merged and could not be removed are removed at the next
// start, and do not count twice.
func TestReplacedFilesAreRemovedAtTheNextStart(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, testOptions(newClock()))
	for n := 1; n <= 5; n++ {
		mustAppend(t, s, batchOf(3*n))
		flush(t, s)
	}
	m.Inject = func(op vfs.Op) error {
		if op.Kind == vfs.OpRemove && !op.After {
			return errInjected
		}
		return nil
	}
	for range 2 {
		_ = s.Maintain(context.Background()) // cannot remove
	}
	if st := s.Stats(); st.Compactions != 1 || st.Entries != 30 {
		t.Fatalf("%+v", st)
	}
	m.Inject = nil
	after := m.Crash()
	s.shutdown()
	if n := len(filesUnder(t, after, "/data/logs", ".blk")); n != 6 {
		t.Fatalf("%d files, want the merged one and the five before", n)
	}
	s = open(t, after, testOptions(newClock()))
	defer s.shutdown()
	if n := len(filesUnder(t, after, "/data/logs", ".blk")); n != 1 || s.Stats().Entries != 30 {
		t.Fatalf("%d files, %+v", n, s.Stats())
	}
	if got := len(iterate(t, s, all)); got != 30 {
		t.Fatalf("%d records", got)
	}
}
