package logstore

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// The times section is
//
//	scale byte, count × varint delta, count × uvarint line length
//
// where a delta is the step from the entry before (the first from the header's
// min time), divided by 10^(3×scale). The lines section is the lines, one
// after another. The metadata section, absent when no entry has any, is
//
//	uvarint columns, then for each, sorted by name:
//	  name, kind
//	  kind 1: uvarint n, n × value, count × uvarint (0: absent, else 1 + index)
//	  kind 2: count × uvarint (0: absent, else 1 + length), the values
const (
	columnDictionary = 1
	columnPlain      = 2
)

// blockEncoder builds blocks; its buffers live as long as a flush.
type blockEncoder struct {
	times, lines, meta []byte
	columns            map[string]*columnEncoder
	names              []string
	free               []*columnEncoder
	hashes             []uint64
	scratch            []byte
}

type columnEncoder struct {
	values []string // by row; rows beyond the end are absent
	has    []bool
	dict   map[string]uint32 // nil once there are too many
	order  []string
}

// encode appends the block of sorted entries that share labels (encoded) and
// its filter.
func (be *blockEncoder) encode(b, filter []byte, salt uint64, offset int64, ls []byte, entries []headEntry) ([]byte, []byte, blockHeader) {
	h := blockHeader{count: uint32(len(entries)), minT: entries[0].ts, maxT: entries[len(entries)-1].ts, labels: uint32(len(ls)), labelsCRC: crc(ls)}
	be.reset()
	scale, unit := timeScale(entries)
	be.times = append(be.times[:0], scale)
	prev := h.minT
	for _, e := range entries {
		be.times = binary.AppendVarint(be.times, (e.ts-prev)/unit)
		prev = e.ts
	}
	be.lines = be.lines[:0]
	for row, e := range entries {
		line, meta := e.split()
		be.times = binary.AppendUvarint(be.times, uint64(len(line)))
		be.lines = append(be.lines, line...)
		be.addMetadata(row, meta)
	}
	filter = be.encodeMetadata(filter, len(entries))

	start := len(b)
	b = append(b, make([]byte, blockHeaderSize)...)
	b = append(b, ls...)
	section := func(raw []byte) (size, rawSize, sum uint32) {
		if len(raw) == 0 {
			return 0, 0, crc(nil)
		}
		at := len(b)
		b = zstdEncoder.EncodeAll(raw, b)
		return uint32(len(b) - at), uint32(len(raw)), crc(b[at:])
	}
	h.times, h.timesRaw, h.timesCRC = section(be.times)
	h.lines, h.linesRaw, h.linesCRC = section(be.lines)
	h.meta, h.metaRaw, h.mCRC = section(be.meta)
	h.append(b[start:start], salt, offset) // over the room left for it
	return b, filter, h
}

// timeScale finds the coarsest unit that all steps are multiples of: senders
// mostly have clocks of milliseconds or microseconds.
func timeScale(entries []headEntry) (byte, int64) {
	for scale, unit := byte(3), int64(1e9); scale > 0; scale, unit = scale-1, unit/1000 {
		if !slices.ContainsFunc(entries, func(e headEntry) bool { return (e.ts-entries[0].ts)%unit != 0 }) {
			return scale, unit
		}
	}
	return 0, 1
}

func (be *blockEncoder) reset() {
	if be.columns == nil {
		be.columns = map[string]*columnEncoder{}
	}
	for _, c := range be.columns {
		be.free = append(be.free, c)
	}
	clear(be.columns)
	be.names, be.hashes = be.names[:0], be.hashes[:0]
}

func (be *blockEncoder) addMetadata(row int, meta []byte) {
	d := decoder{b: meta}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		name, value := str(d.bytes()), str(d.bytes())
		c := be.columns[name]
		if c == nil {
			c = be.column()
			be.columns[name] = c
			be.names = append(be.names, name)
		}
		c.add(row, value)
	}
}

func (be *blockEncoder) column() *columnEncoder {
	if n := len(be.free); n > 0 {
		c := be.free[n-1]
		be.free = be.free[:n-1]
		clear(c.values) // do not keep entries of the block before alive
		clear(c.order)
		c.values, c.has, c.order = c.values[:0], c.has[:0], c.order[:0]
		if c.dict == nil {
			c.dict = map[string]uint32{}
		} else {
			clear(c.dict)
		}
		return c
	}
	return &columnEncoder{dict: map[string]uint32{}}
}

func (c *columnEncoder) add(row int, value string) {
	if len(c.values) > row {
		return // a name twice in one entry; normalize lets none through
	}
	for len(c.values) < row {
		c.values, c.has = append(c.values, ""), append(c.has, false)
	}
	c.values, c.has = append(c.values, value), append(c.has, true)
	if c.dict == nil {
		return
	}
	if _, ok := c.dict[value]; ok {
		return
	}
	c.order = append(c.order, value)
	c.dict[value] = uint32(len(c.order))
	if len(c.order) > 64 && len(c.order)*2 > len(c.values) {
		c.dict = nil
	}
}

func (be *blockEncoder) encodeMetadata(filter []byte, rows int) []byte {
	b := be.meta[:0]
	if len(be.names) > 0 {
		slices.Sort(be.names)
		b = binary.AppendUvarint(b, uint64(len(be.names)))
	}
	for _, name := range be.names {
		c := be.columns[name]
		for len(c.values) < rows {
			c.values, c.has = append(c.values, ""), append(c.has, false)
		}
		b = appendString(b, name)
		distinct := c.order
		if c.dict != nil {
			b = c.appendDictionary(b)
		} else {
			b = c.appendPlain(b)
			distinct = c.values
		}
		for i, v := range distinct {
			if c.dict == nil && !c.has[i] {
				continue
			}
			var h uint64
			h, be.scratch = metadataHash(be.scratch, name, v)
			be.hashes = append(be.hashes, h)
		}
	}
	be.meta = b
	return appendBloom(filter, be.hashes)
}

func (c *columnEncoder) appendDictionary(b []byte) []byte {
	b = append(b, columnDictionary)
	b = binary.AppendUvarint(b, uint64(len(c.order)))
	for _, v := range c.order {
		b = appendString(b, v)
	}
	for i, v := range c.values {
		if !c.has[i] {
			b = append(b, 0)
			continue
		}
		b = binary.AppendUvarint(b, uint64(c.dict[v]))
	}
	return b
}

func (c *columnEncoder) appendPlain(b []byte) []byte {
	b = append(b, columnPlain)
	for i, v := range c.values {
		if !c.has[i] {
			b = append(b, 0)
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(v))+1)
	}
	for _, v := range c.values {
		b = append(b, v...)
	}
	return b
}

// normalize puts metadata into the one form that equal entries share: sorted
// by name, each name once (the first), no empty names.
func normalize(ls labels.Labels) labels.Labels {
	last, ok := "", true
	ls.Range(func(l labels.Label) {
		ok = ok && l.Name > last
		last = l.Name
	})
	if ok {
		return ls
	}
	var all []labels.Label
	ls.Range(func(l labels.Label) {
		if l.Name != "" {
			all = append(all, l)
		}
	})
	slices.SortStableFunc(all, func(a, b labels.Label) int { return strings.Compare(a.Name, b.Name) })
	all = slices.CompactFunc(all, func(a, b labels.Label) bool { return a.Name == b.Name })
	return labels.New(all...)
}
