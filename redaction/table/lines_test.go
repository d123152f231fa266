package table

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// lines says a report in words, one line a point. It knows nothing of how the
// report was made, and leaves nothing out that a point can hold.
func lines(md pmetric.Metrics) []string {
	var out []string
	for _, rm := range md.ResourceMetrics().All() {
		out = append(out, fmt.Sprintf("resource %s schema=%q", attributesLine(rm.Resource().Attributes()), rm.SchemaUrl()))
		for _, sm := range rm.ScopeMetrics().All() {
			out = append(out, fmt.Sprintf("scope %s %q %s schema=%q", sm.Scope().Name(), sm.Scope().Version(), attributesLine(sm.Scope().Attributes()), sm.SchemaUrl()))
			for _, m := range sm.Metrics().All() {
				out = append(out, metricLines(m)...)
			}
		}
	}
	return out
}

func metricLines(m pmetric.Metric) []string {
	var out []string
	head := fmt.Sprintf("%s %s %q", m.Name(), m.Unit(), m.Description()+attributesLine(m.Metadata()))
	switch m.Type() {
	case pmetric.MetricTypeSum:
		for _, dp := range m.Sum().DataPoints().All() {
			out = append(out, fmt.Sprintf("%s sum/%v/%v %s", head, m.Sum().AggregationTemporality(), m.Sum().IsMonotonic(), numberLine(dp)))
		}
	case pmetric.MetricTypeGauge:
		for _, dp := range m.Gauge().DataPoints().All() {
			out = append(out, fmt.Sprintf("%s gauge %s", head, numberLine(dp)))
		}
	case pmetric.MetricTypeHistogram:
		for _, dp := range m.Histogram().DataPoints().All() {
			sum := "none"
			if dp.HasSum() {
				sum = fmt.Sprint(dp.Sum())
			}
			out = append(out, fmt.Sprintf("%s histogram/%v %s %s %v %v count=%d sum=%s flags=%d extra=%d%v%v", head, m.Histogram().AggregationTemporality(),
				attributesLine(dp.Attributes()), timesLine(dp.StartTimestamp(), dp.Timestamp()), dp.ExplicitBounds().AsRaw(), dp.BucketCounts().AsRaw(), dp.Count(), sum,
				dp.Flags(), dp.Exemplars().Len(), dp.HasMin(), dp.HasMax()))
		}
	default:
		out = append(out, head+" "+m.Type().String())
	}
	return out
}

func numberLine(dp pmetric.NumberDataPoint) string {
	value := dp.ValueType().String()
	if dp.ValueType() == pmetric.NumberDataPointValueTypeDouble {
		value = fmt.Sprint(dp.DoubleValue())
	}
	return fmt.Sprintf("%s %s %s flags=%d extra=%d", attributesLine(dp.Attributes()), timesLine(dp.StartTimestamp(), dp.Timestamp()), value, dp.Flags(), dp.Exemplars().Len())
}

func timesLine(start, at pcommon.Timestamp) string {
	relative := func(t pcommon.Timestamp) string {
		if t == 0 {
			return "none"
		}
		return t.AsTime().Sub(began).String()
	}
	return relative(start) + ".." + relative(at)
}

func attributesLine(m pcommon.Map) string {
	var parts []string
	for k, v := range m.All() {
		parts = append(parts, fmt.Sprintf("%s=%v(%s)", k, v.AsRaw(), v.Type()))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// only keeps the lines of one metric, without what all of them share.
func only(md pmetric.Metrics, name string) []string {
	var out []string
	for _, l := range lines(md) {
		if strings.HasPrefix(l, name+" ") {
			out = append(out, l)
		}
	}
	return out
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// The whole shape of a report, once.
func TestAReportIsTheFixedTable(t *testing.T) {
	tab := lay(t, parse(t, everything))
	tab.Observe(sums("sum.versions", point{start: 1, time: 2, value: 4, attrs: map[string]any{"v": "1.2.3", "k": "x"}}))
	got := lines(report(t, tab, began.Add(90*time.Second)))
	digest := tab.policy.Digest.String()
	wantLines(t, got,
		`resource {service.version=0.1.0(Str),tier=test(Str),weir.install.id=0194f3c2-5a31-4d2b-9c1e-1234567890ab(Str),weir.policy.digest=`+digest+`(Str)} schema=""`,
		`scope weir "" {} schema=""`,
		`gauge.last 1 "{}" gauge {k=other(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.last 1 "{}" gauge {k=x(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.last 1 "{}" gauge {k=y(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.max 1 "{}" gauge {k=other(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.max 1 "{}" gauge {k=x(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.max 1 "{}" gauge {k=y(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.mean 1 "{}" gauge {k=other(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.mean 1 "{}" gauge {k=x(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.mean 1 "{}" gauge {k=y(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.min 1 "{}" gauge {k=other(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.min 1 "{}" gauge {k=x(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.min 1 "{}" gauge {k=y(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.sum 1 "{}" gauge {k=other(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.sum 1 "{}" gauge {k=x(Str)} none..1m0s Empty flags=1 extra=0`,
		`gauge.sum 1 "{}" gauge {k=y(Str)} none..1m0s Empty flags=1 extra=0`,
		`histogram.counts 1 "{}" histogram/Cumulative {} 0s..1m0s [0] [0 0] count=0 sum=none flags=0 extra=0falsefalse`,
		`histogram.sum 1 "{}" histogram/Cumulative {n=10(Int)} 0s..1m0s [1 2 5] [0 0 0 0] count=0 sum=0 flags=0 extra=0falsefalse`,
		`histogram.sum 1 "{}" histogram/Cumulative {n=11(Int)} 0s..1m0s [1 2 5] [0 0 0 0] count=0 sum=0 flags=0 extra=0falsefalse`,
		`histogram.sum 1 "{}" histogram/Cumulative {n=9(Int)} 0s..1m0s [1 2 5] [0 0 0 0] count=0 sum=0 flags=0 extra=0falsefalse`,
		`sum.attributes 1 "{}" sum/Cumulative/true {b=false(Bool),k=x(Str)} 0s..1m0s 0 flags=0 extra=0`,
		`sum.attributes 1 "{}" sum/Cumulative/true {b=false(Bool),k=y(Str)} 0s..1m0s 0 flags=0 extra=0`,
		`sum.attributes 1 "{}" sum/Cumulative/true {b=other(Str),k=x(Str)} 0s..1m0s 0 flags=0 extra=0`,
		`sum.attributes 1 "{}" sum/Cumulative/true {b=other(Str),k=y(Str)} 0s..1m0s 0 flags=0 extra=0`,
		`sum.attributes 1 "{}" sum/Cumulative/true {b=true(Bool),k=x(Str)} 0s..1m0s 0 flags=0 extra=0`,
		`sum.attributes 1 "{}" sum/Cumulative/true {b=true(Bool),k=y(Str)} 0s..1m0s 0 flags=0 extra=0`,
		`sum.expiring 1 "{}" sum/Cumulative/true {} 0s..1m0s 0 flags=0 extra=0`,
		`sum.plain 1 "{}" sum/Cumulative/true {} 0s..1m0s 0 flags=0 extra=0`,
		`sum.raised 1 "{}" sum/Cumulative/true {} 0s..1m0s 3 flags=0 extra=0`,
		`sum.versions 1 "{}" sum/Cumulative/true {k=x(Str),v=1.2.3(Str)} 0s..1m0s 4 flags=0 extra=0`,
	)
}
