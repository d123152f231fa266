package logstore

import (
	"context"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// Series returns the labels of the streams that may have entries in
// from <= t < to, sorted. Whether a stream has some is judged by its blocks'
// times, so a stream with a gap there may be among them.
func (s *Store) Series(ctx context.Context, matchers []*labels.Matcher, from, to int64) ([]labels.Labels, error) {
	var out []labels.Labels
	err := s.eachSeries(ctx, matchers, from, to, func(ls labels.Labels) { out = append(out, ls) })
	slices.SortFunc(out, labels.Compare)
	return out, err
}

// LabelNames returns the label names of these streams, sorted.
func (s *Store) LabelNames(ctx context.Context, matchers []*labels.Matcher, from, to int64) ([]string, error) {
	set := map[string]struct{}{}
	err := s.eachSeries(ctx, matchers, from, to, func(ls labels.Labels) {
		ls.Range(func(l labels.Label) { set[l.Name] = struct{}{} })
	})
	return sorted(set), err
}

// LabelValues returns the values that these streams have for a label, sorted.
func (s *Store) LabelValues(ctx context.Context, name string, matchers []*labels.Matcher, from, to int64) ([]string, error) {
	set := map[string]struct{}{}
	err := s.eachSeries(ctx, matchers, from, to, func(ls labels.Labels) {
		if v := ls.Get(name); v != "" {
			set[v] = struct{}{}
		}
	})
	return sorted(set), err
}

func (s *Store) eachSeries(ctx context.Context, matchers []*labels.Matcher, from, to int64, visit func(labels.Labels)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, st := range s.index.match(matchers) {
		if st.overlaps(from, to) {
			visit(st.labels)
		}
	}
	return nil
}

func sorted(set map[string]struct{}) []string {
	out := make([]string, 0, len(set))
	for v := range set {
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}
