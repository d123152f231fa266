package logstore

import (
	"bytes"
	"encoding/binary"
)

// A frame is the unit of loss in the write-ahead log. All integers are little
// endian.
//
//	+----------+---------+-------------+------------+---------
//	| magic    | length  | payload CRC | header CRC | payload
//	| 4 bytes  | 4       | 4           | 4          | length
//	+----------+---------+-------------+------------+---------
//
// The last byte of the magic is the version. The header CRC covers the salt
// from the segment's name, the frame's offset, and the twelve bytes before it.
// Frames carry all they need (the labels of their streams too), so the loss of
// one never makes another unreadable.
const (
	frameMagic      = "WLF\x01"
	frameHeaderSize = 16
	// maxFramePayload is far above what a writer makes: one entry of the
	// largest size that Options allow, with its labels.
	maxFramePayload = 64 << 20
)

// sealFrame fills the header of a frame whose payload starts at
// frameHeaderSize.
func sealFrame(frame []byte, salt uint64, offset int64) {
	copy(frame, frameMagic)
	binary.LittleEndian.PutUint32(frame[4:], uint32(len(frame)-frameHeaderSize))
	binary.LittleEndian.PutUint32(frame[8:], crc(frame[frameHeaderSize:]))
	binary.LittleEndian.PutUint32(frame[12:], saltedCRC(salt, offset, frame[:12]))
}

// frameSize returns the size of the frame that begins b, or false if its header
// does not prove itself. The frame may be larger than b.
func frameSize(b []byte, salt uint64, offset int64) (int64, bool) {
	if len(b) < frameHeaderSize || string(b[:4]) != frameMagic {
		return 0, false
	}
	if binary.LittleEndian.Uint32(b[12:]) != saltedCRC(salt, offset, b[:12]) {
		return 0, false
	}
	n := int64(binary.LittleEndian.Uint32(b[4:]))
	return frameHeaderSize + n, n <= maxFramePayload
}

// frameAt returns the payload of the frame at offset, or false.
func frameAt(segment []byte, salt uint64, offset int64) ([]byte, bool) {
	b := segment[offset:]
	n, ok := frameSize(b, salt, offset)
	if !ok || n > int64(len(b)) {
		return nil, false
	}
	payload := b[frameHeaderSize:n:n]
	return payload, crc(payload) == binary.LittleEndian.Uint32(b[8:])
}

// unfinished tells a write that never came to its end, which nobody was told
// had succeeded, from damage to one that did. The first leaves the beginning of
// a frame; or, after a power cut, a file that is long enough and has holes where
// sectors were not written, which read as zeros.
func unfinished(end []byte, salt uint64, offset int64) bool {
	if n, ok := frameSize(end, salt, offset); ok && n > int64(len(end)) {
		return true
	}
	if len(end) < frameHeaderSize && string(end[:min(len(end), 4)]) == frameMagic[:min(len(end), 4)] {
		return true
	}
	const sector = 512
	for len(end) > 0 {
		n := min(len(end), sector-int(offset%sector))
		if len(bytes.Trim(end[:n], "\x00")) == 0 && (n == sector || n == len(end)) {
			return true
		}
		end, offset = end[n:], offset+int64(n)
	}
	return false
}

// damage is what a reader of a segment had to leave out.
type damage struct {
	lost int // unreadable stretches that were once whole
	torn int // 1 if it ends in a write that never finished
}

// scanFrames calls visit for every readable frame. After an unreadable one it
// looks for the next header that proves itself, so that a flipped bit in a
// length costs one frame and not the rest.
func scanFrames(segment []byte, salt uint64, visit func(offset int64, payload []byte) error) (damage, error) {
	var d damage
	bad := int64(-1) // where the unreadable stretch begins
	for off := int64(0); off < int64(len(segment)); {
		payload, ok := frameAt(segment, salt, off)
		if ok {
			if bad >= 0 {
				d.lost++
				bad = -1
			}
			if err := visit(off, payload); err == errCorrupt {
				d.lost++ // a checksum that agrees by accident
			} else if err != nil {
				return d, err
			}
			off += frameHeaderSize + int64(len(payload))
			continue
		}
		if bad < 0 {
			bad = off
		}
		next := bytes.Index(segment[off+1:], []byte(frameMagic))
		if next < 0 {
			break
		}
		off += 1 + int64(next)
	}
	switch {
	case bad < 0:
	case unfinished(segment[bad:], salt, bad):
		d.torn = 1
	default:
		d.lost++
	}
	return d, nil
}
