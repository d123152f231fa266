package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// A segment is a file of frames behind this header. Big endian:
//
//	+----------+---------+----------+--------+-------+----------+---------+------+----------+-------+----------+
//	| magic    | version | encoding | length | first | sequence | oldest  | zero | CRC of   | state | CRC of   |
//	| WEIRLEDG |    2    |          | of the | index | before   | pending |      | all this |       | the state|
//	|          |         |          | state  |       |          |         |      |          |       |          |
//	|   8 B    |   2 B   |   2 B    |  4 B   |  8 B  |   8 B    |   8 B   | 4 B  |   4 B    | len B |   4 B    |
//	+----------+---------+----------+--------+-------+----------+---------+------+----------+-------+----------+
//
// "sequence before" is that of the last report in earlier segments, 0 for
// none; "oldest pending" is the index of the oldest report that had no outcome
// when the segment was begun, or the first index. With them and the state a
// reader may begin at any segment, also when the ones before it are gone.
// Version 1 ends before the state, and its length is zero.
//
// Rules for change: an encoding other than those below is added with a new
// number; the record headers within stay the same bytes, so that leaves and
// proofs do. Anything else needs a new version, and readers keep reading all
// older ones. The header is written whole and synced before the segment has
// its name. Another encoding replaces the whole file, and changes nothing else
// in the header.
const (
	segmentMagic     = "WEIRLEDG"
	segmentVersion   = 2
	segmentFixedSize = 48
	segmentSuffix    = ".seg"
)

// The encodings.
const (
	encodingPlain  = 0 // frames; the segment may still grow
	encodingPacked = 1 // the same bytes in compressed blocks
	encodingPruned = 2 // compressed; the frames of reports have no body
)

type segmentHeader struct {
	version        uint16
	encoding       uint16
	first          int64
	sequenceBefore uint64
	oldestPending  int64
	state          []byte // see queue.encodeState
}

// size is that of the encoded header, and the offset of the first frame.
func (h *segmentHeader) size() int64 {
	if h.version == 1 {
		return segmentFixedSize
	}
	return segmentFixedSize + int64(len(h.state)) + 4
}

func (h *segmentHeader) encode() []byte {
	b := append(make([]byte, 0, h.size()), segmentMagic...)
	b = binary.BigEndian.AppendUint16(b, h.version)
	b = binary.BigEndian.AppendUint16(b, h.encoding)
	b = binary.BigEndian.AppendUint32(b, uint32(len(h.state)))
	b = binary.BigEndian.AppendUint64(b, uint64(h.first))
	b = binary.BigEndian.AppendUint64(b, h.sequenceBefore)
	b = binary.BigEndian.AppendUint64(b, uint64(h.oldestPending))
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if h.version == 1 {
		return b
	}
	b = append(b, h.state...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(h.state, castagnoli))
}

// queue is the state that a reader begins the segment with. The reports that
// wait are not in it.
func (h *segmentHeader) queue() (queue, error) {
	q, err := decodeState(h.state)
	q.last = h.sequenceBefore
	return q, err
}

// decodeSegmentHeader reads all of the header but the state, whose length it
// returns.
func decodeSegmentHeader(b []byte) (h segmentHeader, state int64, err error) {
	if len(b) < segmentFixedSize {
		return h, 0, errors.New("segment is shorter than its header")
	}
	b = b[:segmentFixedSize]
	if string(b[:8]) != segmentMagic {
		return h, 0, errors.New("file is not a ledger segment")
	}
	if crc32.Checksum(b[:44], castagnoli) != binary.BigEndian.Uint32(b[44:]) {
		return h, 0, errors.New("segment header does not match its checksum")
	}
	h.version, h.encoding = binary.BigEndian.Uint16(b[8:]), binary.BigEndian.Uint16(b[10:])
	if h.version < 1 || h.version > segmentVersion || h.encoding > encodingPruned {
		return h, 0, fmt.Errorf("segment has version %d and encoding %d, which this version of Weir does not read", h.version, h.encoding)
	}
	state = int64(binary.BigEndian.Uint32(b[12:]))
	h.first = int64(binary.BigEndian.Uint64(b[16:]))
	h.sequenceBefore = binary.BigEndian.Uint64(b[24:])
	h.oldestPending = int64(binary.BigEndian.Uint64(b[32:]))
	if state > maxState || h.version == 1 && state != 0 || binary.BigEndian.Uint32(b[40:]) != 0 {
		return h, 0, errors.New("segment header is malformed")
	}
	return h, state, nil
}

func segmentName(first int64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

// segments lists the first indexes of a ledger's segments, in order.
func segments(fsys vfs.FS, dir string) ([]int64, error) {
	list, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var firsts []int64
	for _, e := range list {
		digits, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		if !ok {
			continue
		}
		first, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || segmentName(first) != e.Name() {
			return nil, &Fault{File: filepath.Join(dir, e.Name()), Index: -1, What: "segment's name is not its first index", Hint: "only the ledger writes here; move the file away"}
		}
		firsts = append(firsts, first)
	}
	return firsts, nil // ReadDir sorts by name, and names have fixed width
}

// segmentReader is an open segment. The window shows it as if it were plain:
// offsets in it, and in faults, are those that it had before it was packed.
type segmentReader struct {
	header segmentHeader
	file   vfs.File
	win    window
	name   string
	packed *blocks // nil: it is plain
}

// openSegment opens a segment and checks its header against its name.
func openSegment(fsys vfs.FS, dir string, first int64) (*segmentReader, error) {
	return openSegmentFile(fsys, filepath.Join(dir, segmentName(first)), first)
}

func openSegmentFile(fsys vfs.FS, name string, first int64) (*segmentReader, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	s := &segmentReader{file: f, name: name}
	if err := s.readHeader(first); err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

func (s *segmentReader) readHeader(first int64) error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	fault := func(err error) error {
		var fe *frameError
		if errors.As(err, &fe) {
			return &Fault{File: s.name, Index: first, What: err.Error(), Hint: hintDamaged}
		}
		return err
	}
	s.win = window{r: s.file, size: info.Size()}
	b, err := s.win.bytes(0, int(min(segmentFixedSize, info.Size())))
	if err != nil {
		return err
	}
	h, state, err := decodeSegmentHeader(b)
	if err == nil && h.first != first {
		err = errors.New("segment is not the one its name says")
	}
	if err == nil && h.version > 1 {
		if info.Size() < segmentFixedSize+state+4 {
			err = errors.New("segment is shorter than its header")
		} else if b, rerr := s.win.bytes(segmentFixedSize, int(state)+4); rerr != nil {
			return rerr
		} else if h.state = slices.Clone(b[:state]); crc32.Checksum(h.state, castagnoli) != binary.BigEndian.Uint32(b[state:]) {
			err = errors.New("segment's state does not match its checksum")
		}
	}
	if err != nil {
		return fault(&frameError{what: err.Error()})
	}
	s.header = h
	if h.encoding == encodingPlain {
		return nil
	}
	if s.packed, err = openBlocks(s.file, h.size(), info.Size()); err != nil {
		return fault(err)
	}
	s.win = window{r: s.packed, size: s.packed.size}
	return nil
}

const hintDamaged = "restore the ledger folder from a backup, or move it away to begin a new ledger and keep it for the record"
