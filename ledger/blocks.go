package ledger

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// A packed segment holds its frames in blocks, each compressed on its own
// (zstd, RFC 8878), behind the header. Big endian:
//
//	+--------+--------+---------+------+----------+     +---------+---------+---------+--------+------+-------------+
//	| packed | plain  | CRC of  | zstd | CRC of   | ... | plain   | records | newest  | zero   | CRC  | end marker  |
//	| length | length | the two |      | the zstd |     | length  |         | unix ns |        |      | 0D 0A 1A 50 |
//	|  4 B   |  4 B   |  4 B    |      |   4 B    |     |  8 B    |   8 B   |   8 B   |  4 B   | 4 B  |    4 B      |
//	+--------+--------+---------+------+----------+     +---------+---------+---------+--------+------+-------------+
//	'------------------- block -------------------'     '------------------------- trailer -------------------------'
//
// Blocks are cut at a fixed plain length and not between frames. The trailer
// says what they come to, so a segment that was cut short says so itself.
const (
	blockSize       = 1 << 20
	blockPrefixSize = 12
	trailerLength   = 36
	// maxPacked bounds what is read of a block: zstd adds little to what
	// does not compress.
	maxPacked = blockSize + blockSize/8 + 64
)

var packedMarker = []byte{0x0d, 0x0a, 0x1a, 'P'}

// The coders are large and are used now and then. Nobody keeps an encoder.
var (
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(blockSize))
		if err != nil {
			panic(err) // the options are constants
		}
		return d
	})
	encoders = sync.Pool{New: func() any {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithWindowSize(blockSize),
			zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	}}
)

// trailer is what the blocks of a segment come to.
type trailer struct {
	plain   int64
	records int64
	newest  time.Time // of its records
}

func (t trailer) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(t.plain))
	b = binary.BigEndian.AppendUint64(b, uint64(t.records))
	b = binary.BigEndian.AppendUint64(b, uint64(t.newest.UnixNano()))
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return append(b, packedMarker...)
}

// blocks reads a packed segment as the plain one that it was.
type blocks struct {
	trailer
	f    io.ReaderAt
	list []block
	size int64 // of the plain segment, its header included

	current int // index in list of what is in buf, or -1
	buf     []byte
	packed  []byte
}

type block struct {
	at           int64 // in the plain segment
	plain        int64
	from, packed int64 // in the file
}

// openBlocks reads the trailer and the blocks' lengths. What is wrong with
// them is a *frameError.
func openBlocks(f vfs.File, header, size int64) (*blocks, error) {
	b := &blocks{f: f, current: -1}
	end := size - trailerLength
	if end < header {
		return nil, &frameError{what: "packed segment has no end"}
	}
	t := make([]byte, trailerLength)
	if _, err := f.ReadAt(t, end); err != nil && err != io.EOF {
		return nil, err
	}
	if crc32.Checksum(t[:28], castagnoli) != binary.BigEndian.Uint32(t[28:]) || string(t[32:36]) != string(packedMarker) {
		return nil, &frameError{what: "packed segment has no end"}
	}
	b.plain, b.records = int64(binary.BigEndian.Uint64(t)), int64(binary.BigEndian.Uint64(t[8:]))
	b.newest = time.Unix(0, int64(binary.BigEndian.Uint64(t[16:]))).UTC()
	b.size = header
	for at := header; at < end; {
		var p [blockPrefixSize]byte
		if end-at < blockPrefixSize+4 {
			return nil, &frameError{what: "packed segment's last block is incomplete"}
		}
		if _, err := f.ReadAt(p[:], at); err != nil {
			return nil, err
		}
		if crc32.Checksum(p[:8], castagnoli) != binary.BigEndian.Uint32(p[8:]) {
			return nil, &frameError{what: "block's lengths do not match their checksum"}
		}
		packed, plain := int64(binary.BigEndian.Uint32(p[:])), int64(binary.BigEndian.Uint32(p[4:]))
		next := at + blockPrefixSize + packed + 4
		if packed > maxPacked || plain < 1 || plain > blockSize || next > end {
			return nil, &frameError{what: "block's lengths are out of bounds"}
		}
		b.list = append(b.list, block{at: b.size, plain: plain, from: at + blockPrefixSize, packed: packed})
		b.size += plain
		at = next
	}
	if b.size-header != b.plain {
		return nil, &frameError{what: "packed segment's blocks are not what its end says"}
	}
	return b, nil
}

// ReadAt implements io.ReaderAt over the plain segment. A block that does not
// hold what it should is a *frameError.
func (b *blocks) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		i, found := slices.BinarySearchFunc(b.list, off, func(x block, off int64) int {
			switch {
			case x.at+x.plain <= off:
				return -1
			case x.at > off:
				return 1
			}
			return 0
		})
		if !found {
			return n, io.EOF // the header is not here: it has been read
		}
		if err := b.load(i); err != nil {
			return n, err
		}
		c := copy(p[n:], b.buf[off-b.list[i].at:])
		n, off = n+c, off+int64(c)
	}
	return n, nil
}

func (b *blocks) load(i int) error {
	if b.current == i {
		return nil
	}
	b.current = -1
	x := b.list[i]
	b.packed = slices.Grow(b.packed[:0], int(x.packed)+4)[:x.packed+4]
	if n, err := b.f.ReadAt(b.packed, x.from); n < len(b.packed) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF // the file shrank
		}
		return err
	}
	z := b.packed[:x.packed]
	if crc32.Checksum(z, castagnoli) != binary.BigEndian.Uint32(b.packed[x.packed:]) {
		return &frameError{what: "block does not match its checksum"}
	}
	var err error
	if b.buf, err = decoder().DecodeAll(z, b.buf[:0]); err != nil || int64(len(b.buf)) != x.plain {
		return &frameError{what: "block cannot be decompressed to what it was"}
	}
	b.current = i
	return nil
}

// blockWriter writes blocks and the trailer behind a header.
type blockWriter struct {
	w io.Writer
	trailer
	buf []byte // plain, not yet in a block
	out []byte
	sum uint32 // of all that is plain
}

func (w *blockWriter) add(frame []byte) error {
	w.plain += int64(len(frame))
	w.sum = crc32.Update(w.sum, castagnoli, frame)
	for len(frame) > 0 {
		n := min(len(frame), blockSize-len(w.buf))
		w.buf, frame = append(w.buf, frame[:n]...), frame[n:]
		if len(w.buf) == blockSize {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *blockWriter) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	enc := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(enc)
	w.out = enc.EncodeAll(w.buf, append(w.out[:0], make([]byte, blockPrefixSize)...))
	z := w.out[blockPrefixSize:]
	binary.BigEndian.PutUint32(w.out, uint32(len(z)))
	binary.BigEndian.PutUint32(w.out[4:], uint32(len(w.buf)))
	binary.BigEndian.PutUint32(w.out[8:], crc32.Checksum(w.out[:8], castagnoli))
	w.out = binary.BigEndian.AppendUint32(w.out, crc32.Checksum(z, castagnoli))
	w.buf = w.buf[:0]
	_, err := w.w.Write(w.out)
	return err
}

func (w *blockWriter) close() error {
	if err := w.flush(); err != nil {
		return err
	}
	_, err := w.w.Write(w.trailer.encode())
	return err
}
