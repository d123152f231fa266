package logstore

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// A block file holds the blocks that one flush wrote for one day, or those of
// several such files merged, and never changes.
//
//	+--------+--------+---+---------+-------+--------+
//	| block  | block  | … | filters | index | footer |
//	+--------+--------+---+---------+-------+--------+
//
// The index is a zstd frame of
//
//	uvarint streams, streams × labels
//	uvarint blocks, blocks × (uvarint stream, offset, size, prefix; varint min
//	  time, max − min; uvarint count, raw bytes, filter offset, size, CRC)
//	uvarint files, files × (uvarint number, salt) that this one replaces
//
// and the footer
//
//	 0  magic          8   the last byte is the version
//	 8  filters at     8
//	16  index at       8
//	24  index size     4
//	28  index raw size 4
//	32  index CRC      4
//	36  zero           24
//	60  CRC            4   of the salt, the footer's offset, and the above
//
// A file whose footer or index is damaged is read by its blocks' headers.
const (
	blockFileExt = ".blk"
	footerMagic  = "WEIRLBF\x01"
	footerSize   = 64
)

// block is what memory keeps of a block.
type block struct {
	file         *blockFile
	stream       *stream
	offset       int64
	size, prefix uint32
	minT, maxT   int64
	count, raw   uint32
	filterAt     int64
	filterSize   uint32
	filterCRC    uint32
	bad          atomic.Bool // found damaged, counted, and left out since
}

type blockFile struct {
	fsys         vfs.FS
	path         string
	day          string
	number, salt uint64
	size         int64
	entries, raw int64
	minT, maxT   int64
	blocks       []*block
	dropped      atomic.Bool // removed by retention
	replaces     []replaced  // files merged into this one
	damaged      bool        // found by a merge, which only Maintain does
	// pins counts the queries that may yet open the file. Store.mu orders
	// the first of them before the file is taken out of sight.
	pins atomic.Int64

	mu   sync.Mutex
	refs int
	f    vfs.File
}

func (bf *blockFile) name() string { return saltedName(bf.number, bf.salt, blockFileExt) }

// acquire opens the file for a query; release closes it after the last one.
func (bf *blockFile) acquire() error {
	bf.mu.Lock()
	defer bf.mu.Unlock()
	if bf.refs == 0 {
		f, err := bf.fsys.OpenFile(bf.path, os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		bf.f = f
	}
	bf.refs++
	return nil
}

func (bf *blockFile) release() {
	bf.mu.Lock()
	defer bf.mu.Unlock()
	if bf.refs--; bf.refs == 0 {
		_ = bf.f.Close()
		bf.f = nil
	}
}

// appendIndex encodes the index of blocks whose streams are numbered by the
// order in which they first occur.
func appendIndex(b []byte, blocks []*block, replaces []replaced) []byte {
	numbers := map[*stream]uint64{}
	var streams []*stream
	for _, bl := range blocks {
		if _, ok := numbers[bl.stream]; !ok {
			numbers[bl.stream] = uint64(len(streams))
			streams = append(streams, bl.stream)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(streams)))
	for _, st := range streams {
		b = appendLabels(b, st.labels)
	}
	b = binary.AppendUvarint(b, uint64(len(blocks)))
	for _, bl := range blocks {
		for _, v := range []uint64{numbers[bl.stream], uint64(bl.offset), uint64(bl.size), uint64(bl.prefix)} {
			b = binary.AppendUvarint(b, v)
		}
		b = binary.AppendVarint(b, bl.minT)
		b = binary.AppendVarint(b, bl.maxT-bl.minT)
		for _, v := range []uint64{uint64(bl.count), uint64(bl.raw), uint64(bl.filterAt), uint64(bl.filterSize), uint64(bl.filterCRC)} {
			b = binary.AppendUvarint(b, v)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(replaces)))
	for _, r := range replaces {
		b = binary.AppendUvarint(b, r.number)
		b = binary.AppendUvarint(b, r.salt)
	}
	return b
}

func appendFooter(b []byte, salt uint64, offset, filtersAt, indexAt int64, index []byte, indexRaw int) []byte {
	start := len(b)
	b = append(b, footerMagic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(filtersAt))
	b = binary.LittleEndian.AppendUint64(b, uint64(indexAt))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(index)))
	b = binary.LittleEndian.AppendUint32(b, uint32(indexRaw))
	b = binary.LittleEndian.AppendUint32(b, crc(index))
	b = append(b, make([]byte, 24)...)
	return binary.LittleEndian.AppendUint32(b, saltedCRC(salt, offset, b[start:]))
}

// foundBlock is an index entry before its stream is known to the store.
type foundBlock struct {
	block
	labels labels.Labels
}

// readIndex reads the footer and the index; errCorrupt if either is damaged.
func (bf *blockFile) readIndex(f vfs.File) ([]*foundBlock, error) {
	if bf.size < footerSize {
		return nil, errCorrupt
	}
	var foot [footerSize]byte
	at := bf.size - footerSize
	if _, err := f.ReadAt(foot[:], at); err != nil {
		return nil, err
	}
	if string(foot[:8]) != footerMagic || binary.LittleEndian.Uint32(foot[60:]) != saltedCRC(bf.salt, at, foot[:60]) {
		return nil, errCorrupt
	}
	indexAt := int64(binary.LittleEndian.Uint64(foot[16:]))
	size, raw := binary.LittleEndian.Uint32(foot[24:]), binary.LittleEndian.Uint32(foot[28:])
	if indexAt < 0 || indexAt+int64(size) != at || raw > maxSection {
		return nil, errCorrupt
	}
	packed := make([]byte, size)
	if _, err := f.ReadAt(packed, indexAt); err != nil {
		return nil, err
	}
	if crc(packed) != binary.LittleEndian.Uint32(foot[32:]) {
		return nil, errCorrupt
	}
	index, err := unzip(nil, packed, raw)
	if err != nil {
		return nil, err
	}
	var blocks []*foundBlock
	blocks, bf.replaces, err = parseIndex(index, indexAt)
	return blocks, err
}

func parseIndex(index []byte, limit int64) ([]*foundBlock, []replaced, error) {
	d := decoder{b: index}
	sb := labels.NewScratchBuilder(8)
	var streams []labels.Labels
	for n := d.count(); n > 0 && d.err == nil; n-- {
		streams = append(streams, d.labels(&sb))
	}
	var blocks []*foundBlock
	for n := d.count(); n > 0 && d.err == nil; n-- {
		fb := &foundBlock{}
		st := d.uvarint()
		if st >= uint64(len(streams)) {
			return nil, nil, errCorrupt
		}
		fb.labels = streams[st]
		fb.offset, fb.size, fb.prefix = int64(d.uvarint()), uint32(d.uvarint()), uint32(d.uvarint())
		fb.minT = d.varint()
		fb.maxT = fb.minT + d.varint()
		fb.count, fb.raw = uint32(d.uvarint()), uint32(d.uvarint())
		fb.filterAt, fb.filterSize, fb.filterCRC = int64(d.uvarint()), uint32(d.uvarint()), uint32(d.uvarint())
		if fb.prefix < blockHeaderSize || fb.prefix > fb.size || fb.offset < 0 || fb.offset+int64(fb.size) > limit ||
			fb.filterAt < 0 || fb.filterAt+int64(fb.filterSize) > limit || fb.maxT < fb.minT {
			return nil, nil, errCorrupt
		}
		blocks = append(blocks, fb)
	}
	var replaces []replaced
	for n := d.count(); n > 0 && d.err == nil; n-- {
		replaces = append(replaces, replaced{d.uvarint(), d.uvarint()})
	}
	if d.err != nil || len(d.b) > 0 {
		return nil, nil, errCorrupt
	}
	return blocks, replaces, nil
}

// load reads what memory keeps. rebuilt says that the index was damaged and the
// blocks' own headers were used.
func (bf *blockFile) load() (blocks []*foundBlock, rebuilt bool, err error) {
	f, err := bf.fsys.OpenFile(bf.path, os.O_RDONLY, 0)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	bf.size = info.Size()
	blocks, err = bf.readIndex(f)
	if err == errCorrupt {
		rebuilt = true
		var all []byte
		if all, err = vfs.ReadFile(bf.fsys, bf.path); err == nil {
			blocks = findBlocks(all, bf.salt)
		}
	}
	return blocks, rebuilt, err
}

// openBlockFile describes a file by its place, without reading it.
func openBlockFile(fsys vfs.FS, dir, day, name string) (*blockFile, bool) {
	number, salt, ok := parseSaltedName(name, blockFileExt)
	return &blockFile{fsys: fsys, path: filepath.Join(dir, day, name), day: day, number: number, salt: salt}, ok
}
