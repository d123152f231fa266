package table

import (
	"fmt"
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// generator draws inputs from small alphabets, so that sources, series and
// times meet often, with every odd value among them.
type generator struct {
	rt      *rapid.T
	p       *policy.Policy
	signals []policy.Signal // the ones that this case is about
}

func generate(rt *rapid.T, p *policy.Policy) *generator {
	g := &generator{rt: rt, p: p}
	for range 2 {
		g.signals = append(g.signals, draw(g, "signal", p.Signals...))
	}
	return g
}

func draw[T any](g *generator, what string, from ...T) T {
	return from[rapid.IntRange(0, len(from)-1).Draw(g.rt, what)]
}

func (g *generator) chance(what string, oneIn int) bool {
	return rapid.IntRange(1, oneIn).Draw(g.rt, what) == oneIn
}

func (g *generator) batch() pmetric.Metrics {
	md := pmetric.NewMetrics()
	for range rapid.IntRange(1, 2).Draw(g.rt, "resources") {
		rm := md.ResourceMetrics().AppendEmpty()
		if g.chance("resource attributes", 3) {
			g.attributes(rm.Resource().Attributes())
		}
		sm := rm.ScopeMetrics().AppendEmpty()
		sm.Scope().SetName(draw(g, "scope", "s", "s", "s", "s", "s", "s", "r"))
		for range rapid.IntRange(1, 3).Draw(g.rt, "metrics") {
			g.metric(sm.Metrics().AppendEmpty())
		}
	}
	return md
}

func (g *generator) metric(m pmetric.Metric) {
	s := draw(g, "which signal", g.signals...)
	m.SetName(s.Name)
	m.SetUnit(s.Unit)
	if g.chance("stranger", 12) {
		m.SetName("stranger")
	}
	if g.chance("other unit", 20) {
		m.SetUnit("s")
	}
	kind := map[policy.Kind]string{policy.KindSum: "sum", policy.KindGauge: "gauge", policy.KindHistogram: "histogram"}[s.Kind]
	if g.chance("other kind", 12) {
		kind = draw(g, "kind", "sum", "gauge", "histogram", "exponential", "summary")
	}
	if kind == "histogram" && g.chance("exponential", 3) {
		kind = "exponential"
	}
	temporality := draw(g, "temporality", cumulative, cumulative, cumulative, cumulative, cumulative, cumulative, delta, delta, delta, pmetric.AggregationTemporalityUnspecified)
	n := rapid.IntRange(1, 4).Draw(g.rt, "points")
	switch kind {
	case "sum":
		m.SetEmptySum().SetIsMonotonic(!g.chance("non-monotonic", 12))
		m.Sum().SetAggregationTemporality(temporality)
		for range n {
			g.number(m.Sum().DataPoints().AppendEmpty())
		}
	case "gauge":
		m.SetEmptyGauge()
		for range n {
			g.number(m.Gauge().DataPoints().AppendEmpty())
		}
	case "histogram":
		m.SetEmptyHistogram().SetAggregationTemporality(temporality)
		for range n {
			g.histogram(m.Histogram().DataPoints().AppendEmpty())
		}
	case "exponential":
		m.SetEmptyExponentialHistogram().SetAggregationTemporality(temporality)
		for range n {
			g.exponential(m.ExponentialHistogram().DataPoints().AppendEmpty())
		}
	case "summary":
		m.SetEmptySummary().DataPoints().AppendEmpty().SetCount(1)
	}
}

func (g *generator) times(setStart, setTime func(pcommon.Timestamp)) {
	start := draw(g, "start", 0, 0, 0, -1, 2, 4)
	if g.chance("no start", 10) {
		setStart(0)
	} else {
		setStart(ts(after(float64(start))))
	}
	if g.chance("no time", 12) {
		setTime(0)
	} else {
		setTime(ts(after(float64(rapid.IntRange(0, 9).Draw(g.rt, "time")))))
	}
}

func (g *generator) number(dp pmetric.NumberDataPoint) {
	g.attributes(dp.Attributes())
	g.times(dp.SetStartTimestamp, dp.SetTimestamp)
	switch rapid.IntRange(0, 9).Draw(g.rt, "value") {
	case 0, 1, 2, 3:
		dp.SetIntValue(int64(rapid.IntRange(0, 9).Draw(g.rt, "int")))
	case 4, 5, 6:
		dp.SetDoubleValue(float64(rapid.IntRange(0, 40).Draw(g.rt, "quarters")) / 4)
	case 7:
		dp.SetIntValue(draw[int64](g, "odd int", -1, math.MinInt64, math.MaxInt64, math.MaxInt64-1, 1<<53+1))
	case 8:
		dp.SetDoubleValue(draw(g, "odd double", -1, math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1))
	case 9:
		dp.SetFlags(pmetric.DataPointFlags(draw[uint32](g, "flags", 0, 1, 2, 3)))
		if g.chance("with a value", 2) {
			dp.SetIntValue(3)
		}
	}
}

func (g *generator) histogram(dp pmetric.HistogramDataPoint) {
	g.attributes(dp.Attributes())
	g.times(dp.SetStartTimestamp, dp.SetTimestamp)
	bounds := draw(g, "bounds", []float64{1, 2, 5}, []float64{1, 2, 5}, []float64{0.5, 1, 3, 5, 9}, []float64{0}, nil,
		[]float64{2, 1}, []float64{math.NaN()}, []float64{math.Inf(-1), 1, math.Inf(1)})
	dp.ExplicitBounds().FromRaw(bounds)
	counts := len(bounds) + 1
	if g.chance("misfit", 12) {
		counts = draw(g, "counts", 0, 1, 2)
	}
	for range counts {
		n := uint64(rapid.IntRange(0, 5).Draw(g.rt, "count"))
		if g.chance("large", 30) {
			n = policy.MaxBucketCount - 2
		}
		dp.BucketCounts().Append(n)
		dp.SetCount(dp.Count() + n)
	}
	if !g.chance("no sum", 6) {
		dp.SetSum(draw(g, "sum", 0, 1, 2.5, 4, 7, 11, -1, math.NaN(), math.Inf(1)))
	}
	if g.chance("flagged", 20) {
		dp.SetFlags(1)
	}
}

func (g *generator) exponential(dp pmetric.ExponentialHistogramDataPoint) {
	g.attributes(dp.Attributes())
	g.times(dp.SetStartTimestamp, dp.SetTimestamp)
	dp.SetScale(draw[int32](g, "scale", 0, 0, 0, 1, -1, 3, 20, math.MaxInt32, math.MinInt32))
	for _, side := range []pmetric.ExponentialHistogramDataPointBuckets{dp.Positive(), dp.Negative()} {
		side.SetOffset(draw[int32](g, "offset", 0, -2, 1, -3, 5, math.MaxInt32, math.MinInt32))
		for range rapid.IntRange(0, 6).Draw(g.rt, "buckets") {
			n := uint64(rapid.IntRange(0, 4).Draw(g.rt, "count"))
			if g.chance("large", 30) {
				n = draw[uint64](g, "large count", policy.MaxBucketCount-2, math.MaxUint64)
			}
			side.BucketCounts().Append(n)
		}
	}
	dp.SetZeroCount(uint64(rapid.IntRange(0, 2).Draw(g.rt, "zeros")))
	dp.SetCount(uint64(rapid.IntRange(0, 9).Draw(g.rt, "total")))
	if !g.chance("no sum", 6) {
		dp.SetSum(draw(g, "sum", 0, 1, 2.5, 4, 7, 11, -1, math.NaN(), math.Inf(1)))
	}
	if g.chance("flagged", 20) {
		dp.SetFlags(1)
	}
}

// attributes draws one of few sets, or any: keys of the policy and strange
// ones, with values in and out of their domains, of every type.
func (g *generator) attributes(m pcommon.Map) {
	set := rapid.IntRange(0, 5).Draw(g.rt, "attributes")
	if set < 5 {
		m.PutStr("k", []string{"x", "y", "z"}[set%3])
		m.PutBool("b", set%2 == 0)
		m.PutInt("n", int64(9+set/2))
		m.PutStr("v", []string{"1.0.0", "none", "2.0.0"}[set%3])
		m.PutStr("who", []string{"ada", "bob"}[set%2])
		return
	}
	for _, k := range []string{"k", "b", "n", "v", "who"} {
		if !g.chance("lacks "+k, 4) {
			g.value(k, m)
		}
	}
	if g.chance("more", 3) {
		m.PutStr("extra", draw(g, "extra", "1", "2"))
	}
}

func (g *generator) value(k string, m pcommon.Map) {
	if g.chance("strange", 10) {
		_ = m.PutEmpty(k).FromRaw(draw[any](g, "strange "+k, nil, 7, "zz", 1.5, true, []any{"x"}, map[string]any{"x": "y"}, []byte("x")))
		return
	}
	switch k {
	case "k":
		m.PutStr(k, draw(g, k, "x", "y", "y", "z"))
	case "b":
		m.PutBool(k, draw(g, k, true, false))
	case "n":
		m.PutInt(k, draw[int64](g, k, 8, 9, 10, 11, 12))
	case "v":
		m.PutStr(k, draw(g, k, "1.0.0", "1.2.3-rc.1", "2.0.0", "3.0.0", "none", "v1", "1.0"))
	case "who":
		m.PutStr(k, fmt.Sprintf("user-%d", rapid.IntRange(1, 3).Draw(g.rt, k)))
	}
}
