package logstore

import (
	"sync/atomic"

	"github.com/prometheus/prometheus/model/labels"
)

// Entry is one log entry as it is written. Timestamp is in nanoseconds since
// the Unix epoch. Metadata is Loki's structured metadata: names and values that
// belong to the entry and are not part of its stream's identity.
type Entry struct {
	Timestamp int64
	Line      string
	Metadata  labels.Labels
}

// Stream is a batch of entries that share one set of labels.
type Stream struct {
	Labels  labels.Labels
	Entries []Entry
}

// Record is one stored entry as a query sees it. Line and Metadata point into a
// decoded block and are valid only until the next call that produced them.
type Record struct {
	Stream    labels.Labels
	Timestamp int64
	Line      []byte
	Metadata  labels.Labels
}

// Selection names the records that a query wants.
type Selection struct {
	// Matchers select streams by their labels, as Prometheus' do.
	Matchers []*labels.Matcher
	// From and To bound the time in Unix nanoseconds: From <= t < To.
	From, To int64
	// Backward asks for the newest record first.
	Backward bool
	// Contains lists substrings that every wanted line holds, as bytes: what
	// |= asks for, or what a regular expression cannot match without. It is a
	// hint for skipping blocks and lines unread: records without them may
	// still be returned. The longer, the more is skipped; a text of fewer
	// than four bytes skips lines only.
	Contains []string
	// Having lists exact values that every wanted record carries under these
	// names, in its metadata or in its stream's labels. It is a hint for
	// skipping blocks, as Contains is.
	Having []labels.Label
	// Admit, if set, is told of the lines in the time range of each block, or
	// of what is in memory, before they are walked; its error ends the query.
	// Several goroutines call it.
	Admit func(lines, bytes int) error
	// Stats, if set, is added to while the query runs.
	Stats *QueryStats
}

// QueryStats counts what a query costs. Several queries may share one.
type QueryStats struct {
	Blocks  atomic.Int64 // decoded
	Skipped atomic.Int64 // not read, because their filters denied what was asked for
	Lines   atomic.Int64 // within the time range, of decoded blocks and of memory
	Bytes   atomic.Int64 // of these lines
}

// Iterator walks records in the order of time over all selected streams.
type Iterator interface {
	// Next moves to the next record; false at the end or after an error.
	Next() bool
	// At is the current record, valid until the next call of Next.
	At() *Record
	Err() error
	Close() error
}
