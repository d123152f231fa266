package logstore

import (
	"encoding/hex"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// blockData is a decoded block. Its buffers are used again for the next one.
type blockData struct {
	times []int64
	ends  []uint32 // of the lines
	lines []byte

	numbers []uint64
	columns []columnData
	meta    []byte
	hasMeta bool // the columns are decoded
	builder labels.ScratchBuilder

	file     []byte // bytes as read
	section  []byte
	unshaper unshaper
}

type columnData struct {
	name string
	dict [][]byte
	ids  []uint32 // by row: 0 absent, else 1 + index into dict; nil for plain
	ends []uint32 // plain: end of the value in data
	has  []bool
	data []byte
	hex  bool
	text []byte // hexadecimal, kept as bytes in data: the value last asked for
}

// line returns the line of a row, a view into the block.
func (bd *blockData) line(row int) []byte {
	var start uint32
	if row > 0 {
		start = bd.ends[row-1]
	}
	return bd.lines[start:bd.ends[row]:bd.ends[row]]
}

// decodePrefix decodes times and lines from a block's first bytes. With
// needles, lines that are by shape and seen to lack one are left empty.
func (bd *blockData) decodePrefix(h *blockHeader, b []byte, needles []*needle) error {
	if int64(len(b)) < h.prefix() {
		return errCorrupt
	}
	b = b[blockHeaderSize+h.labels:]
	times, lines := b[:h.times], b[h.times:h.times+h.lines]
	if crc(times) != h.timesCRC || crc(lines) != h.linesCRC {
		return errCorrupt
	}
	var err error
	if h.shaped {
		d := decoder{b: times}
		scale, planes := d.byte(), d.byte()
		bd.numbers, bd.section = d.planeParts(bd.numbers, bd.section, int(h.count), nil, planes)
		if len(d.b) > 0 || d.err != nil || !bd.sumTimes(h, scale) {
			return errCorrupt
		}
		bd.lines, bd.ends, err = bd.unshaper.decode(lines, bd.lines, bd.ends, int(h.count), int(h.linesRaw), needles)
		return err
	}
	if bd.section, err = unzip(bd.section, times, h.timesRaw); err != nil {
		return err
	}
	if err := bd.decodeTimes(h, bd.section); err != nil {
		return err
	}
	bd.lines, err = unzip(bd.lines, lines, h.linesRaw)
	return err
}

// decodeTimes decodes the times and the lines' ends of a plain block.
func (bd *blockData) decodeTimes(h *blockHeader, b []byte) error {
	d := decoder{b: b}
	scale := d.byte()
	bd.numbers = d.planes(bd.numbers, int(h.count))
	if d.err != nil || !bd.sumTimes(h, scale) {
		return errCorrupt
	}
	bd.numbers = d.planes(bd.numbers, int(h.count))
	bd.ends = bd.ends[:0]
	var end uint64
	for _, n := range bd.numbers {
		if end += n; n > maxSection || end > uint64(h.linesRaw) {
			return errCorrupt
		}
		bd.ends = append(bd.ends, uint32(end))
	}
	if d.err != nil || len(d.b) > 0 || end != uint64(h.linesRaw) {
		return errCorrupt
	}
	return nil
}

// sumTimes makes times of the steps in bd.numbers and compares them with the
// header's.
func (bd *blockData) sumTimes(h *blockHeader, scale byte) bool {
	bd.times = bd.times[:0]
	if scale > 3 || len(bd.numbers) == 0 {
		return false
	}
	unit := int64(1)
	for range scale {
		unit *= 1000
	}
	t := h.minT
	for _, n := range bd.numbers {
		step := int64(n) * unit
		if step < 0 {
			return false
		}
		t += step
		bd.times = append(bd.times, t)
	}
	return bd.times[0] == h.minT && t == h.maxT
}

// planes is the inverse of appendPlanes; on a fault it returns none.
func (d *decoder) planes(buf []uint64, count int) []uint64 {
	width := int(d.byte())
	if width > 8 {
		d.fail()
	}
	b := d.take(uint64(width * count))
	if d.err != nil {
		return buf[:0]
	}
	buf = slices.Grow(buf[:0], count)[:count]
	clear(buf)
	for w := range width {
		for i, c := range b[w*count : (w+1)*count] {
			buf[i] |= uint64(c) << (8 * w)
		}
	}
	return buf
}

// decodeMeta decodes the metadata section, whose checksum the caller has
// compared.
func (bd *blockData) decodeMeta(h *blockHeader, b []byte) error {
	bd.hasMeta = true
	bd.columns = bd.columns[:0]
	if h.meta == 0 {
		return nil
	}
	var err error
	if bd.meta, err = unzip(bd.meta, b, h.metaRaw); err != nil {
		return err
	}
	d := decoder{b: bd.meta}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		if len(bd.columns) < cap(bd.columns) {
			bd.columns = bd.columns[:len(bd.columns)+1]
		} else {
			bd.columns = append(bd.columns, columnData{})
		}
		bd.columns[len(bd.columns)-1].decode(&d, int(h.count))
	}
	if d.err != nil || len(d.b) > 0 {
		bd.columns = bd.columns[:0]
		return errCorrupt
	}
	return nil
}

func (c *columnData) decode(d *decoder, rows int) {
	c.name = str(d.bytes())
	c.dict, c.ids, c.ends, c.has, c.hex = c.dict[:0], c.ids[:0], c.ends[:0], c.has[:0], false
	switch kind := d.byte(); kind {
	case columnDictionary:
		for n := d.count(); n > 0 && d.err == nil; n-- {
			c.dict = append(c.dict, d.bytes())
		}
		if rows > len(d.b) {
			d.fail()
		}
		for r := 0; r < rows && d.err == nil; r++ {
			id := d.uvarint()
			if id > uint64(len(c.dict)) {
				d.fail()
				return
			}
			c.ids = append(c.ids, uint32(id))
		}
	case columnPlain:
		if rows > len(d.b) {
			d.fail()
		}
		var end uint64
		for r := 0; r < rows && d.err == nil; r++ {
			n := d.uvarint()
			c.has = append(c.has, n > 0)
			if n > 0 {
				end += n - 1
			}
			if n > maxSection || end > maxSection {
				d.fail()
				return
			}
			c.ends = append(c.ends, uint32(end))
		}
		c.data = d.take(end)
	case columnHex:
		c.hex = true
		c.decodeHex(d, rows)
	default:
		d.fail()
	}
}

func (c *columnData) decodeHex(d *decoder, rows int) {
	n := d.uvarint()
	if n == 0 || n > maxHex/2 {
		d.fail()
	}
	end := uint64(0)
	for _, has := range d.take(uint64(rows)) {
		if has > 1 {
			d.fail()
		}
		end += n * uint64(has)
		c.has = append(c.has, has == 1)
		c.ends = append(c.ends, uint32(end))
	}
	c.data = d.take(end)
}

// value returns what a row has in the column, valid until the next call.
func (c *columnData) value(row int) ([]byte, bool) {
	if len(c.ids) > 0 {
		if id := c.ids[row]; id > 0 {
			return c.dict[id-1], true
		}
		return nil, false
	}
	if !c.has[row] {
		return nil, false
	}
	var start uint32
	if row > 0 {
		start = c.ends[row-1]
	}
	if c.hex {
		c.text = hex.AppendEncode(c.text[:0], c.data[start:c.ends[row]])
		return c.text, true
	}
	return c.data[start:c.ends[row]], true
}

// metadata writes a row's metadata into ls, valid until the next call.
func (bd *blockData) metadata(row int, ls *labels.Labels) {
	bd.builder.Reset()
	any := false
	for i := range bd.columns {
		if v, ok := bd.columns[i].value(row); ok {
			bd.builder.Add(bd.columns[i].name, str(v))
			any = true
		}
	}
	if !any {
		*ls = labels.EmptyLabels()
		return
	}
	bd.builder.Overwrite(ls)
}
