package logstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// setting is one way to run a store.
type setting struct {
	block, head, workers                          int
	flushEvery, mergeEvery, reopenEvery, cutEvery int // in appends; 0 is never
}

func drawSetting(t *rapid.T, label string) setting {
	every := func(what string) int {
		return rapid.SampledFrom([]int{0, 0, 1, 2, 3, 5, 7, 11, 13}).Draw(t, label+" "+what)
	}
	return setting{
		block:      rapid.SampledFrom([]int{1, 100, 300, 16 << 10, 512 << 10}).Draw(t, label+" block bytes"),
		head:       rapid.SampledFrom([]int{1, 3 << 10, 64 << 10, 32 << 20}).Draw(t, label+" head bytes"),
		workers:    rapid.IntRange(1, 4).Draw(t, label+" workers"),
		flushEvery: every("flush"), mergeEvery: every("merge"), reopenEvery: every("reopen"), cutEvery: every("power cut"),
	}
}

// run takes the store through the history.
func (set setting) run(t testing.TB, history [][]Stream) (*Store, vfs.FS, Options) {
	o := testOptions(newClock())
	o.BlockBytes, o.HeadBytes, o.Workers = set.block, set.head, set.workers
	fsys := vfs.NewMem()
	s := open(t, fsys, o)
	due := func(n, every int) bool { return every > 0 && n%every == every-1 }
	for n, b := range history {
		mustAppend(t, s, b)
		if due(n, set.flushEvery) {
			flush(t, s)
		}
		if due(n, set.mergeEvery) {
			maintain(t, s, 1)
		}
		if due(n, set.reopenEvery) {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, fsys, o)
		}
		if due(n, set.cutEvery) {
			after := fsys.Crash()
			s.shutdown()
			fsys = after
			s = open(t, fsys, o)
		}
	}
	return s, fsys, o
}

// One history under any setting gives one answer, the model's. What fails is
// reduced: fewer batches, and settings without what does not matter.
func TestOneHistoryUnderAnySettingGivesOneAnswer(t *testing.T) {
	merges, shapes := int64(0), 0
	rapid.Check(t, func(rt *rapid.T) {
		seeds := rapid.SliceOfN(rapid.Uint64Range(0, 30), 0, 40).Draw(rt, "batches") // equal seeds are a sender's retries
		set := drawSetting(rt, "setting")
		var history [][]Stream
		var m model
		for _, seed := range seeds {
			b := randomBatch(rand.New(rand.NewPCG(0, seed)))
			history = append(history, b)
			m.append(b)
		}
		h := failer{t, rt}
		s, fsys, o := set.run(h, history)
		defer func() { s.shutdown() }()
		m.check(h, s, fmt.Sprintf("%+v", set))
		if err := s.Flush(context.Background()); err != nil {
			h.Fatal(err)
		}
		maintain(h, s, 2)
		m.check(h, s, fmt.Sprintf("%+v, merged", set))
		merges += s.Stats().Compactions
		shaped, _ := shapedBlocks(h, fsys)
		shapes += shaped
		if err := s.Close(); err != nil {
			h.Fatal(err)
		}
		s = open(h, fsys, o)
		m.check(h, s, fmt.Sprintf("%+v, reopened", set))
		if st := s.Stats(); st.LostBlocks+st.LostFrames+st.LostIndexes+st.TornTails > 0 {
			h.Fatalf("%+v: losses: %+v", set, st)
		}
	})
	if (merges == 0 || shapes == 0) && !t.Failed() {
		t.Errorf("%d merges, %d blocks of lines by shape: the test shows little", merges, shapes)
	}
}

// failer lets the package's helpers fail a rapid check, so that it is reduced.
type failer struct {
	testing.TB
	rt *rapid.T
}

func (f failer) Helper()                   {}
func (f failer) Fatal(args ...any)         { f.rt.Fatal(args...) }
func (f failer) Fatalf(s string, a ...any) { f.rt.Fatalf(s, a...) }
