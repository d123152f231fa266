package logstore

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// drawLines makes lines of few shapes whose columns are of all kinds.
func drawLines(t *rapid.T) []string {
	r := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed")))
	words := []string{"", "a", "ab", "aba", "b", "bab", "info", "_", "ä", "\xff"}[:rapid.IntRange(1, 10).Draw(t, "words")]
	between := []string{" ", "=", "\":\"", " a ", "-", "\x00", "a1 1a"}
	values := []func() string{
		func() string { return words[r.IntN(len(words))] },
		func() string { return words[r.IntN(len(words))] + fmt.Sprint(r.IntN(20)) },
		func() string { return fmt.Sprint(r.IntN(5000)) },
		func() string { return fmt.Sprint(r.IntN(5000)) + "ms" },
		func() string { return fmt.Sprintf("%08x", r.Uint32()) },
		func() string { return strings.Repeat("aB_é", r.IntN(15)) + fmt.Sprint(r.Uint32()) },
		func() string { return "same" },
	}
	shapes := make([][]func() string, rapid.IntRange(1, 4).Draw(t, "shapes"))
	for i := range shapes {
		for range 1 + r.IntN(5) {
			text := between[r.IntN(len(between))]
			shapes[i] = append(shapes[i], func() string { return text }, values[r.IntN(len(values))])
		}
	}
	lines := make([]string, rapid.IntRange(1, 300).Draw(t, "lines"))
	for i := range lines {
		for _, piece := range shapes[r.IntN(len(shapes))] {
			lines[i] += piece()
		}
	}
	return lines
}

// drawNeedle takes a piece out of a line, wherever it begins and ends, and may
// change a byte of it.
func drawNeedle(t *rapid.T, lines []string) []byte {
	line := rapid.SampledFrom(lines).Draw(t, "line")
	from := rapid.IntRange(0, len(line)-1).Draw(t, "from")
	piece := []byte(line[from : from+rapid.IntRange(1, len(line)-from).Draw(t, "size")])
	if rapid.IntRange(0, 2).Draw(t, "change") == 0 {
		piece[rapid.IntRange(0, len(piece)-1).Draw(t, "at")] = rapid.SampledFrom([]byte("a1b \xff")).Draw(t, "byte")
	}
	return piece
}

// A line that holds all needles is put together, wherever they cross its pieces;
// any other is whole or empty.
func TestNoLineThatHoldsTheNeedlesIsLeftOut(t *testing.T) {
	var s shaper
	var u unshaper
	held, left := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		lines := drawLines(t)
		needles := [][]byte{drawNeedle(t, lines)}
		if rapid.Bool().Draw(t, "two") {
			needles = append(needles, drawNeedle(t, lines))
		}
		text, sizes := joined(lines)
		section := s.appendShaped(nil, text, sizes)
		out, ends, err := u.decode(section, nil, nil, len(lines), len(text), needlesOf(needles))
		if err != nil || len(ends) != len(lines) {
			t.Fatalf("%v, %d lines of %d", err, len(ends), len(lines))
		}
		at := uint32(0)
		for i, line := range lines {
			got := string(out[at:ends[i]])
			at = ends[i]
			holds := true
			for _, n := range needles {
				holds = holds && bytes.Contains([]byte(line), n)
			}
			switch {
			case got == line && holds:
				held++
			case got == "" && !holds:
				left++
			case got != line:
				t.Fatalf("of %q, asked for %q, there is %q", line, needles, got)
			}
		}
		if int(at) != len(out) {
			t.Fatalf("%d bytes behind the last line", len(out)-int(at))
		}
	})
	if held == 0 || left < held/10 {
		t.Errorf("%d lines hold the needles, %d others are left out: this shows little", held, left)
	}
}

// What is left out where dictionaries decide.
func TestDictionariesDecideWhichLinesArePutTogether(t *testing.T) {
	messages := []string{"cart cache hit", "timeout after 12ms", "order queue slow", "timeout cache slow", "cart after 7ms"}
	var lines []string
	for i := range 1000 {
		lines = append(lines, fmt.Sprintf(`level=info msg="%s" took=%dms id=%016x`, messages[i%len(messages)], i*7919, uint64(i)*0x9e3779b97f4a7c15))
	}
	text, sizes := joined(lines)
	section := new(shaper).appendShaped(nil, text, sizes)
	for _, c := range []struct {
		needle string
		lines  int
	}{
		{"level=info", 1000},
		{"level=warn", 0},
		{"timeout after ", 200},
		{`"timeout `, 400},
		{"out aft", 200},
		{"out oft", 0},
		{"hit\" took=", 200},
		{"cache", 400},
		{"no such", 0},
		{"ms id=", 1000},
		{"timeout after 12ms\" took=x", 0},
		{strings.Repeat("x", 100), 0},
	} {
		out, ends, err := new(unshaper).decode(section, nil, nil, len(lines), len(text), needlesOf([][]byte{[]byte(c.needle)}))
		if err != nil {
			t.Fatal(err)
		}
		n, at := 0, uint32(0)
		for _, end := range ends {
			if end > at {
				n++
			}
			at = end
		}
		if n != c.lines || int(at) != len(out) {
			t.Errorf("%q: %d lines put together, want %d", c.needle, n, c.lines)
		}
	}
}

// A store answers texts as whoever reads all lines and looks, whether a block lies
// in the time range as a whole or in part, and says the same of what it read.
func TestTextsAreFoundInShapedBlocks(t *testing.T) {
	batches, _, end := corpus(2 << 20)
	s := open(t, vfs.NewMem(), Options{Now: func() time.Time { return end }, MaintainEvery: -1, BlockBytes: 32 << 10})
	for _, b := range batches {
		mustAppend(t, s, b)
	}
	flush(t, s)
	begin, span := epoch.UnixNano(), end.UnixNano()-epoch.UnixNano()
	found := 0
	for _, text := range []string{"timeout", " timeout ", "retry timeout", "\"level\":\"warn\",\"msg\":\"pay", "level=err", "status\":300,", "GET /cache/user?id=7", "attempt=4 took=99", ":07", "e"} {
		for _, sel := range []Selection{{To: 1 << 62}, {From: begin + span/3, To: begin + span/2}} {
			var want []string
			var all, asked QueryStats
			sel.Stats = &all
			mustScan(t, s, sel, func(r *Record) { want = appendIfHeld(want, r, text) })
			sel.Stats, sel.Contains = &asked, []string{text}
			var got []string
			mustScan(t, s, sel, func(r *Record) { got = appendIfHeld(got, r, text) })
			if !slices.Equal(got, want) {
				t.Errorf("%q: %d lines, want %d", text, len(got), len(want))
			}
			if asked.Skipped.Load() == 0 && (asked.Lines.Load() != all.Lines.Load() || asked.Bytes.Load() != all.Bytes.Load()) {
				t.Errorf("%q: %d lines and %d bytes read, want %d and %d", text, asked.Lines.Load(), asked.Bytes.Load(), all.Lines.Load(), all.Bytes.Load())
			}
			found += len(want)
		}
	}
	if found == 0 {
		t.Error("no text is in any line")
	}
}

func mustScan(t *testing.T, s *Store, sel Selection, visit func(*Record)) {
	t.Helper()
	if err := s.Scan(context.Background(), sel, func(r *Record) error { visit(r); return nil }); err != nil {
		t.Fatal(err)
	}
}

func appendIfHeld(to []string, r *Record, text string) []string {
	if !bytes.Contains(r.Line, []byte(text)) {
		return to
	}
	return append(to, fmt.Sprint(r.Timestamp, r.Stream, string(r.Line), r.Metadata))
}
