package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// The state is what the records before a segment come to, as far as one who
// begins to read there must know it. Big endian:
//
//	+--------+---------+----------+-----------+----------+-----------+-----+---------+
//	| pruned | pruned  | accepted | n × policy | policies | n × policy | len | last    |
//	| bodies | records |    n     | and index  |    n     | and index  |     | receipt |
//	|  8 B   |   8 B   |   4 B    |   40 B     |   4 B    |   40 B     | 2 B |  len B  |
//	+--------+---------+----------+------------+----------+------------+-----+---------+
//
// Pruned bodies and pruned records are the indexes before which a prune record
// says so. The policies are sorted by digest; the index is that of the last
// record which accepted, or held, that policy. One whose record was pruned is
// not in the list: it is recorded again before the next report.

// maxState bounds what is read; a thousand policies take 80 kB.
const maxState = 1 << 20

func (q *queue) encodeState() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(q.prunedBodies))
	b = binary.BigEndian.AppendUint64(b, uint64(q.prunedRecords))
	for _, m := range []map[[32]byte]int64{q.accepted, q.policies} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(m)))
		for _, d := range slices.SortedFunc(maps.Keys(m), func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) }) {
			b = binary.BigEndian.AppendUint64(append(b, d[:]...), uint64(m[d]))
		}
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(q.receipt)))
	return append(b, q.receipt...)
}

// decodeState is the inverse, into a new queue.
func decodeState(b []byte) (queue, error) {
	q := newQueue()
	c := cutter{b: b}
	q.prunedBodies = int64(binary.BigEndian.Uint64(c.take(8)))
	q.prunedRecords = int64(binary.BigEndian.Uint64(c.take(8)))
	for _, m := range []map[[32]byte]int64{q.accepted, q.policies} {
		for n := binary.BigEndian.Uint32(c.take(4)); n > 0 && !c.bad; n-- {
			m[[32]byte(c.take(32))] = int64(binary.BigEndian.Uint64(c.take(8)))
		}
	}
	q.receipt = string(c.part(maxReceipt))
	if c.bad || !bytes.Equal(q.encodeState(), b) {
		return q, errors.New("segment's state is malformed")
	}
	return q, nil
}
