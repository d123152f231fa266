package logstore

import (
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
)

// stream is one set of labels and all that is stored under it. Fields below
// labels are guarded by Store.mu; slices only grow at their end, so a reader
// may keep what it saw under the lock.
type stream struct {
	id     uint32
	labels labels.Labels
	// pending counts Appends that resolved the stream and have not been
	// applied; it keeps the stream from being forgotten.
	pending atomic.Int32
	sender  string // see senderOf
	// active streams count towards Options.MaxStreams.
	active    bool
	lastWrite int64 // by the store's clock

	head     *head
	flushing *head
	// headBefore is how many entries the head before had: likely as many come.
	headBefore int
	blocks     []*block // by arrival: file number, offset
}

// head is a stream's entries in memory, in the order of arrival.
type head struct {
	entries    []headEntry
	bytes      int
	raw        int64 // of the lines
	minT, maxT int64
	sorted     bool
}

// entryOverhead is what the head keeps beside an entry's bytes.
const entryOverhead = 32

func (h *head) add(entries []headEntry) (bytes int) {
	for _, e := range entries {
		if len(h.entries) == 0 {
			h.minT, h.maxT, h.sorted = e.ts, e.ts, true
		}
		h.sorted = h.sorted && e.ts >= h.maxT
		h.minT, h.maxT = min(h.minT, e.ts), max(h.maxT, e.ts)
		h.entries = append(h.entries, e)
		line, _ := e.split()
		h.raw += int64(len(line))
		bytes += len(e.rec) + entryOverhead
	}
	h.bytes += bytes
	return bytes
}

func (h *head) overlaps(from, to int64) bool { return h != nil && h.minT < to && h.maxT >= from }

// overlaps reports whether the stream may have entries in from <= t < to.
func (st *stream) overlaps(from, to int64) bool {
	return st.head.overlaps(from, to) || st.flushing.overlaps(from, to) ||
		slices.ContainsFunc(st.blocks, func(b *block) bool { return b.minT < to && b.maxT >= from })
}

func (st *stream) empty() bool {
	return st.head == nil && st.flushing == nil && len(st.blocks) == 0
}

// streamIndex finds streams by their labels: name → value → ids, ascending.
type streamIndex struct {
	byHash   map[uint64][]*stream
	byID     map[uint32]*stream
	postings map[string]map[string][]uint32
	nextID   uint32
	active   int
	senders  map[string]*senderCount
}

// senderCount is what one sender has of the streams.
type senderCount struct{ active, all int }

func newStreamIndex() streamIndex {
	return streamIndex{byHash: map[uint64][]*stream{}, byID: map[uint32]*stream{}, postings: map[string]map[string][]uint32{},
		senders: map[string]*senderCount{}}
}

func (x *streamIndex) get(ls labels.Labels) *stream {
	for _, st := range x.byHash[ls.Hash()] {
		if labels.Equal(st.labels, ls) {
			return st
		}
	}
	return nil
}

// getOrCreate returns the stream of ls, which is copied if it is new.
func (x *streamIndex) getOrCreate(ls labels.Labels) *stream {
	if st := x.get(ls); st != nil {
		return st
	}
	st := &stream{id: x.nextID, labels: ls.Copy()}
	st.sender = senderOf(st.labels)
	x.nextID++
	x.insert(st)
	return st
}

func (x *streamIndex) insert(st *stream) {
	h := st.labels.Hash()
	x.byHash[h] = append(x.byHash[h], st)
	x.byID[st.id] = st
	c := x.sender(st)
	c.all++
	if st.active {
		c.active++
		x.active++
	}
	st.labels.Range(func(l labels.Label) {
		values := x.postings[l.Name]
		if values == nil {
			values = map[string][]uint32{}
			x.postings[l.Name] = values
		}
		values[l.Value] = append(values[l.Value], st.id)
	})
}

func (x *streamIndex) sender(st *stream) *senderCount {
	c := x.senders[st.sender]
	if c == nil {
		c = &senderCount{}
		x.senders[st.sender] = c
	}
	return c
}

// senderLabels name who writes a stream, the most specific to a product first:
// those by which Loki finds a stream's service.
var senderLabels = []string{"service_name", "service", "app", "application", "app_name", "name", "app_kubernetes_io_name",
	"container", "container_name", "k8s_container_name", "component", "workload", "job", "k8s_job_name"}

func senderOf(ls labels.Labels) string {
	for _, name := range senderLabels {
		if v := ls.Get(name); v != "" && v != "unknown_service" {
			return v
		}
	}
	return ""
}

// room says whether there is room for a stream to become active; st is nil if
// it is new. One sender may have half of what there is, so that one that makes
// a stream of every request leaves the other half to everybody else.
func (x *streamIndex) room(st *stream, ls labels.Labels, limit int) bool {
	sender := senderCount{}
	if c := x.senders[senderOf(ls)]; c != nil {
		sender = *c
	}
	share := (limit + 1) / 2
	if x.active >= limit || sender.active >= share {
		return false
	}
	return st != nil || len(x.byID) < retainedStreams*limit && sender.all < retainedStreams*share
}

// retainedStreams times as many streams as may be active may have entries.
const retainedStreams = 10

func (x *streamIndex) activate(st *stream) {
	if !st.active {
		st.active = true
		x.active++
		x.sender(st).active++
	}
}

func (x *streamIndex) deactivate(st *stream) {
	if st.active {
		st.active = false
		x.active--
		x.sender(st).active--
	}
}

// forget removes the streams that gone names and builds the postings anew.
func (x *streamIndex) forget(gone func(*stream) bool) {
	var keep []*stream
	for _, st := range x.byID {
		if !gone(st) {
			keep = append(keep, st)
		}
	}
	if len(keep) == len(x.byID) {
		return
	}
	slices.SortFunc(keep, func(a, b *stream) int { return int(a.id) - int(b.id) })
	next := newStreamIndex()
	next.nextID = x.nextID
	for _, st := range keep {
		next.insert(st)
	}
	*x = next
}

// match returns the streams that all matchers select. A matcher that accepts
// the empty string also selects streams without the label, as in Prometheus.
func (x *streamIndex) match(matchers []*labels.Matcher) []*stream {
	var ids []uint32
	started := false
	for _, m := range matchers {
		if m.Matches("") {
			continue
		}
		set := x.union(m.Name, m.Matches, m)
		if started {
			set = intersect(ids, set)
		}
		if ids, started = set, true; len(ids) == 0 {
			return nil
		}
	}
	if !started {
		ids = make([]uint32, 0, len(x.byID))
		for id := range x.byID {
			ids = append(ids, id)
		}
		slices.Sort(ids)
	}
	for _, m := range matchers {
		if m.Matches("") {
			ids = subtract(ids, x.union(m.Name, func(v string) bool { return !m.Matches(v) }, nil))
		}
	}
	out := make([]*stream, len(ids))
	for i, id := range ids {
		out[i] = x.byID[id]
	}
	return out
}

// union returns the ids under a name whose value passes. An equality matcher
// looks its value up instead of trying all.
func (x *streamIndex) union(name string, pass func(string) bool, m *labels.Matcher) []uint32 {
	values := x.postings[name]
	if m != nil && m.Type == labels.MatchEqual {
		return values[m.Value]
	}
	var ids []uint32
	lists := 0
	for v, list := range values {
		if pass(v) {
			switch lists++; lists {
			case 1:
				ids = list // not ours to change
			case 2:
				ids = append(slices.Clone(ids), list...)
			default:
				ids = append(ids, list...)
			}
		}
	}
	if lists > 1 {
		slices.Sort(ids)
	}
	return ids
}

func intersect(a, b []uint32) []uint32 {
	if len(a) > len(b) {
		a, b = b, a
	}
	var out []uint32
	for _, id := range a {
		i := sort.Search(len(b), func(i int) bool { return b[i] >= id })
		if i < len(b) && b[i] == id {
			out = append(out, id)
		}
		b = b[i:]
	}
	return out
}

func subtract(a, b []uint32) []uint32 {
	if len(b) == 0 {
		return a
	}
	out := make([]uint32, 0, len(a))
	for _, id := range a {
		for len(b) > 0 && b[0] < id {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != id {
			out = append(out, id)
		}
	}
	return out
}

// The shape of stream labels, near to Loki's limits.
const (
	maxLabels     = 64
	maxLabelName  = 1024
	maxLabelValue = 2048
)

// validLabels drops empty values, which mean absence, and reports whether the
// rest can name a stream.
func validLabels(ls labels.Labels) (labels.Labels, bool) {
	n, last, sorted, ok, empty := 0, "", true, true, false
	ls.Range(func(l labels.Label) {
		n++
		sorted = sorted && l.Name > last
		last = l.Name
		empty = empty || l.Value == ""
		ok = ok && validLabelName(l.Name) && len(l.Value) <= maxLabelValue && utf8.ValidString(l.Value)
	})
	if !ok || n > maxLabels {
		return ls, false
	}
	if !sorted {
		all := make([]labels.Label, 0, n)
		ls.Range(func(l labels.Label) { all = append(all, l) })
		slices.SortFunc(all, func(a, b labels.Label) int { return strings.Compare(a.Name, b.Name) })
		ls = labels.New(all...)
		if _, dup := ls.HasDuplicateLabelNames(); dup {
			return ls, false
		}
	}
	if empty {
		ls = ls.WithoutEmpty()
	}
	return ls, !ls.IsEmpty()
}

func validLabelName(s string) bool {
	if s == "" || len(s) > maxLabelName || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}
