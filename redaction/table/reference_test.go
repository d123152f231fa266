package table

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"math"
	"math/big"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// reference is the table in its plainest form: maps of strings, no hashes, no
// digits, no sharing, one point at a time. It is the referee of the fast one.
type reference struct {
	policy     *policy.Policy
	key        []byte
	start      time.Time
	maxSources int
	idle       int
	now        time.Time
	reports    int
	signals    map[string]*refSignal
	counters   Counters
}

type refSignal struct {
	*policy.Signal
	since   uint64
	order   []string              // sources in the order in which they came
	sources map[string]*refSource // by everything they are
	series  map[string]*refSeries // by their attributes' line
}

type refSource struct {
	series      *refSeries
	start, time uint64
	value       float64
	exact       int64
	isInt       bool
	buckets     []uint64
	sum         float64
	hasSum      bool
	report      int
}

type refSeries struct {
	texts   []string
	total   float64
	buckets []uint64
	// of the interval
	seen   bool
	value  float64
	time   uint64
	number int
}

func newReference(p *policy.Policy, o Options) *reference {
	r := &reference{policy: p, key: o.Key, start: o.Start, maxSources: o.MaxSources, now: o.Start, signals: map[string]*refSignal{}}
	r.idle = max(20, int(math.Ceil(o.Idle.Seconds()/p.Interval.Seconds())))
	for i := range p.Signals {
		s := &refSignal{Signal: &p.Signals[i], since: uint64(o.Start.UnixNano()), sources: map[string]*refSource{}, series: map[string]*refSeries{}}
		r.signals[s.Name] = s
		if s.DenseSize() >= 0 {
			s.combine(nil)
		}
	}
	return r
}

// combine makes every dense series.
func (s *refSignal) combine(texts []string) {
	if len(texts) == len(s.Attributes) {
		s.named(texts)
		return
	}
	a := s.Attributes[len(texts)]
	var values []string
	switch a.Domain.Kind {
	case policy.DomainEnum:
		values = slices.Clone(a.Domain.Values)
	case policy.DomainBool:
		values = []string{"true", "false"}
	case policy.DomainInt:
		for n := a.Domain.Min; n <= a.Domain.Max; n++ {
			values = append(values, fmt.Sprint(n))
		}
	}
	if !a.Otherwise.Drop && !slices.Contains(values, a.Otherwise.Constant) {
		values = append(values, a.Otherwise.Constant)
	}
	for _, v := range values {
		s.combine(append(slices.Clone(texts), v))
	}
}

func (s *refSignal) named(texts []string) *refSeries {
	key := strings.Join(texts, "|")
	if s.series[key] == nil {
		s.series[key] = &refSeries{texts: texts, buckets: make([]uint64, len(s.Bounds)+1)}
	}
	return s.series[key]
}

func (r *reference) observe(md pmetric.Metrics) {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				before := r.total()
				r.metric(rm.Resource().Attributes(), sm.Scope(), m)
				r.counters.Observed += r.total() - before
			}
		}
	}
}

func (r *reference) total() uint64 {
	n := r.counters.Kept
	for _, d := range r.counters.Dropped {
		n += d
	}
	return n
}

func (r *reference) metric(resource pcommon.Map, scope pcommon.InstrumentationScope, m pmetric.Metric) {
	s := r.signals[m.Name()]
	identity := "resource " + everythingOf(resource) + " scope " + scope.Name() + "/" + scope.Version() + everythingOf(scope.Attributes()) + " "
	numbers := func(dps pmetric.NumberDataPointSlice, temporality string, refusal Reason) {
		for _, dp := range dps.All() {
			if refusal == located {
				r.count(r.number(s, resource, identity+temporality, dp))
			} else {
				r.count(refusal)
			}
		}
	}
	refusal := located
	switch {
	case s == nil:
		refusal = NotAllowed
	case s.Expired(r.now):
		refusal = ExpiredSignal
	}
	kind, unit := refusal, refusal
	if refusal == located {
		kind = KindMismatch
		if unit = located; m.Unit() != s.Unit {
			unit = UnitMismatch
		}
	}
	switch m.Type() {
	case pmetric.MetricTypeSum:
		t := m.Sum().AggregationTemporality()
		if refusal == located && s.Kind == policy.KindSum && m.Sum().IsMonotonic() && t != pmetric.AggregationTemporalityUnspecified {
			kind = unit
		}
		numbers(m.Sum().DataPoints(), t.String(), kind)
	case pmetric.MetricTypeGauge:
		if refusal == located && s.Kind == policy.KindGauge {
			kind = unit
		}
		numbers(m.Gauge().DataPoints(), "", kind)
	case pmetric.MetricTypeHistogram:
		t := m.Histogram().AggregationTemporality()
		if refusal == located && s.Kind == policy.KindHistogram && t != pmetric.AggregationTemporalityUnspecified {
			kind = unit
		}
		for _, dp := range m.Histogram().DataPoints().All() {
			if kind == located {
				r.count(r.histogram(s, resource, identity+t.String(), t == delta, dp))
			} else {
				r.count(kind)
			}
		}
	case pmetric.MetricTypeExponentialHistogram:
		t := m.ExponentialHistogram().AggregationTemporality()
		if refusal == located && s.Kind == policy.KindHistogram && t != pmetric.AggregationTemporalityUnspecified {
			kind = unit
		}
		for _, dp := range m.ExponentialHistogram().DataPoints().All() {
			if kind == located {
				r.count(r.exponential(s, resource, identity+t.String(), t == delta, dp))
			} else {
				r.count(kind)
			}
		}
	case pmetric.MetricTypeSummary:
		for range m.Summary().DataPoints().Len() {
			r.count(kind)
		}
	}
}

func (r *reference) count(reason Reason) {
	if reason == located {
		r.counters.Kept++
	} else {
		r.counters.Dropped[reason]++
	}
}

// everythingOf says a map in one way, whatever its order.
func everythingOf(m pcommon.Map) string {
	var parts []string
	for k, v := range m.All() {
		parts = append(parts, fmt.Sprintf("%q:%s:%#v", k, v.Type(), v.AsRaw()))
	}
	sort.Strings(parts)
	return strings.Join(parts, ",")
}

// place finds a point's series.
func (r *reference) place(s *refSignal, resource, attrs pcommon.Map) (*refSeries, Reason) {
	texts := []string{}
	for _, a := range s.Attributes {
		v, ok := attrs.Get(a.Key)
		if !ok {
			v, ok = resource.Get(a.Key)
		}
		text := ""
		if ok {
			text, ok = canonical(a.Domain, v, r.key)
		}
		if !ok {
			if a.Otherwise.Drop {
				return nil, Attribute
			}
			text = a.Otherwise.Constant
		}
		texts = append(texts, text)
	}
	if s.DenseSize() < 0 && s.series[strings.Join(texts, "|")] == nil && len(s.series) >= s.MaxSeries {
		return nil, SeriesLimit
	}
	return s.named(texts), located
}

func canonical(d policy.Domain, v pcommon.Value, key []byte) (string, bool) {
	switch d.Kind {
	case policy.DomainBool:
		return strconv.FormatBool(v.Bool()), v.Type() == pcommon.ValueTypeBool
	case policy.DomainInt:
		return strconv.FormatInt(v.Int(), 10), v.Type() == pcommon.ValueTypeInt && d.Min <= v.Int() && v.Int() <= d.Max
	case policy.DomainHMAC:
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(v.Str()))
		return fmt.Sprintf("%x", mac.Sum(nil)[:8]), v.Type() == pcommon.ValueTypeStr
	default:
		return v.Str(), v.Type() == pcommon.ValueTypeStr && d.Contains(v.Str())
	}
}

// source finds or makes what is known of a stream. isNew is true if it was
// made; nil if there is no room.
func (r *reference) source(s *refSignal, identity string, weight int) (src *refSource, isNew bool) {
	if src = s.sources[identity]; src != nil {
		return src, false
	}
	used := 0
	for _, other := range r.signals {
		w := 1
		if other.Kind == policy.KindHistogram {
			w = 1 + (len(other.Bounds)+1)/8
		}
		used += w * len(other.sources)
	}
	if used+weight > r.maxSources {
		return nil, true
	}
	src = &refSource{}
	s.sources[identity] = src
	s.order = append(s.order, identity)
	return src, true
}

// late says whether a point is older than, or as old as, the last one.
func late(src *refSource, time uint64) Reason {
	if time != 0 && src.time != 0 && time <= src.time {
		if time == src.time {
			return Duplicate
		}
		return OutOfOrder
	}
	return located
}

func (r *reference) number(s *refSignal, resource pcommon.Map, identity string, dp pmetric.NumberDataPoint) Reason {
	isInt := dp.ValueType() == pmetric.NumberDataPointValueTypeInt
	value := dp.DoubleValue()
	if isInt {
		value = float64(dp.IntValue())
	}
	switch {
	case dp.Flags()&1 != 0, dp.ValueType() == pmetric.NumberDataPointValueTypeEmpty:
		return NoValue
	case math.IsNaN(value) || math.IsInf(value, 0):
		return NotFinite
	case s.Kind == policy.KindSum && value < 0:
		return Negative
	}
	series, reason := r.place(s, resource, dp.Attributes())
	if reason != located {
		return reason
	}
	start, at := uint64(dp.StartTimestamp()), uint64(dp.Timestamp())
	if s.Kind == policy.KindGauge && s.Merge != policy.MergeSum && s.Merge != policy.MergeMean {
		return series.merge(s.Merge, value, at)
	}
	src, isNew := r.source(s, identity+everythingOf(dp.Attributes()), 1)
	isDelta := strings.HasSuffix(identity, delta.String())
	if src == nil {
		if isDelta {
			series.total += value
			return located
		}
		return SourceLimit
	}
	if !isNew {
		if reason := late(src, at); reason != located {
			return reason
		}
	}
	increment := value
	if s.Kind == policy.KindSum && !isDelta {
		switch {
		case isNew:
			if start < s.since || at != 0 && start > at {
				increment = 0
			}
		case src.isInt && isInt && dp.IntValue() >= src.exact:
			increment = float64(dp.IntValue() - src.exact)
		case !(src.isInt && isInt) && value >= src.value:
			increment = value - src.value
		}
		if !isNew && startedAnew(src, start, at) {
			increment = value
		}
	}
	if s.Kind == policy.KindSum {
		series.total += increment
	}
	*src = refSource{series: series, start: max(start, src.start), time: max(at, src.time), value: value, exact: dp.IntValue(), isInt: isInt, report: r.reports}
	return located
}

func startedAnew(src *refSource, start, at uint64) bool {
	return src.start != 0 && src.time != 0 && start > src.start && start >= src.time && (at == 0 || start <= at)
}

func (s *refSeries) merge(how policy.Merge, v float64, at uint64) Reason {
	if !s.seen {
		s.seen, s.value, s.time, s.number = true, v, at, 1
		return located
	}
	switch how {
	case policy.MergeMin:
		s.value = math.Min(s.value, v)
	case policy.MergeMax:
		s.value = math.Max(s.value, v)
	default:
		if at != 0 && at < s.time {
			return OutOfOrder
		}
		s.value, s.time = v, max(at, s.time)
	}
	return located
}

func (r *reference) histogram(s *refSignal, resource pcommon.Map, identity string, isDelta bool, dp pmetric.HistogramDataPoint) Reason {
	if dp.Flags()&1 != 0 {
		return NoValue
	}
	series, reason := r.place(s, resource, dp.Attributes())
	if reason != located {
		return reason
	}
	own, counts := dp.ExplicitBounds().AsRaw(), dp.BucketCounts().AsRaw()
	if len(counts) == 0 && len(own) == 0 {
		counts = []uint64{dp.Count()}
	}
	if len(counts) != len(own)+1 {
		return Malformed
	}
	for i := range own {
		if math.IsNaN(own[i]) || i > 0 && own[i] <= own[i-1] {
			return Malformed
		}
	}
	buckets := make([]uint64, len(s.Bounds)+1)
	for i, n := range counts {
		to := len(s.Bounds)
		if i < len(own) {
			to = sort.SearchFloat64s(s.Bounds, own[i])
		}
		buckets[to] += n
	}
	return r.add(s, series, identity+everythingOf(dp.Attributes()), isDelta, buckets, dp, func(was []uint64) bool {
		for i := range buckets {
			if buckets[i] < was[i] {
				return true
			}
		}
		return false
	})
}

// exponential says of each bucket by its own bound where it goes.
func (r *reference) exponential(s *refSignal, resource pcommon.Map, identity string, isDelta bool, dp pmetric.ExponentialHistogramDataPoint) Reason {
	if dp.Flags()&1 != 0 {
		return NoValue
	}
	series, reason := r.place(s, resource, dp.Attributes())
	if reason != located {
		return reason
	}
	buckets := make([]uint64, len(s.Bounds)+1)
	put := func(upper float64, n uint64) {
		i := sort.SearchFloat64s(s.Bounds, upper)
		buckets[i] = min(buckets[i]+min(n, 1<<60), 1<<60)
	}
	power := func(index int) float64 { // never rounded to 0, or to 1 unless it is 1
		x := math.Exp2(float64(index) * math.Exp2(-float64(dp.Scale())))
		switch {
		case index == 0:
			return 1
		case index > 0:
			return max(x, math.Nextafter(1, 2))
		default:
			return min(max(x, math.SmallestNonzeroFloat64), math.Nextafter(1, 0))
		}
	}
	positive, negative := dp.Positive().BucketCounts().AsRaw(), dp.Negative().BucketCounts().AsRaw()
	for i, n := range positive {
		put(power(int(dp.Positive().Offset())+i+1), n)
	}
	for i, n := range negative {
		put(-power(int(dp.Negative().Offset())+i), n)
	}
	put(0, dp.ZeroCount())
	if len(positive)+len(negative) == 0 && dp.ZeroCount() == 0 {
		put(math.Inf(1), dp.Count())
	}
	all := func(counts []uint64) *big.Int {
		sum := new(big.Int)
		for _, n := range counts {
			sum.Add(sum, new(big.Int).SetUint64(n))
		}
		return sum
	}
	return r.add(s, series, identity+everythingOf(dp.Attributes()), isDelta, buckets, dp, func(was []uint64) bool {
		return all(buckets).Cmp(all(was)) < 0
	})
}

// add is what both histograms do once their counts lie in the policy's buckets.
func (r *reference) add(s *refSignal, series *refSeries, identity string, isDelta bool, buckets []uint64, dp interface {
	HasSum() bool
	Sum() float64
	StartTimestamp() pcommon.Timestamp
	Timestamp() pcommon.Timestamp
}, fell func([]uint64) bool) Reason {
	hasSum := dp.HasSum() && !math.IsNaN(dp.Sum()) && !math.IsInf(dp.Sum(), 0)
	start, at := uint64(dp.StartTimestamp()), uint64(dp.Timestamp())
	src, isNew := r.source(s, identity, 1+len(buckets)/8)
	if src == nil {
		if !isDelta {
			return SourceLimit
		}
		series.pour(s, buckets, dp.Sum(), hasSum)
		return located
	}
	if !isNew {
		if reason := late(src, at); reason != located {
			return reason
		}
	}
	increments, sum := slices.Clone(buckets), dp.Sum()
	switch {
	case isDelta:
	case isNew:
		if start < s.since || at != 0 && start > at {
			increments, sum = make([]uint64, len(buckets)), 0
		}
	default:
		if !fell(src.buckets) && !startedAnew(src, start, at) {
			increments = grown(buckets, src.buckets)
			if sum = dp.Sum() - src.sum; !src.hasSum {
				sum = 0
			}
		}
	}
	series.pour(s, increments, sum, hasSum)
	next := refSource{series: series, start: max(start, src.start), time: max(at, src.time), buckets: buckets, sum: src.sum, hasSum: src.hasSum, report: r.reports}
	if hasSum {
		next.sum, next.hasSum = dp.Sum(), true
	}
	*src = next
	return located
}

// grown is what each bucket has beyond before. What a bucket lost went into
// others, first into those above.
func grown(now, before []uint64) []uint64 {
	d := make([]int64, len(now))
	for i := range now {
		d[i] = int64(now[i]) - int64(before[i])
	}
	for i := 0; i+1 < len(d); i++ {
		if d[i] < 0 {
			d[i], d[i+1] = 0, d[i]+d[i+1]
		}
	}
	for i := len(d) - 1; i > 0; i-- {
		if d[i] < 0 {
			d[i], d[i-1] = 0, d[i]+d[i-1]
		}
	}
	out := make([]uint64, len(d))
	for i := range d {
		out[i] = uint64(max(d[i], 0))
	}
	return out
}

func (s *refSeries) pour(signal *refSignal, buckets []uint64, sum float64, hasSum bool) {
	for i, n := range buckets {
		s.buckets[i] += n
	}
	if signal.HasValue && hasSum && sum > 0 {
		s.total += sum
	}
}

// report says the lines that the fast table's report must have.
func (r *reference) report(now time.Time) []string {
	r.now = now
	var out []string
	interval := r.policy.Interval
	start := r.start.Truncate(interval).Sub(began).String()
	at := now.Truncate(interval).Sub(began).String()
	for _, p := range r.policy.Signals {
		s := r.signals[p.Name]
		var all []*refSeries
		for _, series := range s.series {
			all = append(all, series)
		}
		slices.SortFunc(all, func(a, b *refSeries) int { return slices.Compare(a.texts, b.texts) })
		r.fillGauges(s)
		for _, series := range all {
			if line := series.line(s, start, at); !s.Expired(now) {
				out = append(out, line)
			}
			series.seen, series.value, series.time, series.number = false, 0, 0, 0
		}
		r.expire(s, now)
	}
	r.reports++
	return out
}

func (r *reference) fillGauges(s *refSignal) {
	if s.Kind != policy.KindGauge || s.Merge != policy.MergeSum && s.Merge != policy.MergeMean {
		return
	}
	for _, id := range s.order {
		if src := s.sources[id]; src.report == r.reports {
			src.series.seen = true
			src.series.value += src.value
			src.series.number++
		}
	}
	for _, series := range s.series {
		if s.Merge == policy.MergeMean && series.seen {
			series.value /= float64(series.number)
		}
	}
}

func (r *reference) expire(s *refSignal, now time.Time) {
	var latest uint64
	s.order = slices.DeleteFunc(s.order, func(id string) bool {
		src := s.sources[id]
		if r.reports+1-src.report <= r.idle {
			return false
		}
		latest = max(latest, src.start+1)
		delete(s.sources, id)
		return true
	})
	s.since = max(s.since, min(latest, uint64(now.UnixNano())))
}

func (s *refSeries) line(signal *refSignal, start, at string) string {
	var parts []string
	for i, a := range signal.Attributes {
		typ := "Str"
		if a.Domain.Contains(s.texts[i]) && a.Domain.Kind == policy.DomainBool {
			typ = "Bool"
		} else if a.Domain.Contains(s.texts[i]) && a.Domain.Kind == policy.DomainInt {
			typ = "Int"
		}
		parts = append(parts, fmt.Sprintf("%s=%s(%s)", a.Key, s.texts[i], typ))
	}
	attrs := "{" + strings.Join(parts, ",") + "}"
	head := fmt.Sprintf("%s %s %q", signal.Name, signal.Unit, "{}")
	switch signal.Kind {
	case policy.KindSum:
		return fmt.Sprintf("%s sum/Cumulative/true %s %s..%s %v flags=0 extra=0", head, attrs, start, at, signal.Value.Snap(s.total))
	case policy.KindGauge:
		if !s.seen {
			return fmt.Sprintf("%s gauge %s none..%s Empty flags=1 extra=0", head, attrs, at)
		}
		return fmt.Sprintf("%s gauge %s none..%s %v flags=0 extra=0", head, attrs, at, signal.Value.Snap(s.value))
	default:
		var count uint64
		shown := make([]uint64, len(s.buckets))
		for i, n := range s.buckets {
			shown[i] = min(n, policy.MaxBucketCount)
			count += shown[i]
		}
		sum := "none"
		if signal.HasValue {
			sum = fmt.Sprint(signal.Value.Snap(s.total))
		}
		return fmt.Sprintf("%s histogram/Cumulative %s %s..%s %v %v count=%d sum=%s flags=0 extra=0falsefalse", head, attrs, start, at, signal.Bounds, shown, count, sum)
	}
}
