// Package table is the projector: it turns the metrics that come in into the
// one report that may leave, by adding numbers to a table which the policy laid
// out beforehand.
//
// A compiled policy is a fixed set of cells. [Table.Observe] finds the cell of
// each data point that the policy names and adds to it; every other byte of the
// input is read at most to tell sources apart, and never kept. [Table.Report]
// builds a message from nothing: names, units, bounds and attribute values out
// of the policy, numbers out of the cells. The only texts that a sender can
// influence are those of semver and uuid domains, checked character by
// character, and bounded in number by max_series.
//
// What happens to each kind of point:
//
//   - A source is everything that identifies a stream of points: resource and
//     scope attributes, scope name and version, metric name, temporality, and
//     all attributes of the point, also those that the policy does not name. It
//     is remembered as a 128-bit hash under a random key of this table, in
//     bounded memory ([Options.MaxSources]), and forgotten when idle.
//   - Cumulative sums and histograms become increments of their source. The
//     first point of a source counts in full if its stream started after the
//     table did, and is only a baseline otherwise. A value that drops, or a start time at or
//     after the last point, is a reset: the new value counts in full.
//   - Delta points are added as they are.
//   - The points of a source must move forward in time: an older one is
//     out_of_order, one of the same time a duplicate; neither counts. A point
//     without a time is taken in order of arrival.
//   - Gauges merge over one interval, from report to report. last is the point
//     with the latest time, min and max are over all points, sum and mean over
//     the last value of each source.
//   - Histograms are put onto the policy's bounds: each bucket goes where its
//     upper bound lies, the last one into the last. A histogram without buckets goes
//     into the last. Exponential ones likewise, zeros where zero lies; of these,
//     only a total that falls is a reset, because a sender that halves its scale
//     moves counts upwards. Sum: a negative increment, NaN or infinity adds nothing.
//   - NaN and infinities are not_finite, negative values or increments of a sum
//     negative, points flagged as "no recorded value" or without one no_value;
//     none of them changes anything. -0 is 0. Integers are exact up to the sum.
//   - Sums that may fall (monotonic: false) are what the live sources last said,
//     added up; deltas add to that. Negative values count, a first point counts
//     in full, and a source that is forgotten takes its part away.
//   - A sum that is monotonic where the policy says it is not, or the reverse,
//     unspecified temporality and summaries are kind_mismatch.
//
// Sums and counts saturate; every number is clamped and rounded to the policy's
// step once, in the report.
//
// The package keeps no clock, starts nothing, and decides nothing about
// consent. What it emits is checked again by redaction/gate, which shares no
// code with it.
package table

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// Options are what a table needs beside the policy. Key and Start are required.
type Options struct {
	// Key is the install's key, for hmac domains.
	Key []byte
	// Identity holds the values of the policy's identity attributes.
	Identity map[string]string
	// Start is when the table begins to count.
	Start time.Time
	// Previous, if set, is the table that this one replaces: its counters go on.
	Previous *Table
	// MaxSources bounds the memory for sources, about 80 bytes each; a histogram's source
	// weighs one more for every eight bounds. Default 100,000.
	MaxSources int
	// Idle is how long a source may be silent before it is forgotten. Default half an hour,
	// at least 20 intervals.
	Idle time.Duration
}

// The defaults, and the floor of Idle: a source that reports once in many
// intervals must not lose its baseline between two points.
const (
	defaultMaxSources = 100_000
	defaultIdle       = 30 * time.Minute
	minIdleIntervals  = 20
)

// ErrIdentity is returned by New if an identity attribute has no value, or one
// outside its domain. Nothing can be reported then.
var ErrIdentity = errors.New("identity is incomplete")

// Table counts under one policy. Its methods are safe for concurrent use.
type Table struct {
	policy   *policy.Policy
	start    time.Time
	identity []text
	signals  []*signal // sorted by name, as the policy's
	names    names
	hasher   hasher
	sources  budget
	idle     uint32 // in reports
	counters *counters
}

// New lays out the table of a policy.
func New(p *policy.Policy, o Options) (*Table, error) {
	if o.Start.IsZero() || o.Start.UnixNano() <= 0 {
		return nil, errors.New("lay out the table: no start time")
	}
	t := &Table{policy: p, start: o.Start, hasher: newHasher(), counters: &counters{}}
	if o.Previous != nil {
		t.counters = o.Previous.counters
	}
	t.sources.limit = defaultMaxSources
	if o.MaxSources > 0 {
		t.sources.limit = int64(o.MaxSources)
	}
	t.idle = idleReports(o.Idle, p.Interval)
	var err error
	if t.identity, err = identityOf(&t.hasher, p, o); err != nil {
		return nil, err
	}
	for i := range p.Signals {
		s, err := newSignal(t, &p.Signals[i], o)
		if err != nil {
			return nil, fmt.Errorf("lay out the table: line %d of the policy: %w", p.Signals[i].Line, err)
		}
		t.signals = append(t.signals, s)
	}
	t.names = newNames(&t.hasher, t.signals)
	return t, nil
}

func idleReports(idle, interval time.Duration) uint32 {
	if idle <= 0 {
		idle = defaultIdle
	}
	if interval <= 0 {
		return minIdleIntervals
	}
	return uint32(min(max((idle+interval-1)/interval, minIdleIntervals), 1<<30))
}

// Counters returns what was observed, kept and dropped so far.
func (t *Table) Counters() Counters { return t.counters.load() }

// Observe adds a batch to the table. It does not change the batch and keeps no
// memory of it.
func (t *Table) Observe(md pmetric.Metrics) {
	o := observer{t: t}
	rms := md.ResourceMetrics()
	for i := range rms.Len() {
		rm := rms.At(i)
		o.resource, o.resourceHashed = rm.Resource().Attributes(), false
		sms := rm.ScopeMetrics()
		for j := range sms.Len() {
			sm := sms.At(j)
			o.scope, o.scopeHashed = sm.Scope(), false
			o.metrics(sm.Metrics())
		}
	}
	t.counters.add(&o.counts)
}

// observer is the state of one Observe. It lives on the stack; its largest
// part is the chunk, which lets a signal's lock be taken once for many points.
type observer struct {
	t      *Table
	counts tally

	resource       pcommon.Map
	resourceHash   hash128
	resourceHashed bool
	scope          pcommon.InstrumentationScope
	scopeHash      hash128
	scopeHashed    bool

	// Of the current metric: the hash of all that its points share, and what
	// the resource offers for the signal's attributes, looked up at most once.
	base    hash128
	offered [maxAttributes]int32
	chunk   [chunkSize]entry
	// Dictionary signals: the values found for one point, and its key.
	values [maxAttributes]pcommon.Value
	key    [maxAttributes * maxKeyPart]byte
}

const chunkSize = 32

// entry is a point on its way into a cell.
type entry struct {
	id          hash128
	start, time uint64
	value       uint64 // an int's or a double's bits
	cell        int32
	reason      Reason // why it is dropped; located: it is not
	isInt       bool
}

// metrics looks at many metrics at a time. Each is four reads of which one
// says where the next is, all far away: the first loop does nothing else, so
// that the reads of one metric pass while those of others are waited for.
func (o *observer) metrics(ms pmetric.MetricSlice) {
	var (
		names  [chunkSize]string
		hashes [chunkSize]uint64
		counts [chunkSize]int32
		h      = &o.t.hasher
	)
	for from := 0; from < ms.Len(); from += chunkSize {
		n := min(chunkSize, ms.Len()-from)
		long := false
		for i := range n {
			m := ms.At(from + i)
			name := m.Name()
			if !isShort(name) {
				long = true
				name = placeholder
			}
			names[i] = name
			counts[i] = int32(points(m))
		}
		h.texts(names[:n], hashes[:n])
		if long {
			for i := range n {
				if name := ms.At(from + i).Name(); !isShort(name) {
					hashes[i] = h.name(name)
				}
			}
		}
		for i := range n {
			count := uint64(counts[i])
			o.counts.observed += count
			if o.t.names.mayHave(hashes[i]) {
				o.metric(ms.At(from+i), hashes[i], count)
			} else {
				o.counts.dropped[NotAllowed] += count
			}
		}
	}
}

// metric observes one that may be the policy's.
func (o *observer) metric(m pmetric.Metric, nameHash, n uint64) {
	s := o.t.names.find(m.Name(), nameHash)
	switch {
	case s == nil:
		o.counts.dropped[NotAllowed] += n
		return
	case s.expired.Load():
		o.counts.dropped[ExpiredSignal] += n
		return
	}
	temporality, ok := kindOf(m, s)
	switch {
	case !ok:
		o.counts.dropped[KindMismatch] += n
		return
	case m.Unit() != s.unit:
		o.counts.dropped[UnitMismatch] += n
		return
	}
	for i := range s.attributes {
		o.offered[i] = notLookedUp
	}
	if s.needsSource {
		o.base = o.metricHash(nameHash, temporality)
	}
	delta := temporality == pmetric.AggregationTemporalityDelta
	switch s.kind {
	case policy.KindSum:
		o.sums(s, m.Sum().DataPoints(), delta)
	case policy.KindGauge:
		o.gauges(s, m.Gauge().DataPoints())
	case policy.KindHistogram:
		if m.Type() == pmetric.MetricTypeExponentialHistogram {
			o.exponentials(s, m.ExponentialHistogram().DataPoints(), delta)
			break
		}
		o.histograms(s, m.Histogram().DataPoints(), delta)
	}
}

// kindOf reports whether the metric has the signal's kind, and its temporality.
func kindOf(m pmetric.Metric, s *signal) (pmetric.AggregationTemporality, bool) {
	var t pmetric.AggregationTemporality
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return t, s.kind == policy.KindGauge
	case pmetric.MetricTypeSum:
		if s.kind != policy.KindSum || m.Sum().IsMonotonic() == s.policy.UpDown {
			return t, false
		}
		t = m.Sum().AggregationTemporality()
	case pmetric.MetricTypeHistogram:
		if s.kind != policy.KindHistogram {
			return t, false
		}
		t = m.Histogram().AggregationTemporality()
	case pmetric.MetricTypeExponentialHistogram:
		if s.kind != policy.KindHistogram {
			return t, false
		}
		t = m.ExponentialHistogram().AggregationTemporality()
	default:
		return t, false
	}
	return t, t == pmetric.AggregationTemporalityDelta || t == pmetric.AggregationTemporalityCumulative
}

func points(m pmetric.Metric) int {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints().Len()
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints().Len()
	case pmetric.MetricTypeHistogram:
		return m.Histogram().DataPoints().Len()
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().DataPoints().Len()
	case pmetric.MetricTypeSummary:
		return m.Summary().DataPoints().Len()
	default:
		return 0
	}
}
