package logstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// One history under many settings gives one answer, the model's.
func TestOneHistoryUnderManySettingsGivesOneAnswer(t *testing.T) {
	type setting struct{ block, head, flushEvery, reopenEvery, crashEvery int }
	settings := []setting{
		{512 << 10, 32 << 20, 0, 0, 0},
		{1, 1, 0, 0, 0},
		{100, 1 << 20, 3, 0, 0},
		{1 << 10, 2 << 10, 0, 7, 0},
		{300, 32 << 20, 0, 0, 5},
		{512 << 10, 3 << 10, 11, 13, 17},
	}
	for seed := range int64(6) {
		r := rand.New(rand.NewPCG(0, uint64(seed)))
		var history [][]Stream
		var m model
		for range 40 {
			b := randomBatch(r)
			if len(history) > 0 && r.IntN(5) == 0 {
				b = history[r.IntN(len(history))] // a sender's retry
			}
			history = append(history, b)
			m.append(b)
		}
		for i, set := range settings {
			about := fmt.Sprintf("seed %d, setting %d", seed, i)
			c := newClock()
			o := testOptions(c)
			o.BlockBytes, o.HeadBytes = set.block, set.head
			fsys := vfs.NewMem()
			s := open(t, fsys, o)
			due := func(n, every int) bool { return every > 0 && n%every == every-1 }
			for n, b := range history {
				mustAppend(t, s, b)
				if due(n, set.flushEvery) {
					if err := s.Flush(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
				if due(n, set.reopenEvery) {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					s = open(t, fsys, o)
				}
				if due(n, set.crashEvery) {
					after := fsys.Crash()
					s.shutdown()
					fsys = after
					s = open(t, fsys, o)
				}
			}
			m.check(t, s, about)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, fsys, o)
			m.check(t, s, about+", reopened")
			if st := s.Stats(); st.LostBlocks+st.LostFrames+st.LostIndexes+st.TornTails > 0 {
				t.Fatalf("%s: losses: %+v", about, st)
			}
			s.shutdown()
		}
	}
}
