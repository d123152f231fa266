package metricstore

import (
	"context"
	"fmt"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Appender implements storage.Appendable for the results of rules, which are
// samples already. They go the way of every other: not onto a disk without
// room, and not behind a torn record.
//
// The caller must end with Commit or Rollback, and must not query in between:
// the store cannot be mended or closed meanwhile.
func (s *Store) Appender(ctx context.Context) storage.Appender {
	if err := s.writable(); err != nil {
		return &resultAppender{err: err}
	}
	s.mu.RLock()
	if s.db == nil {
		s.mu.RUnlock()
		return &resultAppender{err: fmt.Errorf("append metrics: %w", tsdb.ErrNotReady)}
	}
	return &resultAppender{Appender: s.db.Appender(ctx), s: s}
}

// resultAppender holds the store's lock until its end. With err set there is
// no appender behind it, and it refuses everything.
type resultAppender struct {
	storage.Appender
	s     *Store
	err   error
	count int64
}

func (a *resultAppender) SetOptions(o *storage.AppendOptions) {
	if a.err == nil {
		a.Appender.SetOptions(o)
	}
}

func (a *resultAppender) Append(ref storage.SeriesRef, l labels.Labels, t int64, v float64) (storage.SeriesRef, error) {
	if a.err != nil {
		return 0, a.err
	}
	ref, err := a.Appender.Append(ref, l, t, v)
	if err == nil {
		a.count++
	}
	return ref, err
}

func (a *resultAppender) AppendHistogram(ref storage.SeriesRef, l labels.Labels, t int64, h *histogram.Histogram, fh *histogram.FloatHistogram) (storage.SeriesRef, error) {
	if a.err != nil {
		return 0, a.err
	}
	ref, err := a.Appender.AppendHistogram(ref, l, t, h, fh)
	if err == nil {
		a.count++
	}
	return ref, err
}

func (a *resultAppender) Commit() error {
	if a.err != nil {
		return a.err
	}
	defer a.s.mu.RUnlock()
	if err := a.s.commit(a.Appender); err != nil {
		return err
	}
	a.s.accepted.Add(a.count)
	return nil
}

func (a *resultAppender) Rollback() error {
	if a.err != nil {
		return nil
	}
	defer a.s.mu.RUnlock()
	return a.Appender.Rollback()
}
