package metricstore

import (
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
)

// deltaIdle is how long a delta series may be silent before its sum is
// forgotten. If it comes back it starts at nothing, which rate() and
// increase() read as a counter that was reset.
const deltaIdle = time.Hour

// cumulator turns deltas into running sums, behind the converter: there, a
// counter, a bucket, a count and a sum are all plain series that add up in the
// same way, and a native histogram adds up by its own rule. Prometheus'
// functions expect cumulative series, and dashboards made for either then work
// for both.
//
// The sums live in memory only. After a restart they start again, as those of
// a restarted sender do. A delta that is not newer than its series' last one
// is refused: it cannot be told apart from one sent twice.
type cumulator struct {
	max int

	// mu is held for a whole batch, from its first sample until it is
	// committed or not: the order of deltas is part of the result.
	mu     sync.Mutex
	series map[string]*running
	swept  time.Time
}

type running struct {
	last  int64 // timestamp, ms
	heard time.Time
	sum   float64
	hist  *histogram.FloatHistogram // nil: a plain series
}

func newCumulator(maxSeries int) *cumulator {
	return &cumulator{max: maxSeries, series: make(map[string]*running)}
}

// cumulatingAppender adds up one batch. What it learned counts only after
// keep: a batch that was not committed may come again.
type cumulatingAppender struct {
	*partialAppender
	c       *cumulator
	now     time.Time
	pending map[string]*running
	buf     []byte
}

// appender begins a batch. c.mu must be held until the batch is over.
func (c *cumulator) appender(to *partialAppender, now time.Time) *cumulatingAppender {
	if now.Sub(c.swept) > time.Minute {
		c.swept = now
		for key, r := range c.series {
			if now.Sub(r.heard) > deltaIdle {
				delete(c.series, key)
			}
		}
	}
	return &cumulatingAppender{partialAppender: to, c: c, now: now, pending: make(map[string]*running)}
}

func (a *cumulatingAppender) keep() {
	for key, r := range a.pending {
		if r == nil {
			delete(a.c.series, key)
		} else {
			a.c.series[key] = r
		}
	}
}

func (a *cumulatingAppender) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AOptions) (storage.SeriesRef, error) {
	if opts.MetricFamilyName == targetInfo {
		return a.partialAppender.Append(ref, ls, st, t, v, h, fh, opts)
	}
	a.buf = ls.Bytes(a.buf)
	before, known := a.pending[string(a.buf)]
	if !known {
		before, known = a.c.series[string(a.buf)]
	}
	if value.IsStaleNaN(v) || h != nil && value.IsStaleNaN(h.Sum) {
		a.pending[string(a.buf)] = nil // the sender says that the series is over
		return a.partialAppender.Append(ref, ls, st, t, v, h, fh, opts)
	}
	if before == nil {
		if !known && a.c.max > 0 && len(a.c.series)+len(a.pending) >= a.c.max {
			a.res.reject(ReasonSeriesLimit, 1)
			return 0, nil
		}
		before = &running{last: -1 << 63}
	}
	if t <= before.last {
		a.res.reject(ReasonOutOfOrder, 1)
		return 0, nil
	}

	after := &running{last: t, heard: a.now}
	if h == nil {
		after.sum = before.sum + v
		ref, err := a.partialAppender.Append(ref, ls, st, t, after.sum, nil, nil, opts)
		a.pending[string(a.buf)] = after
		return ref, err
	}
	if err := h.Validate(); err != nil {
		a.res.reject(ReasonInvalidHistogram, 1)
		return 0, nil
	}
	after.hist = h.ToFloat(nil)
	if before.hist != nil {
		// Layouts that cannot be brought together start a new sum, which a
		// reader sees as a reset.
		if sum, _, _, err := before.hist.Copy().Add(after.hist); err == nil {
			after.hist = sum
		}
	}
	after.hist.CounterResetHint = histogram.UnknownCounterReset
	ref, err := a.partialAppender.Append(ref, ls, st, t, 0, nil, after.hist.Copy(), opts)
	a.pending[string(a.buf)] = after
	return ref, err
}
