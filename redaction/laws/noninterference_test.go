package laws

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

// How many pairs of inputs are tried. WEIR_LAW_PAIRS says otherwise; the fuzz
// target tries pairsPerInput for each input of the fuzzer, so that a million
// are 15,625 inputs.
const (
	lawPairs      = 100_000
	lawPairsShort = 2_000
	pairsPerInput = 64
)

// Law: non-interference. Two inputs that agree on the allowed part give the
// same bytes and the same number of kept points, whatever surrounds it. The
// allowed part is, of each point of a signal: which signal, which source,
// the values of the policy's attributes, the value, the temporality, and the
// order of its times. All else is drawn anew for each side: other attributes
// and where the policy's stand, resources, scopes, texts, exemplars, metadata,
// schema URLs, dropped counts, unknown flags, min and max, points that are
// refused, metrics that the policy does not name, how points are packed into
// batches, and the clock below the order of times.
//
// The table's own test of this law shrinks what it finds; this one is fast.
func TestLawNonInterferenceOverManyPairs(t *testing.T) {
	pairs := lawPairs
	if testing.Short() {
		pairs = lawPairsShort
	}
	if s := os.Getenv("WEIR_LAW_PAIRS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		pairs = n
	}
	l := newInterference(t)
	changed := 0
	for seed := range uint64(pairs) {
		moved, err := l.pair(seed)
		if err != nil {
			t.Fatal(err)
		}
		if moved {
			changed++
		}
	}
	if changed < pairs*9/10 {
		t.Errorf("only %d of %d reports differ from that of no input: the law is about nothing", changed, pairs)
	}
	t.Logf("figure non_interference_pairs %d, of which %d count something", pairs, changed)
}

func FuzzNonInterference(f *testing.F) {
	l := newInterference(f)
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		for i := range uint64(pairsPerInput) {
			if _, err := l.pair(seed*pairsPerInput + i); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// interference is what all pairs share: small policies, one for each pair, so
// that laying out tables does not cost more than using them.
type interference struct {
	policies []*policy.Policy
	empty    [][]byte
	lay      func(*policy.Policy) (projector, error)
}

// projector is a table, or a mutant of one.
type projector interface {
	Observe(pmetric.Metrics)
	Report(now time.Time) (pmetric.Metrics, error)
}

var interferencePolicies = []string{
	entry("a.sum", "sum", `value: {min: 0, max: 1000, step: 1}
    attributes:
      k: {enum: [x, y], otherwise: other}
      b: {type: bool, otherwise: drop}`) +
		entry("b.histogram", "histogram", `bounds: [1, 2, 5]
    value: {min: 0, max: 100, step: 0.1}
    attributes:
      n: {type: int, min: 1, max: 2, otherwise: drop}`),
	entry("a.last", "gauge", gaugeText("last")) + entry("b.mean", "gauge", gaugeText("mean")),
	entry("a.max", "gauge", gaugeText("max")) + entry("b.sum", "gauge", gaugeText("sum")),
	entry("a.versions", "sum", `value: {min: 0, max: 1000, step: 1}
    max_series: 2
    attributes:
      v: {type: semver, otherwise: none}`) +
		entry("b.people", "sum", `value: {min: 0, max: 1000, step: 0.5}
    attributes:
      who: {type: hmac}`),
}

func gaugeText(merge string) string {
	return "merge: " + merge + `
    value: {min: -10, max: 10, step: 0.25}
    attributes:
      k: {enum: [y, x], otherwise: drop}`
}

func newInterference(t testing.TB) *interference {
	l := &interference{lay: func(p *policy.Policy) (projector, error) {
		return table.New(p, table.Options{Key: key, Identity: install, Start: began})
	}}
	for _, text := range interferencePolicies {
		p := parse(t, head+text)
		l.policies = append(l.policies, p)
		l.empty = append(l.empty, marshal(t, report(t, lay(t, p), after(61))))
	}
	return l
}

// pair tries one, and says whether its report has anything counted.
func (l *interference) pair(seed uint64) (moved bool, err error) {
	facts := rand.New(rand.NewPCG(seed, 1))
	at := int(seed % uint64(len(l.policies)))
	p := l.policies[at]
	points := make([]allowed, 1+facts.IntN(6))
	for i := range points {
		points[i] = drawAllowed(facts, p)
	}
	var raw [2][]byte
	var kept [2]uint64
	for side := range raw {
		tab, err := l.lay(p)
		if err != nil {
			return false, err
		}
		s := &surroundings{Rand: rand.New(rand.NewPCG(seed, uint64(2+side)))}
		for _, md := range s.around(points) {
			tab.Observe(md)
		}
		md, err := tab.Report(after(61))
		if err != nil {
			return false, err
		}
		if raw[side], err = (&pmetric.ProtoMarshaler{}).MarshalMetrics(md); err != nil {
			return false, err
		}
		if t, ok := tab.(*table.Table); ok {
			kept[side] = t.Counters().Kept
		}
	}
	if !bytes.Equal(raw[0], raw[1]) {
		return false, fmt.Errorf("pair %d: inputs that agree on the allowed part give different reports of %d and %d bytes", seed, len(raw[0]), len(raw[1]))
	}
	if kept[0] != kept[1] {
		return false, fmt.Errorf("pair %d: inputs that agree on the allowed part count %d and %d points", seed, kept[0], kept[1])
	}
	return !bytes.Equal(raw[0], l.empty[at]), nil
}

// allowed is the allowed part of a point.
type allowed struct {
	signal      *policy.Signal
	source      int
	temporality pmetric.AggregationTemporality
	start, time int // seconds; of the time, only the order counts
	value       float64
	isInt       bool
	buckets     [4]uint64
}

func drawAllowed(r *rand.Rand, p *policy.Policy) allowed {
	a := allowed{signal: &p.Signals[r.IntN(len(p.Signals))], source: r.IntN(3), temporality: cumulative,
		start: r.IntN(3) - 1, time: 1 + r.IntN(9), value: float64(r.IntN(80)) / 4, isInt: r.IntN(2) == 0}
	if r.IntN(3) == 0 {
		a.temporality = delta
	}
	if a.isInt {
		a.value = math.Trunc(a.value)
	}
	for i := range a.buckets {
		a.buckets[i] = uint64(r.IntN(4))
	}
	return a
}

// surroundings draw all that is not allowed. A source keeps its own: what it
// is called, differs between the two sides, that it is one source does not.
type surroundings struct {
	*rand.Rand
	sources [3]*identity
	late    [12]pcommon.Timestamp
}

type identity struct {
	key, text  string
	scope      string
	onResource bool
	extra      int
}

func (s *surroundings) text() string { return strconv.FormatUint(s.Uint64(), 36) }

func (s *surroundings) around(points []allowed) []pmetric.Metrics {
	var out []pmetric.Metrics
	for i := range s.sources {
		s.sources[i] = &identity{key: s.text(), text: s.text(), scope: s.text(), onResource: s.IntN(2) == 0, extra: s.IntN(3)}
	}
	for i := range s.late {
		s.late[i] = pcommon.Timestamp(s.IntN(999_999_999))
	}
	for i, a := range points {
		if i == 0 || s.IntN(2) == 0 {
			out = append(out, pmetric.NewMetrics())
		}
		md := out[len(out)-1]
		if s.IntN(2) == 0 {
			s.stranger(md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty(), a)
		}
		s.dress(md.ResourceMetrics().AppendEmpty(), a)
	}
	return out
}

// stranger is a metric of no signal, or one that is refused.
func (s *surroundings) stranger(m pmetric.Metric, a allowed) {
	m.SetName(a.signal.Name)
	m.SetUnit("1")
	switch s.IntN(3) {
	case 0:
		m.SetName(s.text())
	case 1:
		m.SetUnit(s.text())
	case 2:
		dp := m.SetEmptySummary().DataPoints().AppendEmpty()
		dp.SetCount(s.Uint64())
		return
	}
	dp := m.SetEmptyGauge().DataPoints().AppendEmpty()
	dp.SetIntValue(s.Int64())
	dp.Attributes().PutStr(s.text(), s.text())
}

func (s *surroundings) dress(rm pmetric.ResourceMetrics, a allowed) {
	id := s.sources[a.source]
	sm := rm.ScopeMetrics().AppendEmpty()
	m := sm.Metrics().AppendEmpty()
	m.SetName(a.signal.Name)
	m.SetUnit("1")
	resource := rm.Resource()
	resource.Attributes().PutStr(id.key, id.text)
	sm.Scope().SetName(id.scope)
	sm.Scope().SetVersion(id.text)
	sm.Scope().Attributes().PutStr(id.key, id.text)
	if s.IntN(2) == 0 {
		rm.SetSchemaUrl(s.text())
		sm.SetSchemaUrl(s.text())
		m.SetDescription(s.text())
		m.Metadata().PutStr(s.text(), s.text())
		resource.SetDroppedAttributesCount(s.Uint32())
		sm.Scope().SetDroppedAttributesCount(s.Uint32())
	}
	switch a.signal.Kind {
	case policy.KindSum:
		m.SetEmptySum().SetIsMonotonic(!a.signal.UpDown)
		m.Sum().SetAggregationTemporality(a.temporality)
		s.number(m.Sum().DataPoints().AppendEmpty(), resource.Attributes(), a)
	case policy.KindGauge:
		s.number(m.SetEmptyGauge().DataPoints().AppendEmpty(), resource.Attributes(), a)
	case policy.KindHistogram:
		h := m.SetEmptyHistogram()
		h.SetAggregationTemporality(a.temporality)
		s.histogram(h.DataPoints().AppendEmpty(), resource.Attributes(), a)
	}
}

func (s *surroundings) number(dp pmetric.NumberDataPoint, resource pcommon.Map, a allowed) {
	s.attributes(dp.Attributes(), resource, a)
	dp.SetStartTimestamp(s.at(a.start))
	dp.SetTimestamp(s.at(a.time))
	if a.isInt {
		dp.SetIntValue(int64(a.value))
	} else {
		dp.SetDoubleValue(a.value)
	}
	dp.SetFlags(pmetric.DataPointFlags(s.Uint32() &^ 1))
	s.exemplar(dp.Exemplars())
}

func (s *surroundings) histogram(dp pmetric.HistogramDataPoint, resource pcommon.Map, a allowed) {
	s.attributes(dp.Attributes(), resource, a)
	dp.SetStartTimestamp(s.at(a.start))
	dp.SetTimestamp(s.at(a.time))
	dp.ExplicitBounds().FromRaw(a.signal.Bounds)
	dp.BucketCounts().FromRaw(a.buckets[:])
	dp.SetCount(s.Uint64()) // the buckets say it
	dp.SetSum(a.value)
	if s.IntN(2) == 0 {
		dp.SetMin(s.Float64())
		dp.SetMax(s.Float64())
	}
	dp.SetFlags(pmetric.DataPointFlags(s.Uint32() &^ 1))
	s.exemplar(dp.Exemplars())
}

func (s *surroundings) exemplar(list pmetric.ExemplarSlice) {
	if s.IntN(4) > 0 {
		return
	}
	e := list.AppendEmpty()
	e.SetDoubleValue(s.Float64())
	e.SetTimestamp(pcommon.Timestamp(s.Uint64()))
	e.FilteredAttributes().PutStr(s.text(), s.text())
	e.SetTraceID(pcommon.TraceID{byte(s.Uint32()), 1})
}

// at moves a time by less than what separates two, each time the same way.
func (s *surroundings) at(seconds int) pcommon.Timestamp {
	return ts(after(float64(seconds))) + s.late[seconds+1]
}

// attributes puts the allowed ones, on the point or on the resource, in any
// order, among others.
func (s *surroundings) attributes(own, resource pcommon.Map, a allowed) {
	id := s.sources[a.source]
	to := own
	if id.onResource {
		to = resource
	}
	puts := []func(){
		func() { to.PutStr("k", []string{"x", "y", "elsewhere"}[a.source]) },
		func() { to.PutBool("b", a.source == 0) },
		func() { to.PutInt("n", int64(a.source)) },
		func() { to.PutStr("v", []string{"1.0.0", "2.0.0", "1.0"}[a.source]) },
		func() { to.PutStr("who", []string{"ada", "bob", ""}[a.source]) },
	}
	for i := range id.extra {
		puts = append(puts, func() {
			k := id.key + strconv.Itoa(i)
			switch i {
			case 0:
				own.PutStr(k, id.text)
			default:
				own.PutEmptyMap(k).PutEmptySlice(id.text).AppendEmpty().SetDouble(1.5)
			}
		})
	}
	s.Shuffle(len(puts), func(i, j int) { puts[i], puts[j] = puts[j], puts[i] })
	for _, put := range puts {
		put()
	}
}
