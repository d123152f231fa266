package logstore

import (
	"errors"
	"time"
)

// Options tune a store. The zero value is ready for use.
type Options struct {
	// Now is the store's clock; nil means time.Now.
	Now func() time.Time
	// Progress is called while the write-ahead log is replayed, with bytes.
	Progress func(done, total int64)

	// Retention is how long entries are kept; whole days are dropped. Zero
	// means seven days, a negative value means for ever.
	Retention time.Duration
	// MaxBytes bounds what the store occupies on disk; the oldest files go
	// first. Zero means no bound.
	MaxBytes int64
	// MaxAhead is how far in the future an entry may lie. Zero means ten
	// minutes.
	MaxAhead time.Duration

	// MaxLineBytes bounds a line; zero means 1 MiB, the most is 16 MiB. Longer
	// ones are refused, or, with CutLines, cut there and counted.
	MaxLineBytes int
	CutLines     bool
	// MaxMetadataBytes bounds an entry's metadata; zero means 64 KiB.
	MaxMetadataBytes int
	// MaxStreams bounds the streams that are active: written to within the
	// last hour. Zero means 10,000. Ten times as many may be retained. One
	// sender, which is one value of service_name or of what Loki would derive
	// it from, may have half of them.
	MaxStreams int

	// BlockBytes is the raw size at which a block is closed; zero means
	// 512 KiB.
	BlockBytes int
	// HeadBytes is the size at which the head is flushed; zero means 16 MiB.
	// Memory holds at most two of these, one filling and one being written.
	HeadBytes int
	// HeadAge is how long an entry may wait in the head; zero means one hour.
	HeadAge time.Duration

	// Workers is how many processors a query may use to read blocks, and how
	// many all queries may use together. Zero means all there are, at most 8;
	// with one, a query reads by itself.
	Workers int

	// MaintainEvery is how often Maintain runs by itself. Zero means once a
	// minute, a negative value never.
	MaintainEvery time.Duration
}

func (o Options) withDefaults() (Options, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	def(&o.Retention, 7*24*time.Hour)
	def(&o.MaxAhead, 10*time.Minute)
	def(&o.MaxLineBytes, 1<<20)
	def(&o.MaxMetadataBytes, 64<<10)
	def(&o.MaxStreams, 10_000)
	def(&o.BlockBytes, 512<<10)
	def(&o.HeadBytes, 16<<20)
	def(&o.HeadAge, time.Hour)
	def(&o.MaintainEvery, time.Minute)
	def(&o.Workers, defaultWorkers())
	var errs []error
	if o.MaxLineBytes < 0 || o.MaxLineBytes > 16<<20 {
		errs = append(errs, errors.New("the longest line must be between 1 byte and 16 MiB"))
	}
	if o.MaxMetadataBytes < 0 || o.MaxMetadataBytes > 16<<20 {
		errs = append(errs, errors.New("the largest metadata must be between 1 byte and 16 MiB"))
	}
	if o.BlockBytes < 0 || o.BlockBytes > 16<<20 {
		errs = append(errs, errors.New("the block size must be between 1 byte and 16 MiB"))
	}
	if o.HeadBytes < 0 || o.HeadBytes > 1<<30 {
		errs = append(errs, errors.New("the head size must be between 1 byte and 1 GiB"))
	}
	if o.MaxStreams < 0 || o.Workers < 0 || o.MaxBytes < 0 || o.MaxAhead < 0 || o.HeadAge < 0 {
		errs = append(errs, errors.New("limits must not be negative"))
	}
	return o, errors.Join(errs...)
}

func def[T int | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// Reason says why an entry was refused. The set is closed.
type Reason string

// The reasons for which Append refuses an entry.
const (
	TooOld           Reason = "too_old"            // older than the retention
	TooFarAhead      Reason = "too_far_ahead"      // beyond Options.MaxAhead
	LineTooLong      Reason = "line_too_long"      // beyond Options.MaxLineBytes
	MetadataTooLarge Reason = "metadata_too_large" // beyond Options.MaxMetadataBytes
	InvalidLabels    Reason = "invalid_labels"     // no labels, or a name or value out of shape
	StreamLimit      Reason = "stream_limit"       // a new stream beyond Options.MaxStreams, or its sender's half of them
)

// Reasons lists every Reason.
func Reasons() []Reason {
	return []Reason{TooOld, TooFarAhead, LineTooLong, MetadataTooLarge, InvalidLabels, StreamLimit}
}

// Result says what became of the entries of one Append. Entries that are in
// neither number belong to an Append that returned an error.
type Result struct {
	Accepted int
	Cut      int            // of these: their lines were too long
	Rejected map[Reason]int // nil when nothing was refused
}

// ErrClosed is returned by a store that has been closed.
var ErrClosed = errors.New("the log store is closed")
