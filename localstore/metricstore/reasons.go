package metricstore

import (
	"errors"

	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Reason says why something was not stored. The set is closed, and no reason
// holds anything of the data.
type Reason string

const (
	ReasonOutOfOrder             Reason = "out_of_order"            // older than the window, or a delta that does not follow
	ReasonTooOld                 Reason = "too_old"                 // older than the retention or than what the head still takes
	ReasonTooFarAhead            Reason = "too_far_ahead"           // more than ten minutes in the future
	ReasonDuplicate              Reason = "duplicate_timestamp"     // another value at the same time in the same series
	ReasonSeriesLimit            Reason = "series_limit"            // a new series past the limit
	ReasonInvalidName            Reason = "invalid_name"            // a metric's name without one usable character
	ReasonInvalidLabel           Reason = "invalid_label"           // an attribute's name without one, or text that is not UTF-8
	ReasonInvalidHistogram       Reason = "invalid_histogram"       // buckets that contradict each other, or a scale below -4
	ReasonUnsupportedTemporality Reason = "unsupported_temporality" // neither cumulative nor delta
	ReasonUnsupportedType        Reason = "unsupported_type"        // a metric without data of a known type
	ReasonExemplar               Reason = "exemplar"                // an exemplar; its sample is stored
	ReasonUntranslatable         Reason = "untranslatable"          // anything else that the converter refuses
	ReasonOther                  Reason = "other"                   // anything else that the TSDB refuses
)

// Reasons are all there are, for those who report counts by reason.
func Reasons() []Reason {
	return []Reason{
		ReasonOutOfOrder, ReasonTooOld, ReasonTooFarAhead, ReasonDuplicate, ReasonSeriesLimit,
		ReasonInvalidName, ReasonInvalidLabel, ReasonInvalidHistogram, ReasonUnsupportedTemporality,
		ReasonUnsupportedType, ReasonExemplar, ReasonUntranslatable, ReasonOther,
	}
}

// reasonOf classifies what the TSDB answered to one sample.
func reasonOf(err error, isHistogram bool) Reason {
	switch {
	case errors.Is(err, errSeriesLimit):
		return ReasonSeriesLimit
	case errors.Is(err, errInvalidLabel), errors.Is(err, tsdb.ErrInvalidSample):
		return ReasonInvalidLabel
	case errors.Is(err, storage.ErrTooOldSample), errors.Is(err, storage.ErrOutOfBounds):
		return ReasonTooOld
	case errors.Is(err, storage.ErrOutOfOrderSample):
		return ReasonOutOfOrder
	case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
		return ReasonDuplicate
	case isHistogram:
		return ReasonInvalidHistogram // the head validates histograms and has a dozen errors for it
	default:
		return ReasonOther
	}
}

// Result is what became of a batch.
type Result struct {
	// Accepted counts samples: one OTLP histogram becomes several.
	Accepted int
	// Rejected counts, by reason, samples and those points that never became
	// samples. It is nil if there are none.
	Rejected map[Reason]int
}

func (r *Result) reject(reason Reason, n int) {
	if n <= 0 {
		return
	}
	if r.Rejected == nil {
		r.Rejected = make(map[Reason]int)
	}
	r.Rejected[reason] += n
}

// RejectedCount is the sum over all reasons.
func (r Result) RejectedCount() int {
	n := 0
	for _, v := range r.Rejected {
		n += v
	}
	return n
}
