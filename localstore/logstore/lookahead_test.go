package logstore

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// manyBlocks is a store of 60 batches in many small blocks.
func manyBlocks(t testing.TB, workers int) (*Store, *vfs.Mem) {
	t.Helper()
	m := vfs.NewMem()
	o := testOptions(newClock())
	o.BlockBytes, o.Workers = 100, workers
	s := open(t, m, o)
	for n := 1; n <= 60; n++ {
		mustAppend(t, s, batchOf(n))
		if n%20 == 0 {
			if err := s.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s, m
}

// unsorted visits as Scan does, in its own order.
func unsorted(t testing.TB, s *Store, sel Selection) (out []string) {
	t.Helper()
	if err := s.Scan(context.Background(), sel, func(r *Record) error { out = append(out, recordString(r)); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// However many read ahead, the answers and their order are those of one.
func TestReadingAheadChangesNoAnswer(t *testing.T) {
	one, _ := manyBlocks(t, 1)
	defer one.shutdown()
	for _, workers := range []int{2, 3, 8} {
		s, _ := manyBlocks(t, workers)
		for i, sel := range append(selections(t), Selection{To: 1 << 62, Contains: []string{"entry 1"}},
			Selection{To: 1 << 62, Contains: []string{"batch 4"}, Backward: true}) {
			if got, want := unsorted(t, s, sel), unsorted(t, one, sel); !slices.Equal(got, want) {
				t.Fatalf("%d workers, selection %d: scan: %s", workers, i, firstDifference(got, want))
			}
			if got, want := iterate(t, s, sel), iterate(t, one, sel); !slices.Equal(got, want) {
				t.Fatalf("%d workers, selection %d: iterate: %s", workers, i, firstDifference(got, want))
			}
		}
		s.shutdown()
	}
}

// A query that ends early, by its caller, its context or a fault of the disk,
// leaves no goroutine and no open file behind.
func TestReadingAheadEndsWithItsQuery(t *testing.T) {
	s, m := manyBlocks(t, 4)
	defer s.shutdown()
	before := runtime.NumGoroutine()
	enough := errors.New("enough")
	sel := Selection{To: 1 << 62, Contains: []string{"entry"}}
	n := 0
	if err := s.Scan(context.Background(), sel, func(*Record) error {
		if n++; n == 5 {
			return enough
		}
		return nil
	}); err != enough {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := s.Scan(ctx, sel, func(*Record) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	it := s.Iterate(ctx, sel)
	for range 20 {
		it.Next()
	}
	cancel()
	if it.Next() || !errors.Is(it.Err(), context.Canceled) {
		t.Fatal(it.Err())
	}
	it.Close()
	m.Inject = func(op vfs.Op) error {
		if op.Kind == vfs.OpRead {
			return errInjected
		}
		return nil
	}
	if err := s.Scan(context.Background(), sel, func(*Record) error { return nil }); !errors.Is(err, errInjected) {
		t.Fatal(err)
	}
	m.Inject = nil
	for _, f := range s.files {
		if f.refs != 0 {
			t.Fatalf("a file is left open %d times", f.refs)
		}
	}
	for start := time.Now(); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// What is read and not yet wanted is bounded.
func TestReadingAheadHoldsFewBlocks(t *testing.T) {
	s, _ := manyBlocks(t, 3)
	defer s.shutdown()
	blocks := s.Stats().Blocks
	var stats QueryStats
	err := s.Scan(context.Background(), Selection{To: 1 << 62, Stats: &stats}, func(*Record) error {
		time.Sleep(10 * time.Millisecond)
		if n := stats.Blocks.Load(); n > 6 {
			t.Errorf("%d blocks of %d are read for the first record", n, blocks)
		}
		return errInjected
	})
	if err != errInjected {
		t.Fatal(err)
	}
}
