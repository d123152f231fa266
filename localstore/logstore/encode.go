package logstore

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"unsafe"

	"github.com/prometheus/prometheus/model/labels"
)

// errCorrupt stands for every way in which stored bytes can be wrong. It says
// nothing about them: stored data must not reach a message.
var errCorrupt = errors.New("corrupt data")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func crc(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// saltedCRC ties a checksum to its place: the file's random salt and the
// offset. Stored lines are chosen by strangers; without the salt a line could
// hold bytes that pass for a frame when a reader looks for the next good one.
func saltedCRC(salt uint64, offset int64, b []byte) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint64(place[:], salt)
	binary.LittleEndian.PutUint64(place[8:], uint64(offset))
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, b)
}

// str views bytes that nobody changes while the string is in use.
func str(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// decoder reads varints and byte strings and remembers the first fault, so
// that callers check once.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail() {
	d.b, d.err = nil, errCorrupt
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

// take returns the next n bytes, not copied.
func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) bytes() []byte { return d.take(d.uvarint()) }

// count reads a number of items that take at least one byte each, so that a
// wrong number cannot ask for more memory than the input has bytes.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

func appendString[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// appendLabels writes a count and then names and values.
func appendLabels(b []byte, ls labels.Labels) []byte {
	b = binary.AppendUvarint(b, uint64(ls.Len()))
	ls.Range(func(l labels.Label) {
		b = appendString(b, l.Name)
		b = appendString(b, l.Value)
	})
	return b
}

// labels is the inverse of appendLabels; the strings are copied.
func (d *decoder) labels(sb *labels.ScratchBuilder) labels.Labels {
	sb.Reset()
	for n := d.count(); n > 0 && d.err == nil; n-- {
		name := d.bytes()
		sb.Add(str(name), str(d.bytes()))
	}
	if d.err != nil {
		return labels.EmptyLabels()
	}
	sb.Sort()
	return sb.Labels().Copy()
}

// labelsSize bounds what appendLabels writes.
func labelsSize(ls labels.Labels) int {
	n := 5
	ls.Range(func(l labels.Label) { n += len(l.Name) + len(l.Value) + 10 })
	return n
}
