package logstore

import (
	"encoding/binary"

	"github.com/klauspost/compress/zstd"
)

// A block holds entries of one stream, sorted by time, equal entries once.
// Each stands for itself: the index of its file can be rebuilt from the
// headers. All integers are little endian.
//
//	 0  magic      4   the last byte is 1, or 2 if the lines are by shape
//	 4  count      4   entries
//	 8  min time   8   nanoseconds
//	16  max time   8
//	24  sizes      4×4 labels, times, lines, metadata: bytes in the file
//	40  raw sizes  3×4 times, lines, metadata: bytes when decoded
//	52  CRCs       4×4 labels, times, lines, metadata: of the bytes in the file
//	68  CRC        4   of the salt in the file's name, the offset, and the above
//	72  labels, times, lines, metadata
//
// Metadata is a zstd frame, and so are times and lines in version 1; shapes.go
// has version 2. Lines come before metadata so that one read brings what most
// queries need.
const (
	blockMagic      = "WLB" // and the version
	plainBlock      = 1
	shapedBlock     = 2
	blockHeaderSize = 72
	// maxSection bounds what a reader allocates for one section: the largest
	// line or metadata that Options allow, with room for a full block before.
	maxSection = 64 << 20
	// maxBlockEntries bounds a block of very short lines.
	maxBlockEntries = 1 << 16
)

type blockHeader struct {
	shaped                              bool
	count                               uint32
	minT, maxT                          int64
	labels, times, lines, meta          uint32
	timesRaw, linesRaw, metaRaw         uint32
	labelsCRC, timesCRC, linesCRC, mCRC uint32
}

func (h *blockHeader) fields() [11]*uint32 {
	return [11]*uint32{&h.labels, &h.times, &h.lines, &h.meta, &h.timesRaw, &h.linesRaw, &h.metaRaw,
		&h.labelsCRC, &h.timesCRC, &h.linesCRC, &h.mCRC}
}

func (h *blockHeader) append(b []byte, salt uint64, offset int64) []byte {
	start := len(b)
	version := byte(plainBlock)
	if h.shaped {
		version = shapedBlock
	}
	b = append(append(b, blockMagic...), version)
	b = binary.LittleEndian.AppendUint32(b, h.count)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.minT))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.maxT))
	for _, f := range h.fields() {
		b = binary.LittleEndian.AppendUint32(b, *f)
	}
	return binary.LittleEndian.AppendUint32(b, saltedCRC(salt, offset, b[start:]))
}

func parseBlockHeader(b []byte, salt uint64, offset int64) (h blockHeader, ok bool) {
	if len(b) < blockHeaderSize || string(b[:3]) != blockMagic || b[3] != plainBlock && b[3] != shapedBlock ||
		binary.LittleEndian.Uint32(b[68:]) != saltedCRC(salt, offset, b[:68]) {
		return h, false
	}
	h.shaped = b[3] == shapedBlock
	h.count = binary.LittleEndian.Uint32(b[4:])
	h.minT = int64(binary.LittleEndian.Uint64(b[8:]))
	h.maxT = int64(binary.LittleEndian.Uint64(b[16:]))
	for i, f := range h.fields() {
		*f = binary.LittleEndian.Uint32(b[24+4*i:])
	}
	for _, n := range []uint32{h.labels, h.times, h.lines, h.meta, h.timesRaw, h.linesRaw, h.metaRaw} {
		if n > maxSection {
			return h, false
		}
	}
	return h, h.count > 0 && h.count <= maxBlockEntries
}

// prefix is the size up to and with the lines.
func (h *blockHeader) prefix() int64 {
	return blockHeaderSize + int64(h.labels) + int64(h.times) + int64(h.lines)
}

func (h *blockHeader) size() int64 { return h.prefix() + int64(h.meta) }

// Both are safe for concurrent use by EncodeAll and DecodeAll and hold their
// working memory for the life of the process.
var (
	// Entropy is taken out where nothing repeats, too: most columns of words are
	// like that.
	zstdEncoder = must(zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithAllLitEntropyCompression(true)))
	zstdDecoder = must(zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxSection)))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // constant options; the first test of the package would show it
	}
	return v
}

// unzip decodes a section into buf's memory.
func unzip(buf, section []byte, raw uint32) ([]byte, error) {
	if raw == 0 && len(section) == 0 {
		return buf[:0], nil
	}
	if cap(buf) < int(raw) {
		buf = make([]byte, 0, raw)
	}
	out, err := zstdDecoder.DecodeAll(section, buf[:0])
	if err != nil || len(out) != int(raw) {
		return buf[:0], errCorrupt
	}
	return out, nil
}
