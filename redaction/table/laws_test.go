package table

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/redaction/policy"
)

func marshal(t interface{ Fatal(...any) }, tab *Table, now time.Time) []byte {
	md, err := tab.Report(now)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Law: non-interference. Two inputs that agree on the allowed part give the
// same bytes, whatever surrounds it: attributes and keys that the policy does
// not name, where an attribute stands, descriptions, metadata, exemplars,
// schema URLs, scopes, resources, dropped counts, unknown flags, other metrics,
// the batches' shape, and the clock to below the order of points.
func TestLawNonInterference(t *testing.T) {
	p := parse(t, everything)
	rapid.Check(t, func(rt *rapid.T) {
		g := generate(rt, p)
		var facts []fact
		for range rapid.IntRange(1, 8).Draw(rt, "facts") {
			facts = append(facts, g.fact())
		}
		one := render(facts, &noise{seed: rapid.Uint64().Draw(rt, "one")})
		two := render(facts, &noise{seed: rapid.Uint64().Draw(rt, "two")})
		a, b := lay(t, p), lay(t, p)
		for _, md := range one {
			a.Observe(md)
		}
		for _, md := range two {
			b.Observe(md)
		}
		if x, y := marshal(rt, a, after(90)), marshal(rt, b, after(90)); !bytes.Equal(x, y) {
			la, lb := readLines(x), readLines(y)
			for i := range min(len(la), len(lb)) {
				if la[i] != lb[i] {
					rt.Fatalf("the reports differ\n  %s\n  %s", la[i], lb[i])
				}
			}
			rt.Fatalf("the reports have %d and %d bytes", len(x), len(y))
		}
	})
}

func readLines(raw []byte) []string {
	md, _ := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(raw)
	return lines(md)
}

// Law: idempotence. A report that is projected again under its policy is the
// same report. Keyed hashes are the exception, and meant to be: they are not
// hashed again into themselves.
func TestLawIdempotence(t *testing.T) {
	text := strings.Replace(everything, "who: {type: hmac}", "who: {type: uuid, otherwise: nobody}", 1)
	p := parse(t, text)
	rapid.Check(t, func(rt *rapid.T) {
		g := generate(rt, p)
		tab := lay(t, p)
		for range rapid.IntRange(1, 4).Draw(rt, "batches") {
			tab.Observe(g.batch())
		}
		first := marshal(rt, tab, after(90))
		md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(first)
		if err != nil {
			rt.Fatal(err)
		}
		again := lay(t, p)
		again.Observe(md)
		if second := marshal(rt, again, after(90)); !bytes.Equal(first, second) {
			rt.Fatalf("first\n  %s\nsecond\n  %s", strings.Join(readLines(first), "\n  "), strings.Join(readLines(second), "\n  "))
		}
	})
}

// Law: no canary. A text planted in every slot of a message, under allowed
// names and others, is nowhere in the report, in no encoding.
func TestLawNoCanaryLeaves(t *testing.T) {
	p := parse(t, everything)
	rapid.Check(t, func(rt *rapid.T) {
		g := generate(rt, p)
		canary := "Canary" + rapid.StringMatching(`[a-zA-Z0-9]{10}`).Draw(rt, "canary")
		tab := lay(t, p)
		for range rapid.IntRange(1, 3).Draw(rt, "batches") {
			md := g.batch()
			plant(g, md, canary)
			tab.Observe(md)
		}
		raw := marshal(rt, tab, after(90))
		for _, form := range forms(canary) {
			if bytes.Contains(bytes.ToLower(raw), bytes.ToLower(form)) {
				rt.Fatalf("%q is in the report", form)
			}
		}
	})
}

// forms are a text's encodings; base64 at each of its three alignments.
func forms(s string) [][]byte {
	out := [][]byte{[]byte(s), []byte(hex.EncodeToString([]byte(s)))}
	for shift := range 3 {
		e := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("_", shift) + s))
		out = append(out, []byte(e[4:len(e)-4])) // the ends depend on the neighbours
	}
	return out
}

// plant puts the canary into every slot of text, leaving here and there what
// makes the point acceptable.
func plant(g *generator, md pmetric.Metrics, canary string) {
	inMap := func(m pcommon.Map) {
		for _, k := range []string{"v", "who", "k"} {
			if g.chance("canary as "+k, 3) {
				m.PutStr(k, canary)
			}
		}
		m.PutStr(canary, canary)
		m.PutEmptyBytes("bytes " + canary).FromRaw([]byte(canary))
		m.PutEmptySlice("slice").AppendEmpty().SetStr(canary)
		m.PutEmptyMap("map").PutStr(canary, canary)
	}
	for _, rm := range md.ResourceMetrics().All() {
		rm.SetSchemaUrl(canary)
		inMap(rm.Resource().Attributes())
		for _, sm := range rm.ScopeMetrics().All() {
			sm.SetSchemaUrl(canary)
			sm.Scope().SetName(canary)
			sm.Scope().SetVersion(canary)
			inMap(sm.Scope().Attributes())
			for _, m := range sm.Metrics().All() {
				m.SetDescription(canary)
				inMap(m.Metadata())
				if g.chance("canary as name", 6) {
					m.SetName(canary)
				}
				if g.chance("canary as unit", 6) {
					m.SetUnit(canary)
				}
				eachPoint(m, func(attrs pcommon.Map, exemplars pmetric.ExemplarSlice) {
					inMap(attrs)
					e := exemplars.AppendEmpty()
					e.SetIntValue(1)
					inMap(e.FilteredAttributes())
					e.SetTraceID(pcommon.TraceID([]byte(canary[:16])))
				})
			}
		}
	}
}

func eachPoint(m pmetric.Metric, visit func(pcommon.Map, pmetric.ExemplarSlice)) {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		for _, dp := range m.Sum().DataPoints().All() {
			visit(dp.Attributes(), dp.Exemplars())
		}
	case pmetric.MetricTypeGauge:
		for _, dp := range m.Gauge().DataPoints().All() {
			visit(dp.Attributes(), dp.Exemplars())
		}
	case pmetric.MetricTypeHistogram:
		for _, dp := range m.Histogram().DataPoints().All() {
			visit(dp.Attributes(), dp.Exemplars())
		}
	}
}

// fact is the allowed part of a point, and which source it comes from.
type fact struct {
	signal  policy.Signal
	source  int
	attrs   map[string]any
	draw    func(pmetric.Metric) // makes the one point, without attributes
	deltas  bool
	outside bool // attributes stand on the resource
}

func (g *generator) fact() fact {
	f := fact{
		signal: draw(g, "signal of the fact", g.signals...), source: rapid.IntRange(1, 2).Draw(g.rt, "source"),
		deltas: g.chance("delta", 3), attrs: map[string]any{},
	}
	// A source has one set of attributes: they are part of what it is.
	f.attrs["k"] = []string{"x", "y"}[f.source%2]
	f.attrs["n"] = 9 + f.source
	f.attrs["v"] = []string{"1.0.0", "not a version"}[f.source%2]
	f.attrs["b"] = f.source == 1
	f.attrs["who"] = fmt.Sprintf("user-%d", f.source)
	f.outside = g.chance("outside", 2)
	number, histogram := pmetric.NewNumberDataPoint(), pmetric.NewHistogramDataPoint()
	g.number(number)
	g.histogram(histogram)
	number.Attributes().Clear()
	histogram.Attributes().Clear()
	f.draw = func(m pmetric.Metric) {
		switch f.signal.Kind {
		case policy.KindSum:
			m.SetEmptySum().SetIsMonotonic(true)
			m.Sum().SetAggregationTemporality(f.temporality())
			number.CopyTo(m.Sum().DataPoints().AppendEmpty())
		case policy.KindGauge:
			number.CopyTo(m.SetEmptyGauge().DataPoints().AppendEmpty())
		case policy.KindHistogram:
			m.SetEmptyHistogram().SetAggregationTemporality(f.temporality())
			histogram.CopyTo(m.Histogram().DataPoints().AppendEmpty())
		}
	}
	return f
}

func (f fact) temporality() pmetric.AggregationTemporality {
	if f.deltas {
		return delta
	}
	return cumulative
}

// noise is everything around the facts: a function of its seed and of what it
// surrounds, so that a source looks the same each time.
type noise struct{ seed uint64 }

func (n *noise) number(parts ...any) uint64 {
	h := n.seed ^ 0x9e3779b97f4a7c15
	for _, b := range []byte(fmt.Sprint(parts...)) {
		h = (h ^ uint64(b)) * 0x100000001b3
		h ^= h >> 29
	}
	return h
}

func (n *noise) text(parts ...any) string { return fmt.Sprintf("noise-%x", n.number(parts...)) }

func render(facts []fact, n *noise) []pmetric.Metrics {
	var out []pmetric.Metrics
	for i, f := range facts {
		if i == 0 || n.number("new batch", i)%2 == 0 {
			out = append(out, pmetric.NewMetrics())
			out[len(out)-1].ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty() // an empty one
		}
		for j := range n.number("strangers", i) % 3 {
			strangers := batch(n.text("stranger", i, j), pmetric.MetricTypeGauge, 0, point{time: float64(j), value: 1.5})
			strangers.ResourceMetrics().MoveAndAppendTo(out[len(out)-1].ResourceMetrics())
		}
		n.dress(f, i, out[len(out)-1].ResourceMetrics().AppendEmpty())
	}
	return out
}

// dress makes one fact's point, with noise in every slot.
func (n *noise) dress(f fact, i int, rm pmetric.ResourceMetrics) {
	sm := rm.ScopeMetrics().AppendEmpty()
	m := sm.Metrics().AppendEmpty()
	m.SetName(f.signal.Name)
	m.SetUnit(f.signal.Unit)
	f.draw(m)
	// Once in a while, not each time: what identifies the source.
	rm.Resource().Attributes().PutStr(n.text("resource key"), n.text(f.source))
	sm.Scope().SetName(n.text("scope", f.source))
	sm.Scope().SetVersion(n.text("scope version", f.source))
	sm.Scope().Attributes().PutInt(n.text("scope key"), int64(n.number(f.source)))
	// Each time: what identifies nothing.
	rm.SetSchemaUrl(n.text("schema", i))
	sm.SetSchemaUrl(n.text("scope schema", i))
	rm.Resource().SetDroppedAttributesCount(uint32(n.number("dropped", i)))
	sm.Scope().SetDroppedAttributesCount(uint32(n.number("scope dropped", i)))
	m.SetDescription(n.text("description", i))
	m.Metadata().PutStr(n.text("metadata", i), n.text(i))
	target := func(own pcommon.Map) pcommon.Map {
		if n.number("where", f.source)%2 == 0 {
			return rm.Resource().Attributes()
		}
		return own
	}
	eachPoint(m, func(own pcommon.Map, exemplars pmetric.ExemplarSlice) {
		n.shuffle(f, i, own, target(own))
		if n.number("exemplar", i)%2 == 0 {
			e := exemplars.AppendEmpty()
			e.SetDoubleValue(float64(n.number("value", i)))
			e.FilteredAttributes().PutStr(n.text(i), n.text(i))
		}
	})
	n.blur(m, i)
}

// shuffle writes the attributes in an order of its own, the extra ones among
// them.
func (n *noise) shuffle(f fact, i int, own, allowed pcommon.Map) {
	type pair struct {
		key   string
		value any
		to    pcommon.Map
	}
	var pairs []pair
	for k, v := range f.attrs {
		pairs = append(pairs, pair{k, v, allowed})
	}
	for j := range n.number("extra", f.source) % 4 {
		values := []any{n.text("v", f.source, j), int64(n.number(f.source, j)), true, []any{n.text(f.source, j)}, map[string]any{n.text(f.source): 1.5}, nil}
		pairs = append(pairs, pair{n.text("k", f.source, j), values[n.number("type", f.source, j)%uint64(len(values))], own})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return strings.Compare(n.text("order", i, a.key), n.text("order", i, b.key))
	})
	for _, p := range pairs {
		if err := p.to.PutEmpty(p.key).FromRaw(p.value); err != nil {
			panic(err)
		}
	}
}

// blur moves the times without changing their order, and sets unknown flags.
func (n *noise) blur(m pmetric.Metric, i int) {
	jitter := func(at pcommon.Timestamp) pcommon.Timestamp {
		if at == 0 {
			return 0
		}
		return at + pcommon.Timestamp(n.number("jitter", uint64(at))%uint64(time.Second/4))
	}
	flags := pmetric.DataPointFlags(n.number("flags", i)) &^ 1
	number := func(dp pmetric.NumberDataPoint) {
		dp.SetStartTimestamp(jitter(dp.StartTimestamp()))
		dp.SetTimestamp(jitter(dp.Timestamp()))
		dp.SetFlags(dp.Flags()&1 | flags)
	}
	switch m.Type() {
	case pmetric.MetricTypeSum:
		number(m.Sum().DataPoints().At(0))
	case pmetric.MetricTypeGauge:
		number(m.Gauge().DataPoints().At(0))
	case pmetric.MetricTypeHistogram:
		dp := m.Histogram().DataPoints().At(0)
		dp.SetStartTimestamp(jitter(dp.StartTimestamp()))
		dp.SetTimestamp(jitter(dp.Timestamp()))
		dp.SetFlags(dp.Flags()&1 | flags)
	}
}
