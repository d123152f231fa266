package logstore

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"
	"sort"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
)

// source is one place where a stream's entries lie: a block, or a generation
// of the head. Sources of a stream are ordered by arrival.
type source struct {
	order      int
	block      *block
	head       *head // a copy of what was there at the time of the query
	minT, maxT int64 // within the selection
	job        *job  // who opens it ahead, if anybody
}

// cursor walks one opened source in one direction over the rows that pass.
type cursor struct {
	q   *query
	src source

	// One of the two is set.
	data    *blockData
	entries []headEntry

	header blockHeader
	row    int // current; outside [lo, hi) at the end
	lo, hi int // rows within the time range
	ts     int64
	having []columnMatch
	held   bool // the block's file, which close releases

	builder labels.ScratchBuilder // of a head's metadata
}

type columnMatch struct {
	col   *columnData
	value string
}

var blockDataPool = sync.Pool{New: func() any { return new(blockData) }}

// openCursor decodes what the source needs and stands on its first row. ok is
// false if no row passes. The only errors are those of the disk and Admit's.
func (q *query) openCursor(src source, st *streamSelection) (c *cursor, ok bool, err error) {
	c = &cursor{q: q, src: src}
	if src.head != nil {
		c.entries = src.head.inOrder()
		c.lo = sort.Search(len(c.entries), func(i int) bool { return c.entries[i].ts >= q.sel.From })
		c.hi = sort.Search(len(c.entries), func(i int) bool { return c.entries[i].ts >= q.sel.To })
		size := 0
		for _, e := range c.entries[c.lo:max(c.lo, c.hi)] {
			line, _ := e.split()
			size += len(line)
		}
		if err := q.admit(c.hi-c.lo, size); err != nil {
			return nil, false, err
		}
	} else if ok, err = c.openBlock(st); !ok || err != nil {
		c.close()
		return nil, false, err
	}
	c.row = c.lo - 1
	if q.sel.Backward {
		c.row = c.hi
	}
	if !c.next() {
		c.close()
		return nil, false, nil
	}
	return c, true, nil
}

func (c *cursor) openBlock(st *streamSelection) (ok bool, err error) {
	b := c.src.block
	if b.bad.Load() {
		return false, nil
	}
	if err := b.file.acquire(); err != nil {
		if b.file.dropped.Load() && errors.Is(err, fs.ErrNotExist) {
			return false, nil // retention was faster
		}
		return false, err
	}
	c.held = true
	if !c.mayHold(st.having) {
		c.q.stats.Skipped.Add(1)
		return false, nil
	}
	c.q.stats.Blocks.Add(1)
	c.data = blockDataPool.Get().(*blockData)
	err = c.readBlock(st)
	if err == errCorrupt {
		b.lose(c.q.s)
		return false, nil
	}
	if err != nil || c.header.count == 0 {
		return false, err
	}
	return c.lo < c.hi, nil
}

// lose leaves a damaged block out from now on and counts it once.
func (b *block) lose(s *Store) {
	if !b.bad.Swap(true) {
		s.counts.lostBlocks.Add(1)
	}
}

// mayHold asks the block's filter. Whatever is wrong with the filter, the
// answer is yes.
func (c *cursor) mayHold(having []havingHash) bool {
	b := c.src.block
	if len(having) > 0 && b.size == b.prefix {
		return false // no metadata at all
	}
	if b.filterSize == 0 || len(having) == 0 && c.q.grams.empty() {
		return true
	}
	filter := make([]byte, b.filterSize)
	if _, err := b.file.f.ReadAt(filter, b.filterAt); err != nil || crc(filter) != b.filterCRC {
		return true
	}
	for _, h := range having {
		if !mayHold(filter, h.hash) {
			return false
		}
	}
	return c.q.grams.mayHold(filter)
}

// readBlock fills c.data. A block that cannot hold a wanted row leaves the
// header's count at zero. All checksums are looked at now, so that a damaged
// block is left out as a whole; the metadata is decoded when a row needs it.
func (c *cursor) readBlock(st *streamSelection) error {
	b, bd := c.src.block, c.data
	bd.file = slices.Grow(bd.file[:0], int(b.size))[:b.size]
	if _, err := b.file.f.ReadAt(bd.file, b.offset); err == io.EOF {
		return errCorrupt // cut short
	} else if err != nil {
		return err
	}
	h, ok := parseBlockHeader(bd.file, b.file.salt, b.offset)
	if !ok || h.prefix() != int64(b.prefix) || h.size() != int64(b.size) || crc(bd.file[b.prefix:]) != h.mCRC {
		return errCorrupt
	}
	bd.hasMeta = false
	if len(st.having) > 0 {
		if err := bd.decodeMeta(&h, bd.file[b.prefix:]); err != nil {
			return err
		}
		for _, want := range st.having {
			col := bd.column(want.name)
			if col == nil {
				return nil
			}
			c.having = append(c.having, columnMatch{col, want.value})
		}
		row := 0
		for row < int(h.count) && !c.hasWanted(row) {
			row++
		}
		if row == int(h.count) {
			return nil
		}
	}
	// What the lines in the time range are in bytes is known of a whole block
	// without its lines.
	whole := h.minT >= c.q.sel.From && h.maxT < c.q.sel.To
	var needles []*needle
	if whole {
		needles = c.q.shaped
	}
	if err := bd.decodePrefix(&h, bd.file, needles); err != nil {
		return err
	}
	c.lo = sort.Search(len(bd.times), func(i int) bool { return bd.times[i] >= c.q.sel.From })
	c.hi = sort.Search(len(bd.times), func(i int) bool { return bd.times[i] >= c.q.sel.To })
	if c.lo >= c.hi {
		return nil
	}
	start := uint32(0)
	if c.lo > 0 {
		start = bd.ends[c.lo-1]
	}
	size := int(h.linesRaw)
	if !whole {
		size = int(bd.ends[c.hi-1] - start)
	}
	if err := c.q.admit(c.hi-c.lo, size); err != nil {
		return err
	}
	for _, needle := range c.q.needles {
		if !bytes.Contains(bd.lines[start:bd.ends[c.hi-1]], needle) {
			return nil
		}
	}
	c.header = h
	return nil
}

func (bd *blockData) column(name string) *columnData {
	for i := range bd.columns {
		if bd.columns[i].name == name {
			return &bd.columns[i]
		}
	}
	return nil
}

func (c *cursor) hasWanted(row int) bool {
	for _, m := range c.having {
		if v, ok := m.col.value(row); !ok || string(v) != m.value {
			return false
		}
	}
	return true
}

func (c *cursor) close() {
	if c.data != nil {
		blockDataPool.Put(c.data)
		c.data = nil
	}
	if c.held {
		c.src.block.file.release()
		c.held = false
	}
}

// next moves to the next row that passes; false at the end.
func (c *cursor) next() bool {
	if c.q.sel.Backward {
		for c.row--; c.row >= c.lo; c.row-- {
			if c.passes() {
				c.ts = c.time()
				return true
			}
		}
		return false
	}
	for c.row++; c.row < c.hi; c.row++ {
		if c.data != nil && len(c.q.needles) > 0 && !c.jump() {
			c.row = c.hi
			return false
		}
		if c.passes() {
			c.ts = c.time()
			return true
		}
	}
	return false
}

func (c *cursor) time() int64 {
	if c.data != nil {
		return c.data.times[c.row]
	}
	return c.entries[c.row].ts
}

// jump moves forward to the row in which the first needle begins next. Searching
// the whole block at once is several times faster than line by line. The
// needle may straddle two lines; passes looks at the row itself.
func (c *cursor) jump() bool {
	bd := c.data
	start := 0
	if c.row > 0 {
		start = int(bd.ends[c.row-1])
	}
	i := bytes.Index(bd.lines[start:], c.q.needles[0])
	if i < 0 {
		return false
	}
	at := start + i
	// Most hits are near: double the step, then halve.
	step := 1
	for c.row+step < c.hi && int(bd.ends[c.row+step]) <= at {
		step *= 2
	}
	hi := min(c.row+step, c.hi)
	c.row += sort.Search(hi-c.row, func(k int) bool { return int(bd.ends[c.row+k]) > at })
	return c.row < c.hi
}

func (c *cursor) passes() bool {
	if len(c.q.needles) > 0 {
		line := c.line()
		for _, needle := range c.q.needles {
			if !bytes.Contains(line, needle) {
				return false
			}
		}
	}
	return len(c.having) == 0 || c.hasWanted(c.row)
}

func (c *cursor) line() []byte {
	if c.data != nil {
		return c.data.line(c.row)
	}
	line, _ := c.entries[c.row].split()
	return line
}

// fill writes the current row into r; it is valid until the cursor moves or
// closes, or fill is called again.
func (c *cursor) fill(r *Record) {
	r.Timestamp, r.Line = c.ts, c.line()
	if c.data != nil {
		if !c.data.hasMeta {
			b := c.src.block
			if err := c.data.decodeMeta(&c.header, c.data.file[b.prefix:]); err != nil {
				// Its checksum agrees, so this is a writer's fault, not the
				// disk's; the lines are good and are answered.
				b.lose(c.q.s)
			}
		}
		c.data.metadata(c.row, &r.Metadata)
		return
	}
	_, meta := c.entries[c.row].split()
	c.headMetadata(meta, &r.Metadata)
}

// headMetadata decodes an entry's metadata into ls.
func (c *cursor) headMetadata(meta []byte, ls *labels.Labels) {
	d := decoder{b: meta}
	n := d.count()
	if n == 0 {
		*ls = labels.EmptyLabels()
		return
	}
	c.builder.Reset()
	for ; n > 0; n-- {
		name := d.bytes()
		c.builder.Add(str(name), str(d.bytes()))
	}
	c.builder.Overwrite(ls)
}
