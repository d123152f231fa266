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

// frameAt returns the payload of the frame at offset, or false.
func frameAt(segment []byte, salt uint64, offset int64) ([]byte, bool) {
	b := segment[offset:]
	if len(b) < frameHeaderSize || string(b[:4]) != frameMagic {
		return nil, false
	}
	if binary.LittleEndian.Uint32(b[12:]) != saltedCRC(salt, offset, b[:12]) {
		return nil, false
	}
	n := int64(binary.LittleEndian.Uint32(b[4:]))
	if n > maxFramePayload || n > int64(len(b)-frameHeaderSize) {
		return nil, false
	}
	payload := b[frameHeaderSize : frameHeaderSize+n : frameHeaderSize+n]
	return payload, crc(payload) == binary.LittleEndian.Uint32(b[8:])
}

// damage is what a reader of a segment had to leave out.
type damage struct {
	lost int // unreadable stretches with readable frames after them
	torn int // 1 if the end is unreadable: a write that never finished, or a loss there
}

// scanFrames calls visit for every readable frame. After an unreadable one it
// looks for the next header that proves itself, so that a flipped bit in a
// length costs one frame and not the rest.
func scanFrames(segment []byte, salt uint64, visit func(offset int64, payload []byte) error) (damage, error) {
	var d damage
	var bad bool
	for off := int64(0); off < int64(len(segment)); {
		payload, ok := frameAt(segment, salt, off)
		if ok {
			if bad {
				d.lost++
				bad = false
			}
			if err := visit(off, payload); err == errCorrupt {
				d.lost++ // a checksum that agrees by accident
			} else if err != nil {
				return d, err
			}
			off += frameHeaderSize + int64(len(payload))
			continue
		}
		bad = true
		next := bytes.Index(segment[off+1:], []byte(frameMagic))
		if next < 0 {
			break
		}
		off += 1 + int64(next)
	}
	if bad {
		d.torn = 1
	}
	return d, nil
}
