package logstore

import (
	"encoding/binary"

	"github.com/prometheus/prometheus/model/labels"
)

// A payload is a sequence of two kinds of item:
//
//	+------+--------+            +------+-------+------------------
//	| 0x01 | labels |            | 0x02 | delta | entry
//	+------+--------+            +------+-------+------------------
//	opens a stream               one entry of the open stream
//
//	entry:  uvarint length, line, uvarint count, count × (name, value)
//	delta:  varint, nanoseconds since the stream's entry before in this frame
//
// Strings are a uvarint length and bytes.
const (
	itemStream = 0x01
	itemEntry  = 0x02

	// frameTarget is where a writer starts another frame. Small frames lose
	// little to a flipped bit.
	frameTarget = 256 << 10
)

// headEntry is an entry in memory. rec is its encoding in a frame, which the
// head keeps instead of copying it.
type headEntry struct {
	ts  int64
	rec []byte
}

// split takes rec apart. The metadata is still encoded.
func (e headEntry) split() (line, meta []byte) {
	n, w := binary.Uvarint(e.rec)
	return e.rec[w : w+int(n)], e.rec[w+int(n):]
}

// batch is some entries of one stream, inside one frame.
type batch struct {
	stream  *stream
	entries []headEntry
}

// frameWriter turns accepted entries into frames.
type frameWriter struct {
	frames  [][]byte
	batches []batch
	left    int // upper bound of the bytes to come
	lastTS  int64
}

// entrySize bounds what add writes for an entry.
func entrySize(e *Entry) int {
	return len(e.Line) + labelsSize(e.Metadata) + 1 + 2*binary.MaxVarintLen64
}

// add appends one entry. A buffer is never grown once an entry points into it:
// either the entry fits or a new frame begins.
func (w *frameWriter) add(st *stream, e *Entry) {
	size := entrySize(e)
	open := len(w.frames) - 1
	need := size
	fresh := open < 0 || len(w.frames[open]) >= frameTarget || cap(w.frames[open])-len(w.frames[open]) < size
	newStream := fresh || w.batches[len(w.batches)-1].stream != st
	if newStream {
		need += 1 + labelsSize(st.labels)
		fresh = fresh || cap(w.frames[open])-len(w.frames[open]) < need
	}
	if fresh {
		w.frames = append(w.frames, make([]byte, frameHeaderSize, frameHeaderSize+max(need, min(frameTarget, w.left))))
		open++
	}
	b := w.frames[open]
	if newStream {
		b = append(b, itemStream)
		b = appendLabels(b, st.labels)
		w.batches = append(w.batches, batch{stream: st})
		w.lastTS = 0
	}
	b = append(b, itemEntry)
	b = binary.AppendVarint(b, e.Timestamp-w.lastTS)
	w.lastTS = e.Timestamp
	start := len(b)
	b = appendString(b, e.Line)
	b = appendLabels(b, e.Metadata)
	w.frames[open] = b
	last := &w.batches[len(w.batches)-1]
	last.entries = append(last.entries, headEntry{e.Timestamp, b[start:len(b):len(b)]})
	w.left -= size
}

// readPayload is the inverse: it calls open for every stream and add for
// every entry. Entries point into payload.
func readPayload(payload []byte, open func(labels.Labels), add func(headEntry)) error {
	d := decoder{b: payload}
	sb := labels.NewScratchBuilder(8)
	var last int64
	opened := false
	for len(d.b) > 0 && d.err == nil {
		switch d.byte() {
		case itemStream:
			ls := d.labels(&sb)
			if d.err == nil {
				open(ls)
			}
			opened, last = true, 0
		case itemEntry:
			last += d.varint()
			rec := d.b
			d.bytes()
			for n := 2 * d.count(); n > 0 && d.err == nil; n-- {
				d.bytes()
			}
			if !opened {
				d.fail()
			}
			if d.err == nil {
				rec = rec[:len(rec)-len(d.b)]
				add(headEntry{last, rec[:len(rec):len(rec)]})
			}
		default:
			d.fail()
		}
	}
	return d.err
}
