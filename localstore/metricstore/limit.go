package metricstore

import (
	"errors"
	"sync/atomic"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

var (
	errSeriesLimit  = errors.New("series limit reached")
	errInvalidLabel = errors.New("label is not valid UTF-8")
)

// limiter is asked by the TSDB's head before it creates a series, and only
// then: samples of known series pay nothing for the limit and are not touched
// by it. Appenders that run at the same time may go over the limit by one each.
type limiter struct {
	max int64 // not positive: none
	// enforce is off while the write-ahead log is read again: what was once
	// acknowledged stays, even under a limit lowered since.
	enforce atomic.Bool
	count   atomic.Int64
}

func (l *limiter) PreCreation(ls labels.Labels) error {
	if !l.enforce.Load() {
		return nil
	}
	if l.max > 0 && l.count.Load() >= l.max {
		return errSeriesLimit
	}
	// The converter makes names valid but copies values as they came, and
	// neither it nor the head looks whether they are UTF-8, which the JSON of
	// every answer relies on.
	return ls.Validate(func(l labels.Label) error {
		if !utf8.ValidString(l.Value) || !utf8.ValidString(l.Name) {
			return errInvalidLabel
		}
		return nil
	})
}

func (l *limiter) PostCreation(labels.Labels) { l.count.Add(1) }

func (l *limiter) PostDeletion(gone map[chunks.HeadSeriesRef]labels.Labels) {
	l.count.Add(-int64(len(gone)))
}
