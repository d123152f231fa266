package logstore

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
)

// Whatever a segment holds, reading it ends, and what comes out of readable
// frames can be taken apart.
func FuzzSegment(f *testing.F) {
	const salt = 42
	w := frameWriter{left: 1 << 12}
	st := &stream{labels: labels.FromStrings("app", "a")}
	for _, s := range batchOf(1) {
		for i := range s.Entries {
			w.add(st, &s.Entries[i])
		}
	}
	whole := bytes.Join(w.frames, nil)
	sealFrame(whole, salt, 0)
	whole = append(whole, w.frames[0]...)
	sealFrame(whole[len(w.frames[0]):], salt, int64(len(w.frames[0])))
	f.Add(whole, false)
	f.Add(whole, true) // the fuzzer can change it and keep its checksums right
	f.Add(whole[:len(whole)-3], false)
	f.Add([]byte("WLF\x01WLF\x01"), false)
	f.Fuzz(func(t *testing.T, data []byte, reseal bool) {
		if reseal && len(data) >= frameHeaderSize {
			data = bytes.Clone(data)
			sealFrame(data, salt, 0)
		}
		end := int64(0)
		_, err := scanFrames(data, salt, func(off int64, payload []byte) error {
			if off < end {
				t.Fatal("frames overlap")
			}
			end = off + frameHeaderSize + int64(len(payload))
			return readPayload(payload, func(labels.Labels) {}, func(e headEntry) {
				line, meta := e.split()
				if len(line)+len(meta) > len(e.rec) {
					t.Fatal("an entry is larger than its bytes")
				}
				d := decoder{b: meta}
				for n := 2 * d.count(); n > 0; n-- {
					d.bytes()
				}
				if d.err != nil || len(d.b) > 0 {
					t.Fatal("accepted metadata that does not decode")
				}
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Whatever a block holds, even under right checksums, decoding ends with an
// error or with rows that can all be read.
func FuzzBlock(f *testing.F) {
	var w frameWriter
	w.left = 1 << 12
	st := &stream{labels: labels.FromStrings("app", "a")}
	for _, s := range batchOf(1) {
		for i := range s.Entries {
			w.add(st, &s.Entries[i])
		}
	}
	var h head
	for _, b := range w.batches {
		h.add(b.entries)
	}
	var be blockEncoder
	be.encode(nil, nil, 1, 0, appendLabels(nil, st.labels), h.inOrder())
	f.Add(uint32(3), h.minT, be.times, be.lines, be.meta)
	f.Add(uint32(1), int64(0), []byte{3, 0, 1, 1}, []byte("x"), []byte{1, 1, 'k', 2, 2, 'v'})
	f.Add(uint32(1), int64(0), []byte{3, 0, 1, 1}, []byte("x"), []byte{1, 1, 'k', 3, 2, 1, 0xab, 0xcd})
	f.Fuzz(func(t *testing.T, count uint32, minT int64, times, lines, meta []byte) {
		b := make([]byte, blockHeaderSize)
		hd := blockHeader{count: count % 1000, minT: minT, maxT: minT, labelsCRC: crc(nil)}
		section := func(raw []byte, size, rawSize, sum *uint32) {
			at := len(b)
			if len(raw) > 0 {
				b = zstdEncoder.EncodeAll(raw, b)
			}
			*size, *rawSize, *sum = uint32(len(b)-at), uint32(len(raw)), crc(b[at:])
		}
		section(times, &hd.times, &hd.timesRaw, &hd.timesCRC)
		section(lines, &hd.lines, &hd.linesRaw, &hd.linesCRC)
		section(meta, &hd.meta, &hd.metaRaw, &hd.mCRC)
		// The last instant is checked too; take it from the input.
		bd := new(blockData)
		if bd.decodeTimes(&hd, times) != nil && len(bd.times) > 0 {
			hd.maxT = bd.times[len(bd.times)-1]
		}
		hd.append(b[:0], 1, 0)
		if checkBlock(b, 1, 0) != nil {
			return
		}
		if err := bd.decodePrefix(&hd, b, nil); err != nil {
			t.Fatal("decodes once and not twice")
		}
		if err := bd.decodeMeta(&hd, b[hd.prefix():]); err != nil {
			t.Fatal("decodes once and not twice")
		}
		var ls labels.Labels
		total := 0
		for row := range int(hd.count) {
			total += len(bd.line(row))
			bd.metadata(row, &ls)
		}
		if total != len(lines) {
			t.Fatal("lines lost")
		}
	})
}

// Whatever an index holds, parsing ends and the places lie within the file.
func FuzzIndex(f *testing.F) {
	st := &stream{labels: labels.FromStrings("app", "a")}
	f.Add(appendIndex(nil, []*block{{stream: st, size: 100, prefix: 80, count: 1}}, []replaced{{1, 2}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		blocks, _, err := parseIndex(data, 1000)
		for _, b := range blocks {
			if err == nil && (b.offset < 0 || b.offset+int64(b.size) > 1000 || b.prefix > b.size) {
				t.Fatal("a block outside the file")
			}
		}
	})
}

// Whatever a section of lines by shape holds, decoding ends, with an error or
// with the lines that it was said to have.
func FuzzShapedSection(f *testing.F) {
	part := func(b, raw []byte) []byte { return appendRawPart(b, raw) }
	lines := []string{"a 1 z", "a 2 z", "-"}
	head := []byte{1, 1, 2, 'a', ' ', 2, ' ', 'z', columnNumber, 0, 1, 1}
	f.Add(part(part(part(part(part(nil, head), []byte{1, 1, 0}), []byte{1, 2}), []byte{1}), []byte("-")), uint16(3), uint32(11))
	head = []byte{1, 1, 1, 'a', 0, columnDictionary, 1, 1, 'x', 1, 0}
	f.Add(part(part(part(part(nil, head), []byte{1, 1}), []byte{0, 1}), nil), uint16(2), uint32(4)) // a string that there is not
	text, sizes := joined(lines)
	f.Add(new(shaper).appendShaped(nil, text, sizes), uint16(3), uint32(11))
	var many []string
	for n := range 40 {
		many = append(many, fmt.Sprintf("%d %x %s", n*n, sha256.Sum256([]byte{byte(n)}), bytes.Repeat([]byte{'A' + byte(n%3)}, n)))
	}
	text, sizes = joined(many)
	f.Add(new(shaper).appendShaped(nil, text, sizes), uint16(len(sizes)), uint32(len(text)))
	f.Fuzz(func(t *testing.T, section []byte, rows uint16, size uint32) {
		size %= 1 << 16
		if len(section) > 0 {
			needle := section[:1+len(section)%9%len(section)]
			out, ends, err := new(unshaper).decode(section, nil, nil, int(rows), int(size), needlesOf([][]byte{needle}))
			if err == nil && (len(ends) != int(rows) || !slices.IsSorted(ends) || rows > 0 && int(ends[rows-1]) != len(out)) {
				t.Fatalf("%d bytes in %d rows of %d", len(out), len(ends), rows)
			}
		}
		out, ends, err := new(unshaper).decode(section, nil, nil, int(rows), int(size), nil)
		if err != nil {
			return
		}
		if len(out) != int(size) || len(ends) != int(rows) || !slices.IsSorted(ends) || rows > 0 && ends[rows-1] != size {
			t.Fatalf("%d bytes in %d rows instead of %d in %d", len(out), len(ends), size, rows)
		}
	})
}

// Whatever lines are, they come back from their shapes, and those that hold a
// text come back when it is asked for.
func FuzzShapes(f *testing.F) {
	f.Add([]byte("a=1 b=x\na=2 b=y\na=03 b=\n\n-\n"), uint8(9))
	f.Add([]byte(`{"id":"00ff","n":12,"text":"grüße"}`), uint8(200))
	f.Add([]byte("a=red go\na=blue stop\na=red stop"), uint8(218)) // asks for "=red go"
	f.Fuzz(func(t *testing.T, data []byte, times uint8) {
		var lines []string
		for n := range int(times)/16 + 1 {
			for i, l := range strings.Split(string(data), "\n") {
				if i%16 == 3 {
					l += fmt.Sprint(n)
				}
				lines = append(lines, l)
			}
		}
		section := mustComeBack(t, new(shaper), new(unshaper), lines)
		if len(data) == 0 {
			return
		}
		from := int(times) % len(data)
		needle := data[from:min(len(data), from+1+int(times)/32)]
		text, _ := joined(lines)
		out, ends, err := new(unshaper).decode(section, nil, nil, len(lines), len(text), needlesOf([][]byte{needle}))
		if err != nil {
			t.Fatal(err)
		}
		at := uint32(0)
		for i, line := range lines {
			got := string(out[at:ends[i]])
			if at = ends[i]; got != line && (got != "" || strings.Contains(line, string(needle))) {
				t.Fatalf("of %q, asked for %q, there is %q", line, needle, got)
			}
		}
	})
}
