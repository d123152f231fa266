package logql

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Value is the answer to a query: [Streams], [Matrix], [Vector] or [Scalar].
type Value interface {
	// Type is the name that Loki's API gives to the kind of answer.
	Type() string
}

// Streams answers a log query, sorted by their labels as text.
type Streams []Stream

// Stream is the entries that share their labels, in the query's direction.
type Stream struct {
	Labels  labels.Labels
	Entries []Entry
}

// Entry is one line. Metadata and Parsed are set when the query asked for
// categories; otherwise their labels are among the stream's.
type Entry struct {
	Timestamp        int64
	Line             string
	Metadata, Parsed labels.Labels
}

// Matrix answers a metric query over a range.
type Matrix []Series

// Series is one line of a matrix.
type Series struct {
	Metric labels.Labels
	Points []Point
}

// Point is a number at a time in milliseconds since the epoch.
type Point struct {
	T int64
	V float64
}

// Vector answers a metric query at one instant.
type Vector []Sample

// Sample is one element of a vector.
type Sample struct {
	Metric labels.Labels
	Point
}

// Scalar answers a query that is only numbers.
type Scalar Point

func (Streams) Type() string { return "streams" }
func (Matrix) Type() string  { return "matrix" }
func (Vector) Type() string  { return "vector" }
func (Scalar) Type() string  { return "scalar" }

// Stats says what a query cost.
type Stats struct {
	Lines    int64 // entries scanned
	Bytes    int64 // of their lines
	Blocks   int64 // read and unpacked
	Skipped  int64 // blocks that could not hold what was asked for
	Kept     int64 // entries that passed the pipeline
	Returned int64 // entries in the answer
	Duration time.Duration
}

// Result is an answer and its cost.
type Result struct {
	Value Value
	Stats Stats
}
