package logstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Compaction merges neighbouring files of one day whose blocks are small, so
// that a slow stream does not stay in as many blocks as there were flushes.
//
// The order of writes, and what a crash leaves after each:
//
//  1. Write <file>.tmp, sync it, rename it, sync the day's folder. The rename is
//     the commit: the new file's index names the files that it replaces, and a
//     reader that finds both passes over those. It has the number of the last
//     of them, so the order of arrival stays.
//  2. Show its blocks to queries in place of the old ones, in one step.
//  3. Remove the old files as soon as no query that began before step 2 needs
//     them, and sync the folder. A crash leaves files that the next start
//     removes.
//
// If step 1 fails the old files stay; what it may have left is removed, and
// named as replaced by the next attempt in case it comes back.
const (
	// compactBytes bounds the lines that one merge reads, and with them its
	// duration.
	compactBytes = 256 << 20
	// compactFiles is how many files a merge of the running day takes at
	// least; a day that is over takes two.
	compactFiles = 4
	maxReplaced  = 1 << 12
)

// replaced names a file of the same day.
type replaced struct{ number, salt uint64 }

// compact does at most one merge.
func (s *Store) compact(ctx context.Context, now time.Time) error {
	s.mu.RLock()
	files := slices.Clone(s.files)
	s.mu.RUnlock()
	inputs := s.pickMerge(files, now)
	if inputs == nil {
		return nil
	}
	merged, err := s.mergeFiles(ctx, inputs)
	if err != nil {
		if ctx.Err() == nil {
			s.counts.compactionFailures.Add(1)
		}
		return fmt.Errorf("merge block files: %w", err)
	}
	if merged == nil {
		return nil
	}
	s.mu.Lock()
	s.replaceFiles(inputs, merged)
	s.mu.Unlock()
	s.counts.compactions.Add(1)
	s.doomed = append(s.doomed, inputs...)
	return nil
}

// pickMerge finds neighbours worth merging: the longest run, the oldest first,
// in which no file is much larger than all others together, so that a file is
// written again only a few times.
func (s *Store) pickMerge(files []*blockFile, now time.Time) []*blockFile {
	slices.SortStableFunc(files, func(a, b *blockFile) int {
		return cmp.Or(strings.Compare(a.day, b.day), cmp.Compare(a.number, b.number))
	})
	today := dayName(now.UnixNano())
	var best []*blockFile
	for i := range files {
		least := 2
		if files[i].day >= today {
			least = compactFiles
		}
		var sum, largest int64
		for j := i; j < len(files) && files[j].day == files[i].day && s.small(files[j]); j++ {
			sum, largest = sum+files[j].raw, max(largest, files[j].raw)
			if sum > compactBytes || j-i >= 128 {
				break
			}
			if n := j - i + 1; n >= least && largest <= 2*(sum-largest) && n > len(best) {
				best = files[i : j+1]
			}
		}
		if best != nil && (i+1 == len(files) || files[i+1].day != best[0].day) {
			return best
		}
	}
	return best
}

// small says whether a file's blocks are, on average, less than half full. A
// file with a damaged block stays as it is: what is lost must stay in sight.
func (s *Store) small(f *blockFile) bool {
	return !f.damaged && f.raw < int64(len(f.blocks))*int64(s.o.BlockBytes)/2 &&
		!slices.ContainsFunc(f.blocks, func(b *block) bool { return b.bad.Load() })
}

// mergeFiles writes the merged file and puts it in its place. It returns nil
// without an error if a file turned out to be damaged.
func (s *Store) mergeFiles(ctx context.Context, inputs []*blockFile) (*blockFile, error) {
	last := inputs[len(inputs)-1]
	w, err := newFileWriter(s.fsys, s.dir, last.day, last.number, newSalt())
	if err != nil {
		return nil, err
	}
	for _, f := range append(slices.Clip(s.doomed), inputs...) {
		if f.day == last.day {
			w.bf.replaces = append(w.bf.replaces, replaced{f.number, f.salt})
		}
	}
	streams := map[*stream]*streamSelection{}
	var order []*stream
	for _, f := range inputs {
		for _, b := range f.blocks {
			ss := streams[b.stream]
			if ss == nil {
				ss = &streamSelection{labels: b.stream.labels}
				streams[b.stream] = ss
				order = append(order, b.stream)
			}
			ss.sources = append(ss.sources, source{order: len(ss.sources), block: b, minT: b.minT, maxT: b.maxT})
		}
	}
	slices.SortFunc(order, func(a, b *stream) int { return labels.Compare(a.labels, b.labels) })
	q := &query{s: s, ctx: ctx, sel: Selection{To: 1<<63 - 1, From: -1 << 63}, stats: &QueryStats{}}
	c := compactor{q: q, w: w, blockBytes: s.o.BlockBytes}
	for _, st := range order {
		if err == nil {
			err = c.stream(st, streams[st])
		}
	}
	if err == nil && len(w.bf.replaces) > maxReplaced {
		err = errors.New("too many replaced files cannot be removed")
	}
	if err == nil {
		for _, f := range inputs {
			if !s.small(f) { // a block that cannot be read was just left out
				err = errCorrupt
			}
		}
	}
	if err = w.finish(err); err == nil {
		return w.bf, nil
	}
	// If the rename took hold, the file has to go before anything else does.
	s.doomed = append(s.doomed, w.bf)
	if err == errCorrupt {
		err = nil
	}
	return nil, err
}

// replaceFiles needs s.mu. Slices are copied: queries hold on to the old ones.
func (s *Store) replaceFiles(inputs []*blockFile, merged *blockFile) {
	old := map[*blockFile]bool{}
	for _, f := range inputs {
		old[f] = true
	}
	byStream := map[*stream][]*block{}
	for _, b := range merged.blocks {
		byStream[b.stream] = append(byStream[b.stream], b)
	}
	for st, blocks := range byStream {
		at := slices.IndexFunc(st.blocks, func(b *block) bool { return old[b.file] })
		kept := make([]*block, 0, len(st.blocks))
		for i, b := range st.blocks {
			if i == at {
				kept = append(kept, blocks...)
			}
			if !old[b.file] {
				kept = append(kept, b)
			}
		}
		st.blocks = kept
	}
	files := make([]*blockFile, 0, len(s.files))
	for _, f := range s.files {
		if f == inputs[len(inputs)-1] {
			files = append(files, merged)
		} else if !old[f] {
			files = append(files, f)
		}
	}
	s.files = files
}

// removeDoomed removes replaced files that no query reads any more. Only
// Maintain calls it; a file that nobody can see gets no new readers.
func (s *Store) removeDoomed() error {
	var errs []error
	var left []*blockFile
	folders := map[string]bool{}
	for _, f := range s.doomed {
		if f.pins.Load() > 0 {
			left = append(left, f)
			continue
		}
		if err := s.fsys.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			left = append(left, f)
			continue
		}
		folders[filepath.Dir(f.path)] = true
	}
	for folder := range folders {
		// Until its name is durably gone a file stays among those that the
		// next merge names.
		if err := s.fsys.SyncDir(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			left = s.doomed
		}
	}
	var size int64
	for _, f := range left {
		size += f.size
	}
	s.counts.doomedBytes.Store(size)
	s.doomed = left
	return errors.Join(errs...)
}

// compactor writes one stream after another.
type compactor struct {
	q          *query
	w          *fileWriter
	blockBytes int
	arena      []byte
	entries    []headEntry
	raw        []byte
}

// stream merges what the inputs have of a stream. A block that is full enough
// and shares no instant with another is copied as it is.
func (c *compactor) stream(st *stream, ss *streamSelection) error {
	c.w.labels = appendLabels(c.w.labels[:0], st.labels)
	src := slices.Clone(ss.sources)
	slices.SortStableFunc(src, func(a, b source) int { return cmp.Compare(a.minT, b.minT) })
	for len(src) > 0 {
		n, maxT := 1, src[0].maxT
		for n < len(src) && src[n].minT <= maxT {
			maxT = max(maxT, src[n].maxT)
			n++
		}
		if b := src[0].block; n == 1 && int(b.raw) >= c.blockBytes/2 {
			if err := c.emit(st, 0); err != nil {
				return err
			}
			if err := c.copy(st, b); err != nil {
				return err
			}
		} else if err := c.merge(st, ss, src[:n]); err != nil {
			return err
		}
		src = src[n:]
	}
	return c.emit(st, 0)
}

func (c *compactor) merge(st *stream, ss *streamSelection, src []source) error {
	it := newStreamIter(c.q, ss, src)
	defer it.close()
	for n := 0; ; n++ {
		if n%1024 == 0 && c.q.ctx.Err() != nil {
			return c.q.ctx.Err()
		}
		ok, err := it.step()
		if !ok || err != nil {
			return err
		}
		r := it.record()
		size := len(r.Line) + labelsSize(r.Metadata) + 10
		if err := c.emit(st, size); err != nil {
			return err
		}
		if cap(c.arena)-len(c.arena) < size { // only when it holds nothing
			c.arena = make([]byte, 0, max(size, c.blockBytes+c.blockBytes/4))
		}
		at := len(c.arena)
		c.arena = appendString(c.arena, r.Line)
		c.arena = appendLabels(c.arena, r.Metadata)
		c.entries = append(c.entries, headEntry{r.Timestamp, c.arena[at:len(c.arena):len(c.arena)]})
	}
}

// emit writes what has gathered as a block if there is no room for more bytes;
// with 0 it always does.
func (c *compactor) emit(st *stream, more int) error {
	if len(c.entries) == 0 || more > 0 && len(c.arena)+more <= min(c.blockBytes, cap(c.arena)) && len(c.entries) < maxBlockEntries {
		return nil
	}
	err := c.w.block(st, c.entries)
	c.arena, c.entries = c.arena[:0], c.entries[:0]
	return err
}

// copy moves a block with its filter. Its sections keep their checksums, which
// are compared first.
func (c *compactor) copy(st *stream, b *block) error {
	if err := c.q.ctx.Err(); err != nil {
		return err
	}
	if err := b.file.acquire(); err != nil {
		return err
	}
	defer b.file.release()
	c.raw = slices.Grow(c.raw[:0], int(b.size))[:b.size]
	if _, err := b.file.f.ReadAt(c.raw, b.offset); err != nil {
		return err
	}
	h, ok := parseBlockHeader(c.raw, b.file.salt, b.offset)
	if !ok || h.size() != int64(b.size) || !h.intact(c.raw) {
		b.lose(c.q.s)
		b.file.damaged = true
		return errCorrupt
	}
	filter := make([]byte, b.filterSize)
	if b.filterSize > 0 {
		if _, err := b.file.f.ReadAt(filter, b.filterAt); err != nil {
			return err
		}
		if crc(filter) != b.filterCRC {
			b.file.damaged = true // nothing is lost with a filter
			return errCorrupt
		}
	}
	return c.w.copied(st, h, c.raw, filter)
}

// intact compares the checksums of a block's sections.
func (h *blockHeader) intact(b []byte) bool {
	b = b[blockHeaderSize:]
	for _, s := range []struct{ size, sum uint32 }{{h.labels, h.labelsCRC}, {h.times, h.timesCRC}, {h.lines, h.linesCRC}, {h.meta, h.mCRC}} {
		if crc(b[:s.size]) != s.sum {
			return false
		}
		b = b[s.size:]
	}
	return true
}
