// Package policy reads the allowlist: the one file that says what may leave an
// install. A [Policy] is a whitelist of numbers. It names signals, bounds and
// rounds their values, and closes the domain of each of their attributes, so
// that everything that can ever be sent is known before anything was seen.
//
// [Parse] accepts a file only if all of it is understood, and answers every
// fault at once, with its place and a hint. A Policy that it returned is valid
// and is never changed afterwards; share it freely.
//
// [Budget] says how many bits can leave at most, [Explain] says it in words.
//
// The package decides nothing about consent (redaction/consent), builds no
// report (redaction/table) and checks none (redaction/gate).
//
// docs/format/policy.md describes the file.
package policy

import "time"

// Policy is one parsed and validated allowlist.
//
// Rules for changing the format: a field that is added must be optional and
// its absence must let less out, or as much, as before. Anything else is a new
// Version. A file's meaning never changes: its digest has been accepted.
type Policy struct {
	// Version is the version of the file format; 1 is the only one.
	Version int
	// Product, Vendor and Revision are for people; Digest is what counts.
	Product, Vendor string
	Revision        int
	// Destination is a URL, scheme://host[:port][/path], without a trailing
	// slash. The scheme is https, or http to a loopback host.
	Destination string
	// Interval is the time from one report to the next. It divides 24 hours,
	// so that truncating to it gives the same grid from any epoch at midnight.
	Interval time.Duration
	// Expires is the instant from which nothing leaves; zero: never.
	Expires time.Time
	// Identity is sorted by key and always holds weir.install.id.
	Identity []Attribute
	// Signals is sorted by name.
	Signals []Signal
	// Digest is that of Source, the exact bytes of the file.
	Digest Digest
	Source []byte
}

// Signal is one metric that may leave.
type Signal struct {
	Name string
	// Why and Owner are for the reviewer: what it is good for, and whom to ask.
	Why, Owner string
	Category   Category
	// Expires is the instant from which the signal is as if absent; zero: never.
	Expires time.Time
	Kind    Kind
	// Unit is compared with the incoming metric's; it is never taken from it.
	Unit string
	// Value bounds every number of a sum or gauge, and a histogram's sum.
	// Only a histogram may be without: then it carries no sum.
	Value    Value
	HasValue bool
	// Merge says what a gauge does when several points meet in one series.
	Merge Merge
	// Bounds are a histogram's explicit bounds.
	Bounds []float64
	// Attributes is sorted by key.
	Attributes []Attribute
	// MaxSeries bounds the series. Of a dense signal it is their number.
	MaxSeries int
	// UpDown marks a sum that may fall, `monotonic: false`.
	UpDown bool
	// Set is the built-in set that brought the entry, such as vitals@1; empty:
	// it is written in the file.
	Set string
	// Line is where the entry starts in the file, or where its set is included.
	Line int
}

// Attribute is one key with the values it may take.
type Attribute struct {
	Key       string
	Domain    Domain
	Otherwise Otherwise
	Line      int
}

// Otherwise says what becomes of a point whose attribute is missing or outside
// the domain: it is dropped, or the attribute is replaced by a constant.
type Otherwise struct {
	Drop     bool
	Constant string
}

// Category says which of the vendor's questions a signal answers. There is no
// other: what answers none of them has no reason to leave.
type Category string

// The categories.
const (
	CategoryVersion     Category = "version"
	CategoryHeartbeat   Category = "heartbeat"
	CategoryErrorRate   Category = "error_rate"
	CategoryUtilization Category = "utilization"
	CategoryHealth      Category = "health"
)

// Kind is the form of a signal. A summary is none: its quantiles cannot be
// merged, and so cannot be bounded.
type Kind uint8

// The kinds. The zero Kind is none of them.
const (
	KindSum       Kind = iota + 1 // cumulative; monotonic unless UpDown
	KindGauge                     // the state at, or merged over, the interval
	KindHistogram                 // cumulative, on the policy's own bounds
)

func (k Kind) String() string { return nameOf(kindNames, k) }

// Merge is how a gauge's points become one.
type Merge uint8

// The merges. MergeNone is that of sums and histograms, which add up.
const (
	MergeNone Merge = iota
	MergeLast
	MergeSum
	MergeMin
	MergeMax
	MergeMean
)

func (m Merge) String() string { return nameOf(mergeNames, m) }

type named[T comparable] struct {
	name  string
	value T
}

var kindNames = []named[Kind]{
	{"sum", KindSum}, {"gauge", KindGauge}, {"histogram", KindHistogram},
}

var mergeNames = []named[Merge]{
	{"last", MergeLast}, {"sum", MergeSum}, {"min", MergeMin}, {"max", MergeMax}, {"mean", MergeMean},
}

var categoryNames = []named[Category]{
	{"version", CategoryVersion}, {"heartbeat", CategoryHeartbeat}, {"error_rate", CategoryErrorRate},
	{"utilization", CategoryUtilization}, {"health", CategoryHealth},
}

func nameOf[T comparable](names []named[T], v T) string {
	for _, n := range names {
		if n.value == v {
			return n.name
		}
	}
	return "none"
}

// Expired reports whether nothing may leave under p any more.
func (p *Policy) Expired(now time.Time) bool { return expired(p.Expires, now) }

// Expired reports whether the signal is as if absent.
//
// A day begins on every interval's grid, so it is the same for now and for now
// truncated to the interval: a receiver can decide it by the report's time.
func (s *Signal) Expired(now time.Time) bool { return expired(s.Expires, now) }

func expired(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// DenseSize is the number of series of a signal whose attributes are all
// dense, -1 if any is not. A constant outside its enum is one more value.
func (s Signal) DenseSize() int {
	size := 1
	for _, a := range s.Attributes {
		n := a.Size()
		if n < 0 {
			return -1
		}
		if size > maxInt/n {
			size = maxInt // saturate; far beyond any limit
			continue
		}
		size *= n
	}
	return size
}

const maxInt = int(^uint(0) >> 1)

// Size is the number of values that the attribute can take in a report, the
// constant included, or -1 if the domain is not dense.
func (a Attribute) Size() int {
	n := a.Domain.Size()
	if n < 0 {
		return -1
	}
	if !a.Otherwise.Drop && !a.Domain.Contains(a.Otherwise.Constant) {
		n++
	}
	return n
}
