package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// A frame carries one record in a segment. Big endian, CRC32C (Castagnoli):
//
//	+--------+--------+---------+--------+------+----------+-------------+
//	| header | body   | CRC of  | header | body | CRC of   | end marker  |
//	| length | length | the two |        |      | all this | 0D 0A 1A 57 |
//	|  4 B   |  4 B   |  4 B    |        |      |  4 B     |  4 B        |
//	+--------+--------+---------+--------+------+----------+-------------+
//
// The lengths have their own CRC: a flipped bit in a length must not look like
// a frame that goes on behind the end of the file, for that is what an
// unfinished append looks like, and unfinished appends are cut off. The end
// marker has no zero byte: where a file system extended the file but did not
// write all the data, the marker ends in zeros, and nothing else makes it so.
const (
	prefixSize  = 12
	trailerSize = 8
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	endMarker  = []byte{0x0d, 0x0a, 0x1a, 'W'}
)

// errTorn says that the file ends in the middle of a frame.
var errTorn = errors.New("record is incomplete")

// frameError is a frame that is there and wrong. next is the offset of the
// frame behind it, or 0 when its lengths cannot be trusted.
type frameError struct {
	what string
	next int64
}

func (e *frameError) Error() string { return e.what }

func appendFrame(dst []byte, r *Record) []byte {
	return appendRawFrame(dst, appendHeader(nil, r), r.Body)
}

// appendRawFrame frames a header and what is stored of its body.
func appendRawFrame(dst, header, body []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(header)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	dst = binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
	dst = append(append(dst, header...), body...)
	dst = binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
	return append(dst, endMarker...)
}

// frame is one frame as read. Its slices belong to the window.
type frame struct {
	whole, header, body []byte
	next                int64
}

// readFrame reads the frame at off. It returns io.EOF at the end of the file,
// errTorn for an unfinished append, and a *frameError for anything else.
func readFrame(w *window, off int64) (frame, error) {
	left := w.size - off
	if left == 0 {
		return frame{}, io.EOF
	}
	if left < prefixSize {
		return frame{}, errTorn
	}
	p, err := w.bytes(off, prefixSize)
	if err != nil {
		return frame{}, err
	}
	headerLen, bodyLen := int64(binary.BigEndian.Uint32(p)), int64(binary.BigEndian.Uint32(p[4:]))
	if crc32.Checksum(p[:8], castagnoli) != binary.BigEndian.Uint32(p[8:]) {
		if zero, err := w.zeroFrom(off + prefixSize - 1); zero || err != nil {
			return frame{}, either(err, errTorn)
		}
		return frame{}, &frameError{what: "record's lengths do not match their checksum"}
	}
	if headerLen > maxHeader || bodyLen > MaxBody {
		return frame{}, &frameError{what: "record's lengths are out of bounds"}
	}
	total := prefixSize + headerLen + bodyLen + trailerSize
	if total > left {
		return frame{}, errTorn
	}
	b, err := w.bytes(off, int(total))
	if err != nil {
		return frame{}, err
	}
	f := frame{whole: b, header: b[prefixSize : prefixSize+headerLen], body: b[prefixSize+headerLen : total-trailerSize], next: off + total}
	trailer := b[total-trailerSize:]
	if crc32.Checksum(b[:total-trailerSize], castagnoli) == binary.BigEndian.Uint32(trailer) && string(trailer[4:]) == string(endMarker) {
		return f, nil
	}
	if f.next == w.size && unwritten(trailer[4:]) {
		return frame{}, errTorn
	}
	return frame{}, &frameError{what: "record does not match its checksum", next: f.next}
}

// unwritten says whether an end marker is zero from some byte on.
func unwritten(marker []byte) bool {
	kept := bytes.TrimRight(marker, "\x00")
	return len(kept) < len(endMarker) && bytes.HasPrefix(endMarker, kept)
}

func either(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// window reads a file in large pieces, of which it keeps one.
type window struct {
	r    io.ReaderAt
	size int64 // the file's, when it was opened; it may grow behind our back
	buf  []byte
	at   int64
}

const windowSize = 128 << 10

// bytes returns n bytes at off, which lie within the file. They are valid
// until the next call.
func (w *window) bytes(off int64, n int) ([]byte, error) {
	if off < w.at || off+int64(n) > w.at+int64(len(w.buf)) {
		want := min(int64(max(n, windowSize)), w.size-off)
		if int64(cap(w.buf)) < want {
			w.buf = make([]byte, want)
		}
		w.buf, w.at = w.buf[:want], off
		if got, err := w.r.ReadAt(w.buf, off); got < n {
			w.buf = w.buf[:0]
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF // the file shrank
			}
			return nil, err
		} else {
			w.buf = w.buf[:got]
		}
	}
	return w.buf[off-w.at:][:n], nil
}

// zeroFrom says whether the rest of the file is zeros.
func (w *window) zeroFrom(off int64) (bool, error) {
	for off < w.size {
		b, err := w.bytes(off, int(min(windowSize, w.size-off)))
		if err != nil {
			return false, err
		}
		for _, c := range b {
			if c != 0 {
				return false, nil
			}
		}
		off += int64(len(b))
	}
	return true, nil
}
