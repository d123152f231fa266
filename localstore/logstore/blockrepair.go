package logstore

import (
	"bytes"

	"github.com/prometheus/prometheus/model/labels"
)

// findBlocks rebuilds an index from the headers of the blocks. The headers'
// checksums hold the file's salt, so a line that looks like a block is none.
// The filters are lost with the index; without them nothing is skipped.
func findBlocks(file []byte, salt uint64) []*foundBlock {
	sb := labels.NewScratchBuilder(8)
	var found []*foundBlock
	for off := int64(0); off < int64(len(file)); {
		if h, ok := parseBlockHeader(file[off:], salt, off); ok && off+h.size() <= int64(len(file)) {
			ls := file[off+blockHeaderSize:][:h.labels]
			d := decoder{b: ls}
			if crc(ls) == h.labelsCRC {
				fb := &foundBlock{labels: d.labels(&sb)}
				fb.offset, fb.size, fb.prefix = off, uint32(h.size()), uint32(h.prefix())
				fb.minT, fb.maxT, fb.count, fb.raw = h.minT, h.maxT, h.count, h.linesRaw
				if d.err == nil && len(d.b) == 0 {
					found = append(found, fb)
				}
			}
			off += h.size()
			continue
		}
		next := bytes.Index(file[off+1:], []byte(blockMagic))
		if next < 0 {
			break
		}
		off += 1 + int64(next)
	}
	return found
}
