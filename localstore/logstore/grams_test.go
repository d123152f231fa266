package logstore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/internal/vfs"
)

func filterOf(lines []byte) []byte {
	var t gramTable
	t.add(slices.Grow(lines, gramRoom))
	return t.appendTo(nil, len(lines))
}

// No block is skipped that holds the needle, wherever the needle begins and
// ends and whatever bytes it is made of.
func TestNoLineIsMissedByItsSubstrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]string{"ab1", "abcdef0123456789", "\x00\xff0aZ9z-_ \":/", "level=info msg=done 0123456789"}).Draw(t, "alphabet")
		r := rand.New(rand.NewPCG(0, rapid.Uint64().Draw(t, "seed")))
		lines := make([]byte, rapid.IntRange(0, 40_000).Draw(t, "bytes"))
		for i := range lines {
			lines[i] = alphabet[r.IntN(len(alphabet))]
		}
		filter := filterOf(bytes.Clone(lines))
		for range 200 {
			if len(lines) == 0 {
				return
			}
			from := r.IntN(len(lines))
			to := min(len(lines), from+r.IntN(80))
			n := gramsOf([][]byte{lines[from:to]})
			if !n.mayHold(filter) {
				t.Fatalf("bytes %d to %d are denied", from, to)
			}
		}
	})
}

// The fast scan finds the same grams as the plain one.
func TestTheFastScanFindsThePlainOnesGrams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.SampledFrom([]byte("09azAZ/:@[`{ \x00\x80\xb0\xe1\xff")), 8, 300).Draw(t, "lines")
		var got gramTable
		got.add(slices.Grow(bytes.Clone(lines), gramRoom))
		var text [1 << textLog2 / 64]uint64
		var ids [1 << idLog2 / 64]uint64
		for i := range lines {
			var plain needleGrams // of one place each: a needle's are bounded
			plain.add(lines[i:min(len(lines), i+4)])
			plain.add(lines[i:min(len(lines), i+6)])
			for _, s := range plain.text {
				text[s/64] |= 1 << (s % 64)
			}
			for _, s := range plain.ids {
				ids[s/64] |= 1 << (s % 64)
			}
		}
		if got.text != text || got.ids != ids {
			t.Fatal("they differ")
		}
	})
}

// Phrases and identifiers that a block lacks are mostly known to be absent,
// for less than one byte in a hundred.
func TestAbsentPhrasesAndIDsAreSkipped(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	id := func() string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) }
	var lines []byte
	for len(lines) < 512<<10 {
		lines = fmt.Appendf(lines, `{"ts":"2026-11-21T12:00:%02d.%09dZ","level":"info","msg":"cache miss for session","path":"/api/v1/cart/%d","duration_ms":%d,"trace_id":"%s"}`,
			r.IntN(60), r.IntN(1e9), r.IntN(10000), r.IntN(900), id())
	}
	filter := filterOf(lines)
	if most := len(lines) / 100; len(filter) > most {
		t.Errorf("the filter takes %d bytes, at most %d wanted", len(filter), most)
	}
	passed := 0
	for range 1000 {
		n := gramsOf([][]byte{[]byte(id())})
		if n.mayHold(filter) {
			passed++
		}
	}
	if passed > 100 {
		t.Errorf("%d of 1000 absent ids are not skipped", passed)
	}
	for _, phrase := range []string{"payment timeout", "connection refused", "panic:", "level=error", "OutOfMemory"} {
		n := gramsOf([][]byte{[]byte(phrase)})
		if n.mayHold(filter) {
			t.Errorf("%q is absent and not skipped", phrase)
		}
	}
}

// A query for a phrase decodes only blocks that hold it, and finds it.
func TestBlocksWithoutThePhraseAreNotRead(t *testing.T) {
	m := vfs.NewMem()
	o := testOptions(newClock())
	o.BlockBytes = 20_000
	s := open(t, m, o)
	defer s.shutdown()
	var st Stream
	st.Labels = labels.FromStrings("app", "a")
	for n := range 2000 {
		line := fmt.Sprintf("request %d was served from the cache in %d ms", n, n%7)
		if n == 1234 {
			line = "request was refused: certificate has expired"
		}
		st.Entries = append(st.Entries, Entry{Timestamp: epoch.UnixNano() + int64(n), Line: line})
	}
	mustAppend(t, s, []Stream{st})
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	blocks := s.Stats().Blocks
	if blocks < 4 {
		t.Fatalf("%d blocks show nothing", blocks)
	}
	var stats QueryStats
	sel := Selection{To: 1 << 62, Contains: []string{"certificate has"}, Stats: &stats}
	if got := scan(t, s, sel); len(got) != 1 {
		t.Fatalf("%d records, want 1", len(got))
	}
	if r, k := stats.Blocks.Load(), stats.Skipped.Load(); r != 1 || k != int64(blocks-1) {
		t.Fatalf("%d blocks read, %d skipped, of %d", r, k, blocks)
	}
}

// A lookup of an identifier that no record carries reads no block: the filters
// of structured metadata know of all that are there.
func TestALookupOfAnAbsentIDReadsNoBlock(t *testing.T) {
	m := vfs.NewMem()
	o := testOptions(newClock())
	o.BlockBytes = 20_000
	s := open(t, m, o)
	defer s.shutdown()
	id := func(n int) string { return fmt.Sprintf("%032x", uint64(n+1)*0x9e3779b97f4a7c15) }
	const records = 2000
	st := Stream{Labels: labels.FromStrings("app", "a")}
	for n := range records {
		st.Entries = append(st.Entries, Entry{
			Timestamp: epoch.UnixNano() + int64(n), Line: fmt.Sprintf("request %d was served", n), Metadata: labels.FromStrings("trace_id", id(n)),
		})
	}
	mustAppend(t, s, []Stream{st})
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	blocks := int64(s.Stats().Blocks)
	if blocks < 3 {
		t.Fatalf("%d blocks show nothing", blocks)
	}
	for _, c := range []struct {
		id   string
		read int64
	}{{id(records), 0}, {"gone", 0}, {id(records / 2), 1}} {
		var stats QueryStats
		got := scan(t, s, Selection{To: 1 << 62, Having: []labels.Label{{Name: "trace_id", Value: c.id}}, Stats: &stats})
		if int64(len(got)) != c.read {
			t.Fatalf("%s: %d records", c.id, len(got))
		}
		if r, k := stats.Blocks.Load(), stats.Skipped.Load(); r != c.read || k != blocks-c.read {
			t.Errorf("%s: %d blocks read, %d skipped, of %d", c.id, r, k, blocks)
		}
	}
}
