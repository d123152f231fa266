package metricstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
	"github.com/prometheus/prometheus/tsdb"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// targetInfo is the series that holds a resource's attributes.
const targetInfo = "target_info"

// Append stores a batch and does not change it. Without an error, everything
// that Result does not count as rejected is in the write-ahead log. With one,
// nothing of the batch is promised, and the same batch may be sent again.
func (s *Store) Append(ctx context.Context, md pmetric.Metrics) (Result, error) {
	if err := s.writable(); err != nil {
		return Result{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return Result{}, fmt.Errorf("append metrics: %w", tsdb.ErrNotReady)
	}
	var res Result
	parts := sift(md, &res)
	app := s.newAppender(ctx, &res)
	unknown, err := s.convert(ctx, parts.cumulative, app)
	var cum *cumulatingAppender
	if err == nil && parts.hasDelta {
		s.deltas.mu.Lock()
		defer s.deltas.mu.Unlock()
		cum = s.deltas.appender(app, s.opts.Now())
		var more int
		more, err = s.convert(ctx, parts.delta, cum)
		unknown += more
	}
	if err != nil {
		return Result{}, errors.Join(err, app.Rollback())
	}
	res.reject(ReasonUntranslatable, unknown-parts.known)
	if err := s.commit(app); err != nil {
		return Result{}, err
	}
	if cum != nil {
		cum.keep()
	}
	s.accepted.Add(int64(res.Accepted))
	return res, nil
}

// convert runs Prometheus' converter and returns how many errors it reported.
// Their texts hold names out of the data, and are dropped here. The error is
// the context's.
func (s *Store) convert(ctx context.Context, md pmetric.Metrics, app storage.AppenderV2) (errs int, err error) {
	_, err = prometheusremotewrite.NewPrometheusConverter(app).FromMetrics(ctx, md, translation)
	if cerr := ctx.Err(); cerr != nil {
		return 0, fmt.Errorf("append metrics: %w", cerr)
	}
	return leaves(err), nil
}

// leaves counts the errors that were joined into one.
func leaves(err error) int {
	if err == nil {
		return 0
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return 1
	}
	n := 0
	for _, e := range joined.Unwrap() {
		n += leaves(e)
	}
	return n
}

// partialAppender stands between the converter and the TSDB. The converter
// stops at an appender's first error, so it is told of none: the TSDB leaves
// out what it refused, and the appender counts that.
type partialAppender struct {
	storage.AppenderV2
	s                *Store
	res              *Result
	oldest, furthest int64
	family           string
	// seen is the last sample of each series in this batch. The TSDB compares
	// a sample with what is committed, and drops a second one for the same
	// time within a batch without a word.
	seen map[storage.SeriesRef]seenSample
}

type seenSample struct {
	t int64
	v float64
}

var seenPool = sync.Pool{New: func() any { return make(map[storage.SeriesRef]seenSample) }}

func (s *Store) newAppender(ctx context.Context, res *Result) *partialAppender {
	now := s.opts.Now()
	return &partialAppender{
		AppenderV2: s.db.AppenderV2(ctx),
		s:          s,
		res:        res,
		oldest:     now.Add(-s.opts.Retention).UnixMilli(),
		furthest:   now.Add(maxAhead).UnixMilli(),
		seen:       seenPool.Get().(map[storage.SeriesRef]seenSample),
	}
}

func (a *partialAppender) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AOptions) (storage.SeriesRef, error) {
	switch {
	case t < a.oldest:
		a.res.reject(ReasonTooOld, 1)
		return 0, nil
	case t > a.furthest:
		a.res.reject(ReasonTooFarAhead, 1)
		return 0, nil
	}
	ref, err := a.AppenderV2.Append(ref, ls, st, t, v, h, fh, opts)
	if err != nil {
		var partial *storage.AppendPartialError
		if !errors.As(err, &partial) {
			a.res.reject(reasonOf(err, h != nil || fh != nil), 1)
			return 0, nil
		}
		a.res.reject(ReasonExemplar, len(partial.ExemplarErrors))
	}
	if before, ok := a.seen[ref]; ok && before.t == t {
		if math.Float64bits(before.v) != math.Float64bits(v) || h != nil || fh != nil {
			a.res.reject(ReasonDuplicate, 1)
		}
		return ref, nil
	}
	a.seen[ref] = seenSample{t, v}
	a.res.Accepted++
	if opts.MetricFamilyName != a.family {
		a.family = opts.MetricFamilyName
		a.s.families.learn(a.family, opts.Metadata)
	}
	return ref, nil
}

func (a *partialAppender) Commit() error   { a.release(); return a.AppenderV2.Commit() }
func (a *partialAppender) Rollback() error { a.release(); return a.AppenderV2.Rollback() }

func (a *partialAppender) release() {
	clear(a.seen)
	seenPool.Put(a.seen)
	a.seen = nil
}
