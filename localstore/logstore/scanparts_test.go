package logstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// inParts visits with so many functions and puts the parts together.
func inParts(t testing.TB, s *Store, sel Selection, workers int) (out []string) {
	t.Helper()
	byPart := make([]map[int][]string, workers)
	visits := make([]func(int, *Record) error, workers)
	for i := range visits {
		byPart[i] = map[int][]string{}
		last := -1
		visits[i] = func(part int, r *Record) error {
			if part < last {
				return fmt.Errorf("part %d comes after part %d", part, last)
			}
			last = part
			byPart[i][part] = append(byPart[i][part], recordString(r))
			return nil
		}
	}
	if err := s.ScanParts(context.Background(), sel, visits...); err != nil {
		t.Fatal(err)
	}
	all := map[int][]string{}
	for _, m := range byPart {
		for n, lines := range m {
			if all[n] != nil {
				t.Fatalf("part %d was visited by two", n)
			}
			all[n] = lines
		}
	}
	numbers := make([]int, 0, len(all))
	for n := range all {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		out = append(out, all[n]...)
	}
	return out
}

func TestPartsInTheirOrderAreTheScan(t *testing.T) {
	s, _ := manyBlocks(t, 4)
	defer s.shutdown()
	for i, sel := range append(selections(t), Selection{To: 1 << 62, Contains: []string{"entry 1"}}) {
		want := unsorted(t, s, sel)
		for _, workers := range []int{1, 2, 5} {
			if got := inParts(t, s, sel, workers); !slices.Equal(got, want) {
				t.Fatalf("%d functions, selection %d: %s", workers, i, firstDifference(got, want))
			}
		}
	}
}

// Whoever else fails, the error is that of the first record, in Scan's order,
// that has one; and everything before it has been seen.
func TestTheLowestFaultIsAnswered(t *testing.T) {
	s, _ := manyBlocks(t, 4)
	defer s.shutdown()
	sel := Selection{To: 1 << 62}
	all := unsorted(t, s, sel)
	first := slices.IndexFunc(all, func(r string) bool { return strings.Contains(r, "entry 2") })
	for range 20 {
		visits := make([]func(int, *Record) error, 4)
		for i := range visits {
			visits[i] = func(_ int, r *Record) error {
				if strings.Contains(recordString(r), "entry 2") {
					return errors.New(recordString(r))
				}
				return nil
			}
		}
		err := s.ScanParts(context.Background(), sel, visits...)
		if err == nil || err.Error() != all[first] {
			t.Fatalf("%v, not %s", err, all[first])
		}
	}
}

func TestScanningPartsEndsWithItsQuery(t *testing.T) {
	s, _ := manyBlocks(t, 4)
	defer s.shutdown()
	before := runtime.NumGoroutine()
	sel := Selection{To: 1 << 62}
	ctx, cancel := context.WithCancel(context.Background())
	stop := func(int, *Record) error { cancel(); return nil }
	if err := s.ScanParts(ctx, sel, stop, stop, stop); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	tooMuch := func(int, *Record) error { return enough }
	if err := s.ScanParts(context.Background(), sel, tooMuch, tooMuch, tooMuch); err != enough {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "a mistake") {
				t.Errorf("the panic did not reach the caller: %v", p)
			}
		}()
		mistake := func(int, *Record) error { panic("a mistake") }
		_ = s.ScanParts(context.Background(), sel, mistake, mistake, mistake)
	}()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Fatalf("%d goroutines, before %d", n, before)
	}
}

// What is read is accounted for before it is walked, matching or not.
func TestAdmitEndsAQueryThatReadsTooMuch(t *testing.T) {
	s, _ := manyBlocks(t, 2)
	defer s.shutdown()
	var stats QueryStats
	if err := s.Scan(context.Background(), Selection{To: 1 << 62, Stats: &stats}, func(*Record) error { return nil }); err != nil {
		t.Fatal(err)
	}
	tooMuch := errors.New("too much")
	for _, contains := range []string{"", "q"} { // the second is in no line and too short for the filters
		for _, limit := range []int64{0, 5, stats.Lines.Load() - 1, stats.Lines.Load()} {
			lines, bytes := int64(0), int64(0)
			sel := Selection{To: 1 << 62, Contains: []string{contains}, Admit: func(l, b int) error {
				lines += int64(l)
				bytes += int64(b)
				if lines > limit {
					return tooMuch
				}
				return nil
			}}
			err := s.ScanParts(context.Background(), sel, func(int, *Record) error { return nil })
			if want := limit < stats.Lines.Load(); (err == tooMuch) != want {
				t.Fatalf("limit %d of %d: %v", limit, stats.Lines.Load(), err)
			}
			if err == nil && bytes != stats.Bytes.Load() {
				t.Fatalf("%d bytes, not %d", bytes, stats.Bytes.Load())
			}
		}
	}
}
