package gateprocessor

import (
	"container/list"
	"hash/maphash"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

const (
	// maxInstalls bounds what strangers can make the fleet remember.
	maxInstalls = 100_000
	shards      = 64
	// remembered reports of one install. The edge sends in order and one at a
	// time, so that only the last few can come again.
	remembered = 8
)

// verdict on a report's place in the sequence.
type verdict int

const (
	fresh     verdict = iota // after all before
	already                  // one of those accepted
	restarted                // counted anew, and later than all before
	stale                    // of the past, and not one of those
)

// history is what is remembered of one install.
type history struct {
	last   uint64
	newest pcommon.Timestamp
	recent [remembered]struct {
		sequence uint64
		time     pcommon.Timestamp
	}
	next int
}

func (h *history) judge(sequence uint64, t pcommon.Timestamp) verdict {
	if sequence > h.last {
		return fresh
	}
	for _, r := range h.recent {
		if r.sequence == sequence && r.time == t {
			return already
		}
	}
	// The edge's ledger was lost, or restored from a backup. Gateways that have
	// not heard of the install would take it, and so must this one; the receipts
	// tell what became of the ledger.
	if t > h.newest {
		return restarted
	}
	return stale
}

func (h *history) add(sequence uint64, t pcommon.Timestamp) {
	h.last, h.newest = sequence, max(h.newest, t)
	h.recent[h.next].sequence, h.recent[h.next].time = sequence, t
	h.next = (h.next + 1) % remembered
}

// installs remembers the histories of those heard last.
type installs struct {
	seed   maphash.Seed
	limit  int // of one shard
	shards [shards]shard
}

// shard is locked as a whole while one of its installs is dealt with: reports
// of one install must not overtake each other, and its history must not be
// forgotten meanwhile.
type shard struct {
	mu     sync.Mutex
	byID   map[string]*list.Element
	recent list.List // of *entry, the one heard last in front
}

type entry struct {
	id      string
	history history
}

func newInstalls(limit int) *installs {
	return &installs{seed: maphash.MakeSeed(), limit: max(limit/shards, 1)}
}

// with calls use with the install's history. An install is remembered if use
// succeeds; forgotten is called if another is forgotten for it.
func (i *installs) with(id string, use func(*history) error, forgotten func()) error {
	s := &i.shards[maphash.String(i.seed, id)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.byID[id]; ok {
		s.recent.MoveToFront(e)
		return use(&e.Value.(*entry).history)
	}
	one := &entry{id: id}
	if err := use(&one.history); err != nil {
		return err
	}
	if s.byID == nil {
		s.byID = map[string]*list.Element{}
	}
	if len(s.byID) >= i.limit {
		oldest := s.recent.Back()
		s.recent.Remove(oldest)
		delete(s.byID, oldest.Value.(*entry).id)
		forgotten()
	}
	s.byID[id] = s.recent.PushFront(one)
	return nil
}
