package logstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// volumes are the parts that Volumes visits, added up, and what it says of the
// same by a Scan.
func volumes(t testing.TB, s *Store, sel Selection, length int64) (got, want map[string]Volume) {
	t.Helper()
	got, want = map[string]Volume{}, map[string]Volume{}
	add := func(m map[string]Volume, stream labels.Labels, v Volume) {
		key := fmt.Sprint(stream, v.Step)
		sum := m[key]
		m[key] = Volume{v.Step, sum.Entries + v.Entries, sum.Bytes + v.Bytes}
	}
	err := s.Volumes(context.Background(), sel, length, func(stream labels.Labels, v Volume) {
		if v.Entries == 0 {
			t.Errorf("a part without entries")
		}
		add(got, stream, v)
	})
	if err != nil {
		t.Fatal(err)
	}
	bare := Selection{Matchers: sel.Matchers, From: sel.From, To: sel.To}
	err = s.Scan(context.Background(), bare, func(r *Record) error {
		add(want, r.Stream, Volume{stepOf(r.Timestamp, length) - stepOf(sel.From, length), 1, int64(len(r.Line))})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, want
}

// Whatever the history and the setting, the index and the blocks at the edges say
// what reading all would say.
func TestVolumesAreWhatAScanCounts(t *testing.T) {
	known, scanned := int64(0), int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		seeds := rapid.SliceOfN(rapid.Uint64Range(0, 30), 0, 40).Draw(rt, "batches") // equal seeds are a sender's retries
		set := drawSetting(rt, "setting")
		var history [][]Stream
		for _, seed := range seeds {
			history = append(history, randomBatch(rand.New(rand.NewPCG(0, seed))))
		}
		h := failer{t, rt}
		s, _, _ := set.run(h, history)
		defer func() { s.shutdown() }()
		check := func() {
			for i, sel := range selections(h) {
				for _, length := range []int64{0, 1, int64(3 * time.Millisecond), int64(day), 1 << 61} {
					got, want := volumes(h, s, sel, length)
					if fmt.Sprint(got) != fmt.Sprint(want) {
						rt.Fatalf("%+v: selection %d, steps of %d: %v, want %v", set, i, length, got, want)
					}
				}
			}
			var ours, theirs QueryStats
			if err := s.Volumes(context.Background(), Selection{To: 1 << 62, Stats: &ours}, 0, func(labels.Labels, Volume) {}); err != nil {
				rt.Fatal(err)
			}
			if err := s.Scan(context.Background(), Selection{To: 1 << 62, Stats: &theirs}, func(*Record) error { return nil }); err != nil {
				rt.Fatal(err)
			}
			known += theirs.Blocks.Load() - ours.Blocks.Load()
			scanned += ours.Blocks.Load()
		}
		check()
		flush(h, s)
		maintain(h, s, 2)
		check()
	})
	if !t.Failed() && (known == 0 || scanned == 0) {
		t.Errorf("%d blocks were known and %d read: the test shows little", known, scanned)
	}
}

// Volumes reads the blocks at the edges and no other.
func TestVolumesReadTheEdges(t *testing.T) {
	o := testOptions(newClock())
	o.BlockBytes = 100
	s := open(t, vfs.NewMem(), o)
	defer s.shutdown()
	st := Stream{Labels: labels.FromStrings("app", "a")}
	for i := range 300 {
		// Two entries an instant, so that blocks touch.
		st.Entries = append(st.Entries, Entry{Timestamp: epoch.UnixNano() + int64(i/2), Line: fmt.Sprint("an entry of some length ", i)})
	}
	mustAppend(t, s, []Stream{st})
	flush(t, s)
	if n := s.Stats().Blocks; n < 50 {
		t.Fatalf("only %d blocks", n)
	}
	for _, c := range []struct{ from, to, most int64 }{{-100, 1000, 0}, {0, 150, 0}, {1, 150, 2}, {0, 149, 2}, {70, 80, 4}} {
		var stats QueryStats
		sel := Selection{From: epoch.UnixNano() + c.from, To: epoch.UnixNano() + c.to, Stats: &stats}
		if err := s.Volumes(context.Background(), sel, 0, func(labels.Labels, Volume) {}); err != nil {
			t.Fatal(err)
		}
		if n := stats.Blocks.Load(); n > c.most || n == 0 && c.most > 0 {
			t.Errorf("from %d to %d: %d blocks are read, want at most %d", c.from, c.to, n, c.most)
		}
	}
}

func TestVolumesLeaveOutWhatIsKnownToBeDamaged(t *testing.T) {
	o := testOptions(newClock())
	o.BlockBytes = 100
	s := open(t, vfs.NewMem(), o)
	defer s.shutdown()
	mustAppend(t, s, batchOf(1))
	flush(t, s)
	s.files[0].blocks[0].lose(s)
	got, want := volumes(t, s, all, 0)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

func TestStepsBeginAtWholeNumbersOfThem(t *testing.T) {
	for at, want := range map[int64]int64{-11: -2, -10: -1, -1: -1, 0: 0, 9: 0, 10: 1} {
		if got := stepOf(at, 10); got != want {
			t.Errorf("%d is in step %d, want %d", at, got, want)
		}
	}
}

// BenchmarkVolumes asks for the volume of 64 MB, of all of it and in steps, beside
// the scan that it replaced.
func BenchmarkVolumes(b *testing.B) {
	s := open(b, vfs.NewMem(), testOptions(newClock()))
	defer s.shutdown()
	r := rand.New(rand.NewPCG(1, 1))
	size, lines := 0, 0
	for size < 64<<20 {
		var batch []Stream
		for i := range 8 {
			st := Stream{Labels: labels.FromStrings("app", fmt.Sprint(i))}
			for range 1000 {
				lines++
				e := Entry{Timestamp: epoch.Add(time.Duration(lines-1_000_000) * time.Millisecond).UnixNano(), Line: fmt.Sprintf("level=info msg=\"request done\" trace=%016x took=%dms", r.Uint64(), r.IntN(1000))}
				size += len(e.Line)
				st.Entries = append(st.Entries, e)
			}
			batch = append(batch, st)
		}
		mustAppend(b, s, batch)
	}
	flush(b, s)
	for name, ask := range map[string]func() error{
		"all": func() error { return s.Volumes(context.Background(), all, 0, func(labels.Labels, Volume) {}) },
		"250 steps": func() error {
			return s.Volumes(context.Background(), all, int64(time.Duration(lines/250)*time.Millisecond), func(labels.Labels, Volume) {})
		},
		"scan": func() error { return s.Scan(context.Background(), all, func(*Record) error { return nil }) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
