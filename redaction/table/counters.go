package table

import "sync/atomic"

// Reason is why a point was not added to a cell.
type Reason uint8

// The reasons. They are a closed set, and none says what was in the point.
const (
	NotAllowed    Reason = iota // the policy does not name the metric
	ExpiredSignal               // it does, and the signal's last day is over
	KindMismatch                // the metric is of another kind
	UnitMismatch                // the metric has another unit
	Attribute                   // an attribute is missing or outside its domain, and drops the point
	NoValue                     // flagged as no recorded value, or without one
	NotFinite                   // NaN or an infinity
	Negative                    // a sum below zero
	Malformed                   // a histogram whose buckets do not fit its bounds
	OutOfOrder                  // older than what its source said before
	Duplicate                   // as old as what its source said before
	SourceLimit                 // too many sources are remembered already
	SeriesLimit                 // the signal has max_series series already

	reasonCount
)

var reasonNames = [reasonCount]string{
	"not_allowed", "expired", "kind_mismatch", "unit_mismatch", "attribute", "no_value", "not_finite",
	"negative", "malformed", "out_of_order", "duplicate", "source_limit", "series_limit",
}

func (r Reason) String() string { return reasonNames[r] }

// Reasons lists all of them.
func Reasons() []Reason {
	all := make([]Reason, reasonCount)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}

// Counters says how many data points were observed, and what became of them.
// Observed is the sum of Kept and all of Dropped once no Observe is running. A
// baseline counts as kept.
type Counters struct {
	Observed, Kept uint64
	Dropped        [reasonCount]uint64 // by Reason
}

// tally is the share of one Observe, added up at its end: the points
// themselves touch no shared memory for being counted.
type tally struct {
	observed, kept uint64
	dropped        [reasonCount]uint64
}

// note counts a point: located is kept.
func (t *tally) note(r Reason) {
	if r == located {
		t.kept++
	} else {
		t.dropped[r]++
	}
}

type counters struct {
	observed, kept atomic.Uint64
	dropped        [reasonCount]atomic.Uint64
}

func (c *counters) add(t *tally) {
	c.observed.Add(t.observed)
	if t.kept > 0 {
		c.kept.Add(t.kept)
	}
	for i, n := range t.dropped {
		if n > 0 {
			c.dropped[i].Add(n)
		}
	}
}

func (c *counters) load() Counters {
	out := Counters{Observed: c.observed.Load(), Kept: c.kept.Load()}
	for i := range out.Dropped {
		out.Dropped[i] = c.dropped[i].Load()
	}
	return out
}
