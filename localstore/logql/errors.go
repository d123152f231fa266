package logql

import (
	"errors"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
)

// ErrTimeout is the answer to a query that ran for too long.
var ErrTimeout = errors.New("query timed out")

// ErrInstantLog refuses a log query at an instant.
var ErrInstantLog = errors.New("log queries are not supported as an instant query type, please change your query to a range query type")

// LimitError is a limit that a query ran into. Its text is safe to show.
type LimitError struct{ msg string }

func (e *LimitError) Error() string { return e.msg }

func seriesLimit(limit int) error {
	return &LimitError{fmt.Sprintf("maximum number of series (%d) reached for a single query; consider reducing query cardinality by adding more specific stream selectors, reducing the time range, or aggregating results with functions like sum(), count() or topk()", limit)}
}

func entriesLimit(asked, limit int) error {
	return &LimitError{fmt.Sprintf("max entries limit per query exceeded, limit > max_entries_limit_per_query (%d > %d)", asked, limit)}
}

func memoryLimit(limit int64) error {
	return &LimitError{fmt.Sprintf("query needs too much memory (limit: %d MiB); consider a shorter time range, a larger step, or aggregating fewer series", limit>>20)}
}

func linesLimit(limit int64) error {
	return &LimitError{fmt.Sprintf("query reads too many lines (limit: %d); consider a shorter time range, more specific stream selectors, or a line filter such as |= with a longer text, by which whole blocks are passed over", limit)}
}

func bytesLimit(limit int64) error {
	return &LimitError{fmt.Sprintf("query reads too many bytes (limit: %d MiB); consider a shorter time range, more specific stream selectors, or a line filter such as |= with a longer text, by which whole blocks are passed over", limit>>20)}
}

func pointsLimit(limit int) error {
	return &LimitError{fmt.Sprintf("exceeded maximum resolution of %d points per time series. Try increasing the value of the step parameter", limit)}
}

// PipelineError fails a metric query: an entry with an error would otherwise be
// counted as if it had none. Its text names labels of the data: it is an answer
// for the one who asked, and not for a log.
type PipelineError struct {
	Name   string
	Series labels.Labels
}

func (e *PipelineError) Error() string {
	return fmt.Sprintf("pipeline error: '%s' for series: '%s'.\n"+
		"Use a label filter to intentionally skip this error. (e.g | __error__!=\"%[1]s\").\n"+
		"To skip all potential errors you can match empty errors.(e.g __error__=\"\")\n"+
		"The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n",
		e.Name, e.Series)
}

// EvalError is a query that parses and cannot be evaluated, such as one whose
// vectors do not match one to one.
type EvalError struct{ err error }

func (e *EvalError) Error() string { return e.err.Error() }
func (e *EvalError) Unwrap() error { return e.err }
