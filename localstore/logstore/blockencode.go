package logstore

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// The times section of a plain block is
//
//	scale byte, deltas, line lengths
//
// and that of a block whose lines are by shape
//
//	scale byte, planes byte, deltas as parts
//
// where a delta is the step from the entry before (the first from the header's
// min time), divided by 1000^scale. Deltas and lengths are planes: a byte w,
// then the lowest byte of each number, and so on up to the w-th. In planes the
// high bytes, mostly zero, cost nothing once compressed; as varints they cost
// a quarter of the section.
//
// The lines section is the lines, one after another, or that of shapes.go,
// whichever is smaller. The metadata section, absent when no entry has any, is
//
//	uvarint columns, then for each, sorted by name:
//	  name, kind
//	  kind 1: uvarint n, n × value, count × uvarint (0: absent, else 1 + index)
//	  kind 2: count × uvarint (0: absent, else 1 + length), the values
//	  kind 3: uvarint n, count × byte (0: absent, else 1), the values, which are
//	    2n digits of lower-case hexadecimal, as n bytes
const (
	columnDictionary = 1
	columnPlain      = 2
	columnHex        = 3 // trace and span ids
)

// blockEncoder builds blocks; its buffers live as long as a flush.
type blockEncoder struct {
	times, lines, meta []byte
	plain, shaped      []byte // the lines, packed
	steps, sizes       []uint64
	shaper             shaper
	columns            map[string]*columnEncoder
	names              []string
	free               []*columnEncoder
	hashes             []uint64
	scratch            []byte
	grams              gramTable
}

type columnEncoder struct {
	values []string // by row; rows beyond the end are absent
	has    []bool
	set    int               // rows that are present
	dict   map[string]uint32 // nil once there are too many
	order  []string
}

// encode appends the block of sorted entries that share labels (encoded) and
// its filter.
func (be *blockEncoder) encode(b, filter []byte, salt uint64, offset int64, ls []byte, entries []headEntry) ([]byte, []byte, blockHeader) {
	h := blockHeader{count: uint32(len(entries)), minT: entries[0].ts, maxT: entries[len(entries)-1].ts, labels: uint32(len(ls)), labelsCRC: crc(ls)}
	be.reset()
	scale, unit := timeScale(entries)
	be.steps, be.sizes, be.lines = be.steps[:0], be.sizes[:0], be.lines[:0]
	prev := h.minT
	for row, e := range entries {
		be.steps = append(be.steps, uint64((e.ts-prev)/unit))
		prev = e.ts
		line, meta := e.split()
		be.sizes = append(be.sizes, uint64(len(line)))
		be.lines = append(be.lines, line...)
		be.addMetadata(row, meta)
	}
	filter = be.encodeMetadata(filter, len(entries))
	be.lines = slices.Grow(be.lines, gramRoom)
	be.grams.add(be.lines)
	filter = be.grams.appendTo(filter, len(be.lines))

	var lines []byte
	lines, h.shaped = be.packLines()
	start := len(b)
	b = append(b, make([]byte, blockHeaderSize)...)
	b = append(b, ls...)
	at := len(b)
	section := func(raw []byte, size, rawSize, sum *uint32) {
		*size, *rawSize, *sum = uint32(len(b)-at), uint32(len(raw)), crc(b[at:])
		at = len(b)
	}
	b = be.appendTimes(b, scale, h.shaped)
	section(be.times, &h.times, &h.timesRaw, &h.timesCRC)
	b = append(b, lines...)
	section(be.lines, &h.lines, &h.linesRaw, &h.linesCRC)
	b = zip(b, be.meta)
	section(be.meta, &h.meta, &h.metaRaw, &h.mCRC)
	h.append(b[start:start], salt, offset) // over the room left for it
	return b, filter, h
}

// shapedEnough times smaller than the lines are, those by shape are not tried
// otherwise.
const shapedEnough = 5

// packLines packs the lines in the way that makes them smaller.
func (be *blockEncoder) packLines() (lines []byte, shaped bool) {
	be.shaped = be.shaped[:0]
	if len(be.sizes) >= minShaped {
		be.shaped = be.shaper.appendShaped(be.shaped, be.lines, be.sizes)
		if shapedEnough*len(be.shaped) < len(be.lines) {
			return be.shaped, true
		}
	}
	be.plain = zip(be.plain[:0], be.lines)
	if len(be.shaped) > 0 && len(be.shaped) < len(be.plain) {
		return be.shaped, true
	}
	return be.plain, false
}

func (be *blockEncoder) appendTimes(b []byte, scale byte, shaped bool) []byte {
	if shaped {
		be.times = be.times[:0]
		planes := planesOf(be.steps)
		return appendPlaneParts(append(b, scale, planes), be.steps, planes)
	}
	be.times = appendPlanes(append(be.times[:0], scale), be.steps)
	be.times = appendPlanes(be.times, be.sizes)
	return zip(b, be.times)
}

// zip appends a section; nothing stays nothing.
func zip(b, raw []byte) []byte {
	if len(raw) == 0 {
		return b
	}
	return zstdEncoder.EncodeAll(raw, b)
}

func appendPlanes(b []byte, numbers []uint64) []byte {
	width := planesOf(numbers)
	b = append(b, width)
	for w := range width {
		for _, n := range numbers {
			b = append(b, byte(n>>(8*w)))
		}
	}
	return b
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
		c.values, c.has, c.order, c.set = c.values[:0], c.has[:0], c.order[:0], 0
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
	c.set++
	if c.dict == nil {
		return
	}
	if _, ok := c.dict[value]; ok {
		return
	}
	c.order = append(c.order, value)
	c.dict[value] = uint32(len(c.order))
	if len(c.order) > 16 && len(c.order)*2 > c.set {
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
		} else if n := c.hexLen(); n > 0 {
			b = c.appendHex(b, n)
			distinct = c.values
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

// hexLen is the length that all values have if they are hexadecimal, else 0.
func (c *columnEncoder) hexLen() int {
	n := 0
	for i, v := range c.values {
		if !c.has[i] {
			continue
		}
		if n == 0 {
			n = len(v)
		}
		if len(v) != n || n == 0 || n%2 != 0 || n > maxHex || !isHex([]byte(v)) {
			return 0
		}
	}
	return n
}

// maxHex bounds the digits, and with them what a few bytes decode to.
const maxHex = 128

func (c *columnEncoder) appendHex(b []byte, digits int) []byte {
	b = append(b, columnHex)
	b = binary.AppendUvarint(b, uint64(digits/2))
	for _, has := range c.has {
		if has {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	for i, v := range c.values {
		if c.has[i] {
			b, _ = hex.AppendDecode(b, []byte(v)) // hexLen has looked at it
		}
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
