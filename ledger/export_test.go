package ledger

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"

	"github.com/weir-telemetry/weir/internal/vfs"
)

func LedgerDigest(b []byte) [32]byte { return digest(b) }

// ReadFrames is the frame reader over bytes, for the fuzzer: it returns the
// frames' records and the offset and reason of the end.
func ReadFrames(b []byte) (records []Record, encoded []byte, end int64, err error) {
	return ReadFramesOf(b, encodingPlain)
}

// ReadFramesOf is ReadFrames for a segment of an encoding.
func ReadFramesOf(b []byte, encoding uint16) (records []Record, encoded []byte, end int64, err error) {
	w := &window{r: bytes.NewReader(b), size: int64(len(b))}
	for {
		f, err := readFrame(w, end)
		if err != nil {
			return records, encoded, end, err
		}
		r, err := decodeFrame(f, encoding)
		if err != nil {
			return records, encoded, end, err
		}
		records = append(records, r)
		encoded = appendFrame(encoded, &r)
		end = f.next
	}
}

// AppendFrame encodes a record as it lies in a segment.
func AppendFrame(dst []byte, r Record) []byte { return appendFrame(dst, &r) }

// Err values of ReadFrames.
var ErrTorn = errTorn

// HeaderOf is the record's header, the leaf.
func HeaderOf(r Record) []byte { return appendHeader(nil, &r) }

// Unpack returns a segment as if it were plain: the length of its header, the
// header and the frames, and the encoding that it had. What cannot be read has
// no frames.
func Unpack(b []byte) (header int, plain []byte, encoding uint16) {
	m := vfs.NewMem()
	f, _ := m.OpenFile("/s", os.O_RDWR|os.O_CREATE, 0o600)
	_, _ = f.Write(b)
	h, _, err := decodeSegmentHeader(b)
	if err != nil {
		return 0, nil, 0
	}
	s := &segmentReader{file: f}
	if s.readHeader(h.first) != nil {
		return 0, nil, 0
	}
	n := int(s.header.size())
	plain = make([]byte, s.win.size)
	copy(plain, b[:n])
	if _, err := io.ReadFull(io.NewSectionReader(s.win.r, int64(n), s.win.size-int64(n)), plain[n:]); err != nil {
		return 0, nil, 0
	}
	return n, plain, h.encoding
}

// Repack is the inverse, with all checksums as they should be.
func Repack(header int, plain []byte, encoding uint16) []byte {
	if encoding == encodingPlain {
		return plain
	}
	var out bytes.Buffer
	out.Write(plain[:header])
	w := &blockWriter{w: &out}
	r := &window{r: bytes.NewReader(plain), size: int64(len(plain))}
	for off := int64(header); ; {
		f, err := readFrame(r, off)
		if err != nil {
			break
		}
		if h, err := decodeHeader(f.header); err == nil && h.Time.After(w.newest) {
			w.newest = h.Time
		}
		w.records++
		off = f.next
	}
	_ = w.add(plain[header:])
	_ = w.close()
	return out.Bytes()
}

// HeaderLength is that of the segment's header.
func HeaderLength(b []byte) int {
	if binary.BigEndian.Uint16(b[8:]) == 1 {
		return segmentFixedSize
	}
	return segmentFixedSize + int(binary.BigEndian.Uint32(b[12:])) + 4
}

// FixHeader mends the checksums of a segment's header and returns its length.
func FixHeader(b []byte) int {
	n := HeaderLength(b)
	binary.BigEndian.PutUint32(b[44:], crc32.Checksum(b[:44], castagnoli))
	binary.BigEndian.PutUint32(b[n-4:], crc32.Checksum(b[48:n-4], castagnoli))
	return n
}

// AppendAnything appends what Append refuses.
func AppendAnything(l *Ledger, r Record) (Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.append(r)
}
