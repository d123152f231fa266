package laws

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

const widePolicy = head + `  - name: gauge.last
` + wideRest + `    kind: gauge
    merge: last
    value: {min: -100, max: 100, step: 0.25}
    attributes:
      b: {type: bool, otherwise: other}
      k: {enum: [x, y, z], otherwise: other}
  - name: gauge.max
` + wideRest + `    kind: gauge
    merge: max
    value: {min: -100, max: 100, step: 0.25}
    attributes:
      k: {enum: [x, y, z], otherwise: other}
      n: {type: int, min: 1, max: 4, otherwise: none}
  - name: gauge.mean
` + wideRest + `    kind: gauge
    merge: mean
    value: {min: -100, max: 100, step: 0.25}
    attributes:
      k: {enum: [x, y, z], otherwise: other}
  - name: gauge.min
` + wideRest + `    kind: gauge
    merge: min
    value: {min: -100, max: 100, step: 0.25}
    attributes:
      k: {enum: [x, y, z], otherwise: drop}
  - name: gauge.sum
` + wideRest + `    kind: gauge
    merge: sum
    value: {min: -10000, max: 10000, step: 0.25}
    attributes:
      k: {enum: [x, y, z], otherwise: other}
  - name: histogram.sum
` + wideRest + `    kind: histogram
    bounds: [1, 2, 5, 10]
    value: {min: 0, max: 1000000, step: 0.25}
    attributes:
      k: {enum: [x, y, z], otherwise: other}
  - name: sum.dense
` + wideRest + `    kind: sum
    value: {min: 0, max: 1000000, step: 0.25}
    attributes:
      b: {type: bool, otherwise: other}
      k: {enum: [x, y, z], otherwise: other}
      n: {type: int, min: 1, max: 4, otherwise: drop}
  - name: sum.versions
` + wideRest + `    kind: sum
    value: {min: 0, max: 1000000, step: 0.25}
    max_series: 1000
    attributes:
      k: {enum: [x, y, z], otherwise: other}
      v: {type: semver, otherwise: none}
`

const wideRest = `    why: the laws need it
    owner: support@acme.example
    category: health
    unit: "1"
`

// narrow draws a policy that lets out less: a signal, a value of an enum, an
// end of a range or of an int domain, every other step, a bound or the sum of a
// histogram, or an attribute is gone, a signal has expired, or max_series is
// smaller. An attribute goes only if it has a constant for what is outside its
// domain: one that drops points keeps them out, and without it they would count.
func narrow(rt *rapid.T, wide *policy.Policy) *policy.Policy {
	n := *wide
	n.Signals = slices.Clone(wide.Signals)
	chance := func(what string, oneIn int) bool { return rapid.IntRange(1, oneIn).Draw(rt, what) == oneIn }
	for range rapid.IntRange(1, 10).Draw(rt, "cuts") {
		i := rapid.IntRange(0, len(n.Signals)-1).Draw(rt, "signal")
		s := &n.Signals[i]
		s.Attributes = slices.Clone(s.Attributes)
		if len(n.Signals) > 1 && chance("drop the signal", 12) {
			n.Signals = slices.Delete(n.Signals, i, i+1)
			continue
		}
		switch rapid.IntRange(0, 5).Draw(rt, "cut") {
		case 0: // a coarser grid, with the same ends
			if s.HasValue && math.Mod(s.Value.Steps(), 2) == 0 {
				s.Value.Step *= 2
			}
		case 1: // a smaller range on the same grid
			if s.HasValue && s.Value.Steps() > 8 {
				by := float64(rapid.IntRange(1, 4).Draw(rt, "by")) * s.Value.Step
				if s.Kind == policy.KindGauge && chance("from below", 2) {
					s.Value.Min += by
				} else {
					s.Value.Max -= by * math.Exp2(float64(rapid.IntRange(0, 12).Draw(rt, "scale")))
					if s.Value.Max <= s.Value.Min {
						s.Value.Max = s.Value.Min + s.Value.Step
					}
				}
			}
		case 2:
			if s.Kind == policy.KindHistogram && len(s.Bounds) > 1 {
				at := rapid.IntRange(0, len(s.Bounds)-1).Draw(rt, "bound")
				s.Bounds = slices.Delete(slices.Clone(s.Bounds), at, at+1)
			} else if s.Kind == policy.KindHistogram {
				s.HasValue, s.Value = false, policy.Value{}
			}
		case 3:
			if len(s.Attributes) > 0 {
				at := rapid.IntRange(0, len(s.Attributes)-1).Draw(rt, "attribute")
				if !s.Attributes[at].Otherwise.Drop {
					s.Attributes = slices.Delete(s.Attributes, at, at+1)
				}
			}
		case 4:
			for j := range s.Attributes {
				d := &s.Attributes[j].Domain
				switch {
				case d.Kind == policy.DomainEnum && len(d.Values) > 1:
					at := rapid.IntRange(0, len(d.Values)-1).Draw(rt, "value")
					d.Values = slices.Delete(slices.Clone(d.Values), at, at+1)
				case d.Kind == policy.DomainInt && d.Max > d.Min:
					d.Max--
				}
			}
		case 5:
			if s.DenseSize() < 0 {
				s.MaxSeries = rapid.IntRange(1, s.MaxSeries).Draw(rt, "max series")
			} else if chance("expire", 4) {
				s.Expires = time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)
			}
		}
	}
	for i := range n.Signals {
		if s := &n.Signals[i]; s.DenseSize() >= 0 {
			s.MaxSeries = s.DenseSize()
		}
	}
	text := policy.Render(&n)
	p, err := policy.Parse("allowlist.yaml", text)
	if err != nil {
		rt.Fatalf("the narrowed policy: %v\n%s", err, text)
	}
	return p
}

// Law: monotonicity. For the same input, with wide and narrow the reports under
// a policy and a narrower one:
//
//   - Each metric of narrow is in wide.
//   - Each series of narrow is the image of one or more of wide: f leaves out
//     the attributes that are gone, and puts the constant of its otherwise for a
//     value that is. One without a preimage would be new. There are some only
//     where the last dictionary is gone, so that series became fixed: they say 0.
//   - A sum is Snap of the sum over its preimage, a bucket's count the sum over
//     the preimage's buckets that went into it, a gauge the merge of the
//     preimage's: one of them for last, their least and greatest for min and
//     max, their sum for sum, something between them for mean; it has no value
//     if none of them has one. Half a step is allowed for each number that was
//     rounded.
//   - Narrow's information budget is not above wide's, policy.Diff finds nothing
//     widened, and narrow's gate takes its report.
//
// So narrow can be computed from wide, up to what rounding twice does, and says
// nothing that wide does not. The input's streams are well formed: one that
// starts anew says so by its start. Whether one fell in silence can show in the
// wide histogram's buckets and not in the narrow one's. Nor does wide run into
// its max_series: the points that it drops then could count without a version.
func TestLawMonotonicity(t *testing.T) {
	wide := parse(t, widePolicy)
	compared := 0
	rapid.Check(t, func(rt *rapid.T) {
		small := narrow(rt, wide)
		a, b := lay(rt, wide), lay(rt, small)
		w := &world{rt: rt, p: wide}
		for range rapid.IntRange(1, 4).Draw(rt, "batches") {
			md := w.batch()
			a.Observe(md)
			b.Observe(md)
		}
		one, two := report(rt, a, after(61)), report(rt, b, after(61))
		big := readSeries(wide, one)
		for name, series := range readSeries(small, two) {
			compared += len(series)
			compare(rt, signalOf(wide, name), signalOf(small, name), big[name], series)
		}
		stamp(small, two, after(61))
		if err := gate.Check(small, two, gate.Facts{Now: after(61), MaxSkew: time.Second}); err != nil {
			rt.Fatal(err)
		}
		if x, y := policy.Budget(wide), policy.Budget(small); y.BitsPerDay > x.BitsPerDay {
			rt.Fatalf("the narrow policy may let out %v bits a day, the wide one %v", y.BitsPerDay, x.BitsPerDay)
		}
		if d := policy.Diff(wide, small); d.Has(policy.Widened) {
			rt.Fatalf("the narrow policy is called wider: %+v", d.Entries)
		}
	})
	t.Logf("%d series compared", compared)
}

func signalOf(p *policy.Policy, name string) *policy.Signal {
	i, ok := slices.BinarySearchFunc(p.Signals, name, func(s policy.Signal, n string) int { return strings.Compare(s.Name, n) })
	if !ok {
		return nil
	}
	return &p.Signals[i]
}

// reading is one series of a report.
type reading struct {
	attrs   map[string]string
	value   float64
	empty   bool
	buckets []uint64
	hasSum  bool
}

func readSeries(p *policy.Policy, md pmetric.Metrics) map[string][]reading {
	out := map[string][]reading{}
	text := func(m pcommon.Map) map[string]string {
		attrs := map[string]string{}
		for k, v := range m.All() {
			attrs[k] = v.AsString()
		}
		return attrs
	}
	for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		numbers := func(dps pmetric.NumberDataPointSlice) {
			for _, dp := range dps.All() {
				out[m.Name()] = append(out[m.Name()], reading{attrs: text(dp.Attributes()), value: dp.DoubleValue(), empty: dp.Flags().NoRecordedValue()})
			}
		}
		switch m.Type() {
		case pmetric.MetricTypeSum:
			numbers(m.Sum().DataPoints())
		case pmetric.MetricTypeGauge:
			numbers(m.Gauge().DataPoints())
		case pmetric.MetricTypeHistogram:
			for _, dp := range m.Histogram().DataPoints().All() {
				out[m.Name()] = append(out[m.Name()], reading{attrs: text(dp.Attributes()), value: dp.Sum(), buckets: dp.BucketCounts().AsRaw(), hasSum: dp.HasSum()})
			}
		}
	}
	return out
}

// image is the line of the narrow series that a wide one goes into, and false
// if it is dropped.
func image(narrow *policy.Signal, attrs map[string]string) (string, bool) {
	line := ""
	for _, a := range narrow.Attributes {
		text := attrs[a.Key]
		if !a.Domain.Contains(text) {
			if a.Otherwise.Drop {
				return "", false
			}
			text = a.Otherwise.Constant
		}
		line += fmt.Sprintf("%s=%q,", a.Key, text)
	}
	return line, true
}

func compare(rt *rapid.T, wide, narrow *policy.Signal, big, small []reading) {
	if wide == nil {
		rt.Fatalf("%s is in the narrow report alone", narrow.Name)
	}
	preimage := map[string][]reading{}
	for _, r := range big {
		if line, ok := image(narrow, r.attrs); ok {
			preimage[line] = append(preimage[line], r)
		}
	}
	for _, got := range small {
		line, _ := image(narrow, got.attrs)
		from := preimage[line]
		if wide.DenseSize() < 0 && narrow.DenseSize() >= 0 && len(from) == 0 {
			from = []reading{{}} // always there, and nothing yet
		}
		if len(from) == 0 {
			rt.Fatalf("%s{%s} is in the narrow report alone", narrow.Name, line)
		}
		switch narrow.Kind {
		case policy.KindHistogram:
			compareBuckets(rt, wide, narrow, line, from, got)
			if got.hasSum && !from[0].hasSum {
				rt.Fatalf("%s{%s} has a sum in the narrow report alone", narrow.Name, line)
			}
			fallthrough
		case policy.KindSum:
			if !narrow.HasValue {
				break
			}
			total := 0.0
			for _, r := range from {
				total += r.value
			}
			near(rt, wide, narrow, line, len(from), total, total, got.value)
		case policy.KindGauge:
			compareGauge(rt, wide, narrow, line, from, got)
		}
	}
}

// near demands that got is what lies between low and high, clamped to the
// narrow range and rounded: each of n numbers once in wide, and once in narrow.
func near(rt *rapid.T, wide, narrow *policy.Signal, line string, n int, low, high, got float64) {
	slack := float64(n)*wide.Value.Step/2 + narrow.Value.Step/2 + 1e-9
	clamp := func(v float64) float64 { return min(max(v, narrow.Value.Min), narrow.Value.Max) }
	if got < clamp(low)-slack || got > clamp(high)+slack {
		rt.Fatalf("%s{%s} is %v, not within %v of %v..%v", narrow.Name, line, got, slack, clamp(low), clamp(high))
	}
	if !narrow.Value.Holds(got) {
		rt.Fatalf("%s{%s}: %v is not on the narrow grid", narrow.Name, line, got)
	}
}

func compareBuckets(rt *rapid.T, wide, narrow *policy.Signal, line string, from []reading, got reading) {
	want := make([]uint64, len(narrow.Bounds)+1)
	for _, r := range from {
		for i, n := range r.buckets {
			to := len(narrow.Bounds)
			if i < len(wide.Bounds) {
				to, _ = slices.BinarySearch(narrow.Bounds, wide.Bounds[i])
			}
			want[to] += n
		}
	}
	if !slices.Equal(got.buckets, want) {
		rt.Fatalf("%s{%s} has the buckets %v, want %v", narrow.Name, line, got.buckets, want)
	}
}

func compareGauge(rt *rapid.T, wide, narrow *policy.Signal, line string, from []reading, got reading) {
	var values []float64
	total := 0.0
	for _, r := range from {
		if !r.empty {
			values = append(values, r.value)
			total += r.value
		}
	}
	if (len(values) == 0) != got.empty {
		rt.Fatalf("%s{%s} has a value: %v, of %d that have one", narrow.Name, line, !got.empty, len(values))
	}
	if got.empty {
		return
	}
	low, high := slices.Min(values), slices.Max(values)
	n := 1
	switch narrow.Merge {
	case policy.MergeMin:
		high = low
	case policy.MergeMax:
		low = high
	case policy.MergeSum:
		low, high, n = total, total, len(values)
	case policy.MergeLast: // it is one of them
		i := slices.IndexFunc(values, func(v float64) bool {
			c := min(max(v, narrow.Value.Min), narrow.Value.Max)
			return math.Abs(c-got.value) <= wide.Value.Step/2+narrow.Value.Step/2+1e-9
		})
		if i < 0 {
			rt.Fatalf("%s{%s} is %v, which is none of %v", narrow.Name, line, got.value, values)
		}
	}
	near(rt, wide, narrow, line, n, low, high, got.value)
}

// world draws well-formed streams: each source has one set of attributes, its
// times go on, and it starts anew only with a start of its own.
type world struct {
	rt      *rapid.T
	p       *policy.Policy
	tick    float64
	streams map[string]*stream
}

type stream struct {
	start   float64
	total   float64
	buckets []uint64
}

func (w *world) batch() pmetric.Metrics {
	if w.streams == nil {
		w.streams = map[string]*stream{}
	}
	w.tick += 2
	md := pmetric.NewMetrics()
	sm := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	for _, source := range rapid.SliceOfNDistinct(rapid.IntRange(0, 29), 1, 8, rapid.ID).Draw(w.rt, "sources") {
		s := &w.p.Signals[rapid.IntRange(0, len(w.p.Signals)-1).Draw(w.rt, "of signal")]
		id := fmt.Sprint(s.Name, source)
		st := w.streams[id]
		if st == nil {
			st = &stream{buckets: make([]uint64, 5)}
			w.streams[id] = st
		} else if rapid.IntRange(1, 6).Draw(w.rt, "starts anew") == 1 {
			*st = stream{start: w.tick - 1, buckets: make([]uint64, 5)}
		}
		w.point(sm.Metrics().AppendEmpty(), s, source, st)
	}
	return md
}

func (w *world) point(m pmetric.Metric, s *policy.Signal, source int, st *stream) {
	m.SetName(s.Name)
	m.SetUnit("1")
	step := float64(rapid.IntRange(0, 99).Draw(w.rt, "value")) / 10
	number := func(dp pmetric.NumberDataPoint, v float64) {
		w.attributes(dp.Attributes(), source)
		dp.SetStartTimestamp(ts(after(st.start)))
		dp.SetTimestamp(ts(after(w.tick)))
		dp.SetDoubleValue(v)
	}
	st.total += step
	switch s.Kind {
	case policy.KindSum:
		m.SetEmptySum().SetIsMonotonic(true)
		m.Sum().SetAggregationTemporality(cumulative)
		number(m.Sum().DataPoints().AppendEmpty(), st.total)
	case policy.KindGauge:
		number(m.SetEmptyGauge().DataPoints().AppendEmpty(), step*20-100)
	case policy.KindHistogram:
		st.buckets[rapid.IntRange(0, 4).Draw(w.rt, "bucket")] += uint64(step)
		m.SetEmptyHistogram().SetAggregationTemporality(cumulative)
		dp := m.Histogram().DataPoints().AppendEmpty()
		w.attributes(dp.Attributes(), source)
		dp.SetStartTimestamp(ts(after(st.start)))
		dp.SetTimestamp(ts(after(w.tick)))
		dp.BucketCounts().FromRaw(st.buckets)
		dp.ExplicitBounds().FromRaw([]float64{1, 2, 5, 10})
		dp.SetSum(st.total)
	}
}

func (w *world) attributes(m pcommon.Map, source int) {
	m.PutInt("source", int64(source))
	m.PutStr("k", []string{"x", "y", "z", "elsewhere"}[source%4])
	if source%3 > 0 {
		m.PutBool("b", source%3 == 1)
	}
	m.PutInt("n", int64(source%5))
	m.PutStr("v", []string{"1.0.0", "2.0.0", "3.1.0", "dev"}[source/4%4])
}
