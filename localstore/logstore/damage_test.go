package logstore

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

const secret = "batch "

func filesUnder(t testing.TB, fsys vfs.FS, dir, ext string) []string {
	t.Helper()
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		p := filepath.Join(dir, e.Name())
		if e.IsDir() {
			out = append(out, filesUnder(t, fsys, p, ext)...)
		} else if strings.HasSuffix(p, ext) {
			out = append(out, p)
		}
	}
	return out
}

func put(t testing.TB, fsys vfs.FS, name string, data []byte) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_WRONLY|os.O_TRUNC|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func get(t testing.TB, fsys vfs.FS, name string) []byte {
	t.Helper()
	b, err := vfs.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// batchesIn counts the whole batches among n in the answers.
func batchesIn(t testing.TB, s *Store, n int) int {
	t.Helper()
	got := map[string]bool{}
	for _, r := range iterate(t, s, all) {
		if got[r] {
			t.Fatal("a record is answered twice")
		}
		got[r] = true
	}
	whole := 0
	for i := 1; i <= n; i++ {
		var m model
		m.append(batchOf(i))
		all := true
		for _, r := range m.answer(Selection{To: 1 << 62}) {
			all = all && got[r]
			delete(got, r)
		}
		if all {
			whole++
		}
	}
	if len(got) > 0 {
		t.Fatalf("%d records were never sent", len(got))
	}
	return whole
}

// walOf leaves a log of n batches, a frame each, in dir.
func walOf(t testing.TB, n int) (*vfs.Mem, string, []byte) {
	m := vfs.NewMem()
	s := open(t, m, testOptions(newClock()))
	for i := 1; i <= n; i++ {
		mustAppend(t, s, batchOf(i))
	}
	s.shutdown()
	segs := filesUnder(t, m, "/data/logs/wal", ".wal")
	if len(segs) != 1 {
		t.Fatalf("%d segments", len(segs))
	}
	return m, segs[0], get(t, m, segs[0])
}

// A log cut anywhere starts and answers every frame before the cut.
func TestALogCutAnywhereAnswersTheFramesBefore(t *testing.T) {
	m, name, whole := walOf(t, 6)
	ends := []int{0}
	scanFrames(whole, saltOf(t, name), func(off int64, p []byte) error {
		ends = append(ends, int(off)+frameHeaderSize+len(p))
		return nil
	})
	for cut := range whole {
		put(t, m, name, whole[:cut])
		want, atEnd := 0, false
		for i, e := range ends {
			if e <= cut {
				want, atEnd = i, e == cut
			}
		}
		verifyEnd(t, m, !atEnd, fmt.Sprint("cut at ", cut))
		s := open(t, m, testOptions(newClock()))
		if got := batchesIn(t, s, 6); got != want {
			t.Fatalf("cut at %d: %d batches, want %d", cut, got, want)
		}
		if st := s.Stats(); (st.TornTails == 1) == atEnd || st.LostFrames != 0 {
			t.Fatalf("cut at %d: torn %d, lost %d", cut, st.TornTails, st.LostFrames)
		}
		s.shutdown()
	}
}

func saltOf(t testing.TB, name string) uint64 {
	_, salt, ok := parseSaltedName(filepath.Base(name), filepath.Ext(name))
	if !ok {
		t.Fatalf("not a salted name: %s", name)
	}
	return salt
}

// A log of many segments' worth that loses its end, wherever it is cut within
// the last 64 KiB, answers every frame before the cut. stride says how many of
// the places are tried; those at the frames' edges always are.
func cutTheEnd(t *testing.T, stride int) {
	const n, reach = 240, 64 << 10
	m, name, whole := walOf(t, n)
	if len(whole) < reach {
		t.Fatalf("the log has only %d bytes", len(whole))
	}
	ends := []int{0}
	scanFrames(whole, saltOf(t, name), func(off int64, p []byte) error {
		ends = append(ends, int(off)+frameHeaderSize+len(p))
		return nil
	})
	for cut := len(whole) - reach; cut < len(whole); cut++ {
		frames, _ := slices.BinarySearch(ends, cut+1)
		frames-- // whole ones before the cut
		atEnd := cut == ends[frames]
		if near := cut-ends[frames] < 20 || ends[frames+1]-cut < 3; cut%stride != 0 && !near {
			continue
		}
		put(t, m, name, whole[:cut])
		s := open(t, m, testOptions(newClock()))
		if st := s.Stats(); st.Entries != int64(6*frames) || (st.TornTails == 1) == atEnd || st.LostFrames != 0 {
			t.Fatalf("cut at %d: %d entries, want %d; torn %d, lost %d", cut, st.Entries, 6*frames, st.TornTails, st.LostFrames)
		}
		s.shutdown()
	}
}

func TestALogCutWithinItsEndAnswersTheFramesBefore(t *testing.T) { cutTheEnd(t, 97) }

// verifyEnd demands a log without damage, whose last write finished or did not.
func verifyEnd(t testing.TB, fsys vfs.FS, incomplete bool, about string) {
	t.Helper()
	rep, err := Verify(context.Background(), fsys, "/data/logs", nil)
	if err != nil || len(rep.Faults) > 0 || rep.Incomplete != incomplete {
		t.Fatalf("%s: verify says %+v, %v", about, rep, err)
	}
}

// What a power cut leaves of a write that nobody was told about is no damage:
// sectors that were not written read as zeros, at the end or in the middle.
func TestAWriteWithHolesIsATornTail(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, testOptions(newClock()))
	mustAppend(t, s, batchOf(1))
	mustAppend(t, s, []Stream{{Labels: labels.FromStrings("app", "a"), Entries: []Entry{{Timestamp: epoch.UnixNano(), Line: strings.Repeat("x", 4000)}}}})
	s.shutdown()
	name := filesUnder(t, m, "/data/logs/wal", ".wal")[0]
	whole := get(t, m, name)
	first := 0
	scanFrames(whole, saltOf(t, name), func(off int64, p []byte) error { first = int(off); return nil })
	check := func(b []byte, about string) {
		t.Helper()
		put(t, m, name, b)
		verifyEnd(t, m, true, about)
		s := open(t, m, testOptions(newClock()))
		defer s.shutdown()
		if st := s.Stats(); batchesIn(t, s, 1) != 1 || st.TornTails != 1 || st.LostFrames != 0 {
			t.Fatalf("%s: torn %d, lost %d", about, st.TornTails, st.LostFrames)
		}
	}
	for sector := (first + 511) / 512; sector <= len(whole)/512; sector++ {
		b := bytes.Clone(whole)
		clear(b[sector*512 : min(len(b), (sector+1)*512)])
		check(b, fmt.Sprint("without sector ", sector))
		clear(b[sector*512:])
		check(b, fmt.Sprint("without anything from sector ", sector))
	}
	b := bytes.Clone(whole)
	clear(b[first:])
	check(b, "without the whole frame")
}

// The last frame was whole once: a bit of it that has changed is damage, whoever
// wrote it and however the store was left.
func TestAFlippedBitInTheLastFrameIsNotTakenForATornTail(t *testing.T) {
	m, name, whole := walOf(t, 2)
	last := 0
	scanFrames(whole, saltOf(t, name), func(off int64, _ []byte) error { last = int(off); return nil })
	for bit := 8 * last; bit < 8*len(whole); bit++ {
		b := bytes.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		put(t, m, name, b)
		rep, err := Verify(context.Background(), m, "/data/logs", nil)
		if err != nil || len(rep.Faults) != 1 || rep.Faults[0].Offset != int64(last) || rep.Incomplete {
			t.Fatalf("bit %d of the last frame: verify says %+v, %v", bit-8*last, rep, err)
		}
	}
}

// A frame whose checksums are right and whose content is none is told as well.
func TestVerifyTellsAFrameThatCannotBeTakenApart(t *testing.T) {
	m, name, whole := walOf(t, 2)
	broken := []byte("................\x02") // an entry of no stream
	sealFrame(broken, saltOf(t, name), int64(len(whole)))
	put(t, m, name, append(whole, broken...))
	rep, err := Verify(context.Background(), m, "/data/logs", nil)
	if err != nil || len(rep.Faults) != 1 || rep.Faults[0].Offset != int64(len(whole)) || rep.Incomplete {
		t.Fatalf("verify says %+v, %v", rep, err)
	}
}

// A flipped bit anywhere in the checkpoint costs nothing.
func TestAFlippedBitInTheCheckpointCostsNothing(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, testOptions(newClock()))
	for i := 1; i <= 4; i++ {
		mustAppend(t, s, batchOf(i))
		if i == 2 {
			flush(t, s)
		}
	}
	s.shutdown()
	const name = "/data/logs/checkpoint"
	whole := get(t, m, name)
	for bit := range 8 * len(whole) {
		b := append([]byte(nil), whole...)
		b[bit/8] ^= 1 << (bit % 8)
		put(t, m, name, b)
		rep, err := Verify(context.Background(), m, "/data/logs", nil)
		if err != nil || len(rep.Faults) != 1 {
			t.Fatalf("bit %d: verify found %v, %v", bit, rep, err)
		}
		s := open(t, m, testOptions(newClock()))
		if got := batchesIn(t, s, 4); got != 4 {
			t.Fatalf("bit %d: %d batches of 4", bit, got)
		}
		s.shutdown()
	}
}

// A flipped bit anywhere in the log costs one frame, which is counted.
func TestAFlippedBitInTheLogCostsOneFrame(t *testing.T) {
	const n = 6
	m, name, whole := walOf(t, n)
	r := rand.New(rand.NewPCG(0, uint64(1)))
	for range 1000 {
		at := r.IntN(len(whole) * 8)
		b := append([]byte(nil), whole...)
		b[at/8] ^= 1 << (at % 8)
		put(t, m, name, b)
		s := open(t, m, testOptions(newClock()))
		st := s.Stats()
		if got := batchesIn(t, s, n); got != n-1 || st.LostFrames != 1 || st.TornTails != 0 {
			t.Fatalf("bit %d: %d of %d batches, lost %d, torn %d", at, got, n, st.LostFrames, st.TornTails)
		}
		s.shutdown()
	}
}

// A line that holds the bytes of a frame, made for the very place where it
// ends up by one who knows all but the salt, is not taken for one when the
// reader looks for the next frame after damage.
func TestALineCannotPassForAFrame(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, testOptions(newClock()))
	b := batchOf(1)[:1]
	var w frameWriter
	w.left = 1 << 12
	st := &stream{labels: b[0].Labels}
	w.add(st, &b[0].Entries[1])
	forged := w.frames[0]
	sealFrame(forged, 0, 0)
	b[0].Entries[0].Line = string(forged)
	mustAppend(t, s, b)
	s.shutdown()
	name := filesUnder(t, m, "/data/logs/wal", ".wal")[0]
	data := get(t, m, name)
	at := bytes.Index(data[4:], []byte(frameMagic)) + 4
	if at < 4 {
		t.Fatal("the line is not in the log")
	}
	sealFrame(data[at:][:len(forged)], 0, int64(at)) // as the sender would have, salt unknown
	data[5] ^= 1                                     // the real frame's length
	put(t, m, name, data)
	s = open(t, m, testOptions(newClock()))
	defer s.shutdown()
	if got := iterate(t, s, all); len(got) != 0 {
		t.Fatalf("%d records came out of a line", len(got))
	}
}

// A flipped bit anywhere in a block file costs at most one block, is counted,
// and is never spoken about.
func TestAFlippedBitInABlockFileCostsOneBlock(t *testing.T) {
	const n = 9
	m := vfs.NewMem()
	o := testOptions(newClock())
	o.BlockBytes = 200
	s := open(t, m, o)
	for i := 1; i <= n; i++ {
		mustAppend(t, s, batchOf(i))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names := filesUnder(t, m, "/data/logs", ".blk")
	if len(names) != 3 {
		t.Fatalf("%d block files", len(names))
	}
	s = open(t, m, o)
	perBlock := int64(0)
	for _, f := range s.files {
		for _, b := range f.blocks {
			perBlock = max(perBlock, int64(b.count))
		}
	}
	s.shutdown()
	whole := get(t, m, names[1])
	r := rand.New(rand.NewPCG(0, uint64(2)))
	for range 1000 {
		at := r.IntN(len(whole) * 8)
		b := append([]byte(nil), whole...)
		b[at/8] ^= 1 << (at % 8)
		put(t, m, names[1], b)
		rep, err := Verify(context.Background(), m, "/data/logs", nil)
		if err != nil || len(rep.Faults) != 1 {
			t.Fatalf("bit %d of %d: verify found %d faults, %v", at, len(whole)*8, len(rep.Faults), err)
		}
		if strings.Contains(fmt.Sprint(rep.Faults), secret) {
			t.Fatal("a fault quotes stored data")
		}
		s := open(t, m, o)
		batchesIn(t, s, n) // nothing that was not sent
		got := len(iterate(t, s, all))
		having := Selection{To: 1 << 62, Having: selections(t)[13].Having}
		having.Having[0].Value = fmt.Sprintf("%032x", 3)
		found := len(iterate(t, s, having))
		st := s.Stats()
		if lost := n*6 - got; lost > int(perBlock) || lost > 0 && st.LostBlocks != 1 && st.LostIndexes == 0 {
			t.Fatalf("bit %d: %d records lost, a block holds %d; stats %+v", at, lost, perBlock, st)
		} else if lost == 0 && found != 6 {
			t.Fatalf("bit %d: %d records by trace, want 6", at, found)
		}
		s.shutdown()
	}
}

// A damaged or missing checkpoint costs nothing: what is in both places is
// answered once.
func TestWithoutACheckpointNothingIsLostOrDoubled(t *testing.T) {
	m := vfs.NewMem()
	m.Inject = func(op vfs.Op) error { // keep the segments that a flush would remove
		if op.Kind == vfs.OpRemove && strings.HasSuffix(op.Name, ".wal") && !op.After {
			return errInjected
		}
		return nil
	}
	s := open(t, m, testOptions(newClock()))
	for i := 1; i <= 4; i++ {
		mustAppend(t, s, batchOf(i))
		if i%2 == 0 {
			if err := s.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.shutdown()
	m.Inject = nil
	b := get(t, m, "/data/logs/checkpoint")
	b[9] ^= 4
	put(t, m, "/data/logs/checkpoint", b)
	s = open(t, m, testOptions(newClock()))
	if got := batchesIn(t, s, 4); got != 4 {
		t.Fatalf("%d batches of 4", got)
	}
	if s.Stats().HeadBytes == 0 {
		t.Fatal("the segments were not replayed: the test shows nothing")
	}
	s.shutdown()
}
