package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// A segment is a file of frames behind this header. Big endian:
//
//	+----------+---------+----------+------+-------+----------+---------+------+---------+
//	| magic    | version | encoding | zero | first | sequence | oldest  | zero | CRC of  |
//	| WEIRLEDG |    1    |    0     |      | index | before   | pending |      | all this|
//	|   8 B    |   2 B   |   2 B    | 4 B  |  8 B  |   8 B    |   8 B   | 4 B  |  4 B    |
//	+----------+---------+----------+------+-------+----------+---------+------+---------+
//
// "sequence before" is that of the last report in earlier segments, 0 for
// none; "oldest pending" is the index of the oldest report that had no outcome
// when the segment was begun, or the first index. With them a reader may begin
// at any segment, also when the ones before it are gone.
//
// Rules for change: an encoding other than 0 (frames, plain) is added with a
// new number; the frames within stay the same, so that leaves and proofs do.
// Anything else needs a new version, and readers keep reading all older ones.
// The header is written whole and synced before the segment has its name, and
// never changed.
const (
	segmentMagic      = "WEIRLEDG"
	segmentVersion    = 1
	segmentHeaderSize = 48
	segmentSuffix     = ".seg"
)

type segmentHeader struct {
	first          int64
	sequenceBefore uint64
	oldestPending  int64
}

func (h segmentHeader) encode() []byte {
	b := append(make([]byte, 0, segmentHeaderSize), segmentMagic...)
	b = binary.BigEndian.AppendUint16(b, segmentVersion)
	b = append(b, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(h.first))
	b = binary.BigEndian.AppendUint64(b, h.sequenceBefore)
	b = binary.BigEndian.AppendUint64(b, uint64(h.oldestPending))
	b = append(b, 0, 0, 0, 0)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decodeSegmentHeader(b []byte) (segmentHeader, error) {
	var h segmentHeader
	if len(b) < segmentHeaderSize {
		return h, errors.New("segment is shorter than its header")
	}
	b = b[:segmentHeaderSize]
	if string(b[:8]) != segmentMagic {
		return h, errors.New("file is not a ledger segment")
	}
	if crc32.Checksum(b[:44], castagnoli) != binary.BigEndian.Uint32(b[44:]) {
		return h, errors.New("segment header does not match its checksum")
	}
	if v, enc := binary.BigEndian.Uint16(b[8:]), binary.BigEndian.Uint16(b[10:]); v != segmentVersion || enc != 0 {
		return h, fmt.Errorf("segment has version %d and encoding %d, which this version of Weir does not read", v, enc)
	}
	h.first = int64(binary.BigEndian.Uint64(b[16:]))
	h.sequenceBefore = binary.BigEndian.Uint64(b[24:])
	h.oldestPending = int64(binary.BigEndian.Uint64(b[32:]))
	return h, nil
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

// segmentReader is an open segment.
type segmentReader struct {
	header segmentHeader
	file   vfs.File
	win    window
	name   string
}

// openSegment opens a segment and checks its header against its name.
func openSegment(fsys vfs.FS, dir string, first int64) (*segmentReader, error) {
	name := filepath.Join(dir, segmentName(first))
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
	var info fs.FileInfo
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.win = window{r: s.file, size: info.Size()}
	b, err := s.win.bytes(0, int(min(segmentHeaderSize, info.Size())))
	if err != nil {
		return err
	}
	if s.header, err = decodeSegmentHeader(b); err == nil && s.header.first != first {
		err = errors.New("segment is not the one its name says")
	}
	if err != nil {
		return &Fault{File: s.name, Index: first, What: err.Error(), Hint: hintDamaged}
	}
	return nil
}

const hintDamaged = "restore the ledger folder from a backup, or move it away to begin a new ledger and keep it for the record"
