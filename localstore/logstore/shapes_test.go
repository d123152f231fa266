package logstore

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// joined makes what a block has of lines.
func joined(lines []string) (text []byte, sizes []uint64) {
	for _, l := range lines {
		text, sizes = append(text, l...), append(sizes, uint64(len(l)))
	}
	return slices.Grow(text, gramRoom), sizes
}

// mustComeBack packs and unpacks lines and returns the reader.
func mustComeBack(t interface{ Fatalf(string, ...any) }, s *shaper, u *unshaper, lines []string) (section []byte) {
	text, sizes := joined(lines)
	section = s.appendShaped(nil, text, sizes)
	out, ends, err := u.decode(section, nil, nil, len(lines), len(text), nil)
	if err != nil || !bytes.Equal(out, text) {
		t.Fatalf("%d lines do not come back: %v", len(lines), err)
	}
	at := uint32(0)
	for i, size := range sizes {
		if at += uint32(size); ends[i] != at {
			t.Fatalf("line %d ends at %d, not at %d", i, ends[i], at)
		}
	}
	return section
}

// Whatever lines are, of many shapes or of none, they come back; and buffers that
// were used for others change nothing.
func TestLinesComeBackFromTheirShapes(t *testing.T) {
	var s, fresh shaper
	var u unshaper
	words := []string{"", "a", "aa", "aaa", "info", "0", "7", "07", "42", "999999999999999999", "1234567890123456789", "deadbeef", "DEADBEEF", "00ff00ff00ff00ff",
		"grüße", "\xff\xfe", "snake_case", "a_word_of_more_than_sixteen_bytes", "x1y2", "12ms"}
	between := []string{" ", "", "\"", "\":\"", ", ", " - - [", "https://", "........................", "\x00", "\n"}
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(0, rapid.Uint64().Draw(t, "seed")))
		shapes := make([][]string, rapid.SampledFrom([]int{1, 2, 5, 40, 400}).Draw(t, "shapes"))
		for i := range shapes {
			for range r.IntN(12) {
				shapes[i] = append(shapes[i], between[r.IntN(len(between))])
			}
		}
		r.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		vary := rapid.SampledFrom([]int{1, 3, len(words)}).Draw(t, "words")
		lines := make([]string, rapid.IntRange(1, 600).Draw(t, "lines"))
		for i := range lines {
			for k, b := range shapes[r.IntN(len(shapes))] {
				switch k % 4 {
				case 3:
					lines[i] += b + fmt.Sprint(r.IntN(3000))
				default:
					lines[i] += b + words[r.IntN(vary)]
				}
			}
		}
		got := mustComeBack(t, &s, &u, lines)
		text, sizes := joined(lines)
		fresh = shaper{}
		if want := fresh.appendShaped(nil, text, sizes); !bytes.Equal(got, want) {
			t.Fatalf("used buffers make another section")
		}
	})
}

// Each kind of column holds what it is for, and only that.
func TestColumnsHaveTheKindThatFits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		what string
		kind byte
		word func(n int) string
	}{
		{"few values", columnDictionary, func(n int) string { return []string{"GET", "PUT", "POST"}[n%3] }},
		{"numbers", columnNumber, func(n int) string { return fmt.Sprint(n * 7919) }},
		{"numbers of one width", columnNumber, func(n int) string { return fmt.Sprintf("%06d", n*31) }},
		{"numbers behind a letter", columnNumber, func(n int) string { return fmt.Sprint("u", n*7919) }},
		{"numbers with a unit", columnNumber, func(n int) string { return fmt.Sprint(n*7919, "ms") }},
		{"numbers that begin alike", columnNumber, func(n int) string { return fmt.Sprint([]int{1000, 100000}[n%2] + n) }},
		{"numbers of several widths with zeros before them", columnPlain, func(n int) string { return strings.Repeat("0", n%3) + fmt.Sprint(n) }},
		{"numbers too long", columnPlain, func(n int) string { return fmt.Sprintf("9%018d%d", n, n) }},
		{"ids", columnHex, func(n int) string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) }},
		{"ids in capitals", columnPlain, func(n int) string { return fmt.Sprintf("%016X", r.Uint64()) }},
		{"ids of an odd length", columnPlain, func(n int) string { return fmt.Sprintf("%015x", r.Uint64()>>4) }},
		{"text", columnPlain, func(n int) string { return strings.Repeat("x", n%40) + fmt.Sprint(n, "y", n) }},
	} {
		var lines []string
		for n := range 300 {
			lines = append(lines, `{"same":"1","it":"`+c.word(n)+`","end":true}`)
		}
		var u unshaper
		mustComeBack(t, new(shaper), &u, lines)
		if len(u.shapes) != 1 || len(u.kinds) != 1 || u.kinds[0].kind != c.kind {
			t.Errorf("%s: columns %+v, want one of kind %d", c.what, u.kinds, c.kind)
		}
	}
}

// Lines that are alike cost little more than what differs in them.
func TestShapedLinesAreSmall(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var lines []string
	for range 2000 {
		lines = append(lines, fmt.Sprintf(`{"level":"info","msg":"request served","status":%d,"trace_id":"%016x%016x"}`, 200+r.IntN(2), r.Uint64(), r.Uint64()))
	}
	section := mustComeBack(t, new(shaper), new(unshaper), lines)
	if ideal := len(lines)*16 + len(lines)/8; len(section) > ideal+500 {
		t.Errorf("%d bytes; ids and status are %d", len(section), ideal)
	}
}

// The fast scan finds the words that a plain one finds.
func TestTheFastScanFindsThePlainOnesWords(t *testing.T) {
	word := func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 0x40
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]byte("09azAZ_/:?@[ \x00\x7f\x80\xb0\xff")), 0, 300).Draw(t, "text")
		from := rapid.IntRange(0, len(text)).Draw(t, "from")
		to := rapid.IntRange(from, len(text)).Draw(t, "to")
		var want []uint32
		for i := from; i <= to; i++ {
			before, here := i > from && word(text[i-1]), i < to && word(text[i])
			if before != here {
				want = append(want, uint32(i))
			}
		}
		room := append(bytes.Clone(text), make([]byte, gramRoom)...)
		var e edges
		if n := e.find(room, from, to); !slices.Equal(e[:n], want) {
			t.Fatalf("%q: words at %d, want %d", text[from:to], e[:n], want)
		}
	})
}

// shapedBlocks counts the blocks of a store whose lines are by shape, and all.
func shapedBlocks(t testing.TB, fsys vfs.FS) (shaped, all int) {
	t.Helper()
	for _, name := range filesUnder(t, fsys, "/data/logs", ".blk") {
		b := get(t, fsys, name)
		for _, fb := range findBlocks(b, saltOf(t, name)) {
			all++
			if h, ok := parseBlockHeader(b[fb.offset:], saltOf(t, name), fb.offset); ok && h.shaped {
				shaped++
			}
		}
	}
	return shaped, all
}

// A flipped bit in a block of shaped lines costs that block and is counted.
func TestAFlippedBitInShapedLinesCostsOneBlock(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, testOptions(newClock()))
	mustAppend(t, s, formatHistory())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if shaped, all := shapedBlocks(t, m); shaped != 2 || all != 2 {
		t.Fatalf("%d of %d blocks are shaped", shaped, all)
	}
	name := filesUnder(t, m, "/data/logs", ".blk")[0]
	whole := get(t, m, name)
	var history model
	history.append(formatHistory())
	sent := map[string]bool{}
	for _, r := range history.answer(all) {
		sent[r] = true
	}
	r := rand.New(rand.NewPCG(0, 3))
	for range 300 {
		at := r.IntN(8 * len(whole))
		b := bytes.Clone(whole)
		b[at/8] ^= 1 << (at % 8)
		put(t, m, name, b)
		rep, err := Verify(context.Background(), m, "/data/logs", nil)
		if err != nil || len(rep.Faults) != 1 {
			t.Fatalf("bit %d: verify found %v, %v", at, rep.Faults, err)
		}
		s := open(t, m, testOptions(newClock()))
		got := iterate(t, s, all)
		for _, g := range got {
			if !sent[g] {
				t.Fatalf("bit %d: an answer that nobody sent", at)
			}
		}
		if lost := len(sent) - len(got); lost > 150 || lost > 0 && s.Stats().LostBlocks != 1 && s.Stats().LostIndexes == 0 {
			t.Fatalf("bit %d: %d records lost, %+v", at, lost, s.Stats())
		}
		s.shutdown()
	}
}
