package ledger

import (
	"encoding/binary"

	"golang.org/x/mod/sumdb/tlog"
)

// A statement on the wire. Big endian:
//
//	+---------+-------+-----+------------+-----+--------+-----+----------+---+-----------+---+-------------+
//	| version | index | len | checkpoint | len | header | len | previous | n | inclusion | n | consistency |
//	|    1    |       |     |            |     |        |     |          |   |           |   |             |
//	|   1 B   |  8 B  | 2 B |   len B    | 2 B | len B  | 2 B |  len B   |1 B|  n × 32 B |1 B|  n × 32 B   |
//	+---------+-------+-----+------------+-----+--------+-----+----------+---+-----------+---+-------------+
//
// There is one spelling of a statement. In base64 it stays below 16 KiB.
//
// Rules for change: anything else needs a new version.
const (
	statementVersion = 1
	maxReceipt       = 2 << 10 // a checkpoint in a statement, and a receipt
	maxProof         = 64      // hashes
	maxStatement     = 12 << 10
)

// Encode returns the statement's bytes.
func (s Statement) Encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte{statementVersion}, uint64(s.Index))
	for _, part := range [][]byte{s.Checkpoint, s.Header, s.Previous} {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(part))), part...)
	}
	for _, proof := range [][]tlog.Hash{s.Inclusion, s.Consistency} {
		b = append(b, byte(len(proof)))
		for _, h := range proof {
			b = append(b, h[:]...)
		}
	}
	return b
}

// ParseStatement reads what Encode wrote. The error is RefusedMalformed.
func ParseStatement(b []byte) (Statement, error) {
	var s Statement
	if len(b) > maxStatement || len(b) < 9 || b[0] != statementVersion {
		return s, RefusedMalformed
	}
	c := cutter{b: b[9:]}
	s.Index = int64(binary.BigEndian.Uint64(b[1:]))
	s.Checkpoint, s.Header, s.Previous = c.part(maxReceipt), c.part(maxHeader), c.part(maxReceipt)
	s.Inclusion, s.Consistency = c.proof(), c.proof()
	if c.bad || len(c.b) > 0 || s.Index < 0 {
		return Statement{}, RefusedMalformed
	}
	return s, nil
}

// cutter takes parts off the front of b.
type cutter struct {
	b   []byte
	bad bool
}

func (c *cutter) take(n int) []byte {
	if c.bad || n > len(c.b) {
		c.bad = true
		return make([]byte, n)
	}
	p := c.b[:n:n]
	c.b = c.b[n:]
	return p
}

func (c *cutter) part(limit int) []byte {
	n := int(binary.BigEndian.Uint16(c.take(2)))
	if n > limit {
		c.bad = true
	}
	if c.bad || n == 0 {
		return nil
	}
	return c.take(n)
}

func (c *cutter) proof() []tlog.Hash {
	n := int(c.take(1)[0])
	if n > maxProof {
		c.bad = true
	}
	if c.bad || n == 0 {
		return nil
	}
	p := make([]tlog.Hash, n)
	for i := range p {
		copy(p[i][:], c.take(tlog.HashSize))
	}
	return p
}
