package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// A record's header is its leaf in the Merkle tree. It holds the body's hash
// instead of the body, so that a body can be pruned and what is left still
// proves when how many bytes went where, under which policy. Big endian:
//
//	+---------+------+-------+---------+----------+--------+--------+--------+------+-------------+
//	| version | kind | index |  time   | sequence | policy | body's | body's | len  | destination |
//	|    1    |      |       | unix ns |          | digest | SHA256 | length |      |             |
//	|   1 B   | 1 B  |  8 B  |   8 B   |   8 B    |  32 B  |  32 B  |  4 B   | 2 B  |   len B     |
//	+---------+------+-------+---------+----------+--------+--------+--------+------+-------------+
//
// Rules for change: a header once written is hashed for ever, so nothing here
// is ever reinterpreted. A new field needs a new version, readers keep reading
// all older ones. A new kind needs no new version.
const (
	recordVersion   = 1
	headerFixedSize = 96
	maxHeader       = headerFixedSize + MaxDestination
)

var (
	errHeader      = errors.New("record header is malformed")
	errNewerRecord = errors.New("record was written by a newer version of Weir")
)

// check says whether r can be encoded and decoded to itself.
func (r *Record) check() error {
	switch {
	case r.Kind == 0:
		return errors.New("record has no kind")
	case r.Removed != nil:
		return errors.New("record has no body")
	case len(r.Body) > MaxBody:
		return fmt.Errorf("record body is %d bytes, more than %d", len(r.Body), MaxBody)
	case len(r.Destination) > MaxDestination:
		return fmt.Errorf("record destination is %d bytes, more than %d", len(r.Destination), MaxDestination)
	}
	return nil
}

func appendHeader(dst []byte, r *Record) []byte {
	about := r.About()
	dst = append(dst, recordVersion, byte(r.Kind))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.Index))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.Time.UnixNano()))
	dst = binary.BigEndian.AppendUint64(dst, r.Sequence)
	dst = append(dst, r.PolicyDigest[:]...)
	dst = append(dst, about.SHA256[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(about.Size))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(r.Destination)))
	return append(dst, r.Destination...)
}

// header is a decoded record header; its Record has no body.
type header struct {
	Record
	bodySum [32]byte
	bodyLen int
}

func decodeHeader(b []byte) (header, error) {
	var h header
	if len(b) == 0 {
		return h, errHeader
	}
	if b[0] > recordVersion {
		return h, errNewerRecord
	}
	if b[0] != recordVersion || len(b) < headerFixedSize {
		return h, errHeader
	}
	index := binary.BigEndian.Uint64(b[2:])
	h.Kind = Kind(b[1])
	h.Index = int64(index)
	h.Time = time.Unix(0, int64(binary.BigEndian.Uint64(b[10:]))).UTC()
	h.Sequence = binary.BigEndian.Uint64(b[18:])
	copy(h.PolicyDigest[:], b[26:])
	copy(h.bodySum[:], b[58:])
	h.bodyLen = int(binary.BigEndian.Uint32(b[90:]))
	h.Destination = string(b[headerFixedSize:])
	if h.Kind == 0 || index > math.MaxInt64 || h.bodyLen > MaxBody ||
		len(h.Destination) != int(binary.BigEndian.Uint16(b[94:])) || len(h.Destination) > MaxDestination {
		return h, errHeader
	}
	return h, nil
}
