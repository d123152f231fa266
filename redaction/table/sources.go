package table

import (
	"math/bits"
	"sync/atomic"
)

// budget bounds the sources of all signals of a table together.
type budget struct {
	used  atomic.Int64
	limit int64
}

func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.limit {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// source is what is remembered of one stream of points.
type source struct {
	id          hash128
	start, time uint64 // nanoseconds; 0: never said
	value       uint64 // the last value's bits; of a histogram, its sum's
	cell        int32
	seen        uint32 // the report after which it was last kept
	isInt       bool   // value is an int's bits
	hasSum      bool   // histograms: value is set
}

// sources are those of one signal, guarded by its lock. They lie in the order
// of their arrival, so that sums over them do not depend on the random key of
// the hash; an index with open addressing finds them:
//
//	index  ┌───────────────┬───────────────┐
//	       │ tag, 32 bits  │ position + 1  │  0: empty
//	       └───────────────┴───────────────┘
type sources struct {
	index   []uint64 // a power of two, at most three quarters full
	list    []source
	buckets []uint64 // histograms: width counts a source
	width   int
	next    int // where the next source is looked for first: batches resemble each other
}

func slotOf(id hash128) (tag, slot uint64) {
	h := (id.lo ^ bits.RotateLeft64(id.hi, 32)) * 0x9e3779b97f4a7c15
	return h & (1<<32 - 1) << 32, h >> 32
}

func (s *sources) find(id hash128) (int32, bool) {
	if next := s.next; uint(next) < uint(len(s.list)) && s.list[next].id == id {
		s.next++
		return int32(next), true
	}
	if len(s.index) == 0 {
		return 0, false
	}
	mask := uint64(len(s.index) - 1)
	tag, slot := slotOf(id)
	for i := slot & mask; ; i = (i + 1) & mask {
		e := s.index[i]
		if e == 0 {
			return 0, false
		}
		if e&^(1<<32-1) == tag {
			if pos := int32(e) - 1; s.list[pos].id == id {
				s.next = int(pos) + 1
				return pos, true
			}
		}
	}
}

// insert adds a source that find did not find.
func (s *sources) insert(src source) int32 {
	if 4*(len(s.list)+1) > 3*len(s.index) {
		s.reindex(max(16, 2*len(s.index)))
	}
	pos := int32(len(s.list))
	s.list = append(s.list, src)
	for range s.width {
		s.buckets = append(s.buckets, 0)
	}
	s.place(pos)
	return pos
}

func (s *sources) place(pos int32) {
	mask := uint64(len(s.index) - 1)
	tag, slot := slotOf(s.list[pos].id)
	i := slot & mask
	for s.index[i] != 0 {
		i = (i + 1) & mask
	}
	s.index[i] = tag | uint64(pos+1)
}

func (s *sources) reindex(size int) {
	if size == len(s.index) {
		clear(s.index)
	} else {
		s.index = make([]uint64, size)
	}
	for pos := range s.list {
		s.place(int32(pos))
	}
}

// counts are the last bucket counts of a histogram's source.
func (s *sources) counts(pos int32) []uint64 {
	return s.buckets[int(pos)*s.width : (int(pos)+1)*s.width]
}

// expire forgets the sources that were last kept before the given report, and
// returns how many those were and the latest start among them. The memory is
// given back once most of it is unused.
func (s *sources) expire(before uint32) (gone int, latestStart uint64) {
	kept := 0
	for pos := range s.list {
		src := s.list[pos]
		if src.seen < before {
			latestStart = max(latestStart, src.start)
			continue
		}
		if kept != pos {
			s.list[kept] = src
			copy(s.counts(int32(kept)), s.counts(int32(pos)))
		}
		kept++
	}
	gone = len(s.list) - kept
	if gone == 0 {
		return 0, 0
	}
	s.list, s.buckets = s.list[:kept], s.buckets[:kept*s.width]
	size := len(s.index)
	if kept < size/8 {
		size = max(16, 1<<bits.Len(uint(2*kept)))
		s.list = append([]source(nil), s.list...)
		s.buckets = append([]uint64(nil), s.buckets...)
	}
	s.reindex(size)
	return gone, latestStart
}
