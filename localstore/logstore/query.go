package logstore

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// query is one Iterate or Scan at work.
type query struct {
	s       *Store
	ctx     context.Context
	sel     Selection
	needles [][]byte // Contains, the longest first, without empty ones
	grams   needleGrams
	shaped  []*needle // the needles, for lines by shape
	streams []*streamSelection
	stats   *QueryStats
	ahead   *lookahead // nil if the query reads by itself
	pinned  []*blockFile
}

// streamSelection is what a query saw of one stream: every entry in exactly
// one source.
type streamSelection struct {
	labels  labels.Labels
	sources []source
	having  []havingHash
}

type havingHash struct {
	name, value string
	hash        uint64
}

// newQuery looks at the store once. The streams come sorted by their labels.
func (s *Store) newQuery(ctx context.Context, sel Selection) *query {
	q := &query{s: s, ctx: ctx, sel: sel, stats: sel.Stats}
	if q.stats == nil {
		q.stats = &QueryStats{}
	}
	for _, c := range sel.Contains {
		if c != "" {
			q.needles = append(q.needles, []byte(c))
		}
	}
	slices.SortStableFunc(q.needles, func(a, b []byte) int { return cmp.Compare(len(b), len(a)) })
	q.grams, q.shaped = gramsOf(q.needles), needlesOf(q.needles)
	s.mu.RLock()
	for _, st := range s.index.match(sel.Matchers) {
		if ss := st.selection(sel.From, sel.To); ss != nil {
			q.streams = append(q.streams, ss)
		}
	}
	for _, ss := range q.streams {
		for _, src := range ss.sources {
			if src.block != nil {
				q.pin(src.block.file)
			}
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(q.streams, func(a, b *streamSelection) int { return labels.Compare(a.labels, b.labels) })
	var buf []byte
	for _, want := range sel.Having {
		var h uint64
		h, buf = metadataHash(buf, want.Name, want.Value)
		want := havingHash{strings.Clone(want.Name), strings.Clone(want.Value), h}
		for _, ss := range q.streams {
			if !ss.labels.Has(want.name) { // else its records may be wanted for that
				ss.having = append(ss.having, want)
			}
		}
	}
	return q
}

// admit accounts for lines that are about to be walked.
func (q *query) admit(lines, bytes int) error {
	q.stats.Lines.Add(int64(lines))
	q.stats.Bytes.Add(int64(bytes))
	if q.sel.Admit == nil {
		return nil
	}
	return q.sel.Admit(lines, bytes)
}

// pin keeps a file that a merge replaces on the disk until the query has ended.
// Retention does not wait.
func (q *query) pin(f *blockFile) {
	if n := len(q.pinned); n > 0 && q.pinned[n-1] == f || slices.Contains(q.pinned[max(0, n-8):], f) {
		return
	}
	f.pins.Add(1)
	q.pinned = append(q.pinned, f)
}

// end must be called once.
func (q *query) end() {
	q.ahead.close()
	q.ahead = nil
	for _, f := range q.pinned {
		f.pins.Add(-1)
	}
	q.pinned = nil
}

// selection needs Store.mu. It returns nil if nothing overlaps.
func (st *stream) selection(from, to int64) *streamSelection {
	var src []source
	add := func(b *block, h *head, minT, maxT int64) {
		if minT < to && maxT >= from {
			src = append(src, source{order: len(src), block: b, head: h, minT: max(minT, from), maxT: min(maxT, to-1)})
		}
	}
	for _, b := range st.blocks {
		add(b, nil, b.minT, b.maxT)
	}
	for _, h := range []*head{st.flushing, st.head} {
		if h != nil {
			c := *h // its slice may grow behind what we see, which stays as it is
			add(nil, &c, h.minT, h.maxT)
		}
	}
	if src == nil {
		return nil
	}
	return &streamSelection{labels: st.labels, sources: src}
}
