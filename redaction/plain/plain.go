// Package plain reads a report back and says in words what it told: each entry
// of the policy with its reason and its owner, and the values that left.
//
// It decodes what stands in the bytes and leaves nothing out: what the policy
// does not name is listed too, without a reason. It does not judge a report;
// redaction/gate does.
package plain

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// Report is a report in words.
type Report struct {
	Identity map[string]string `json:"identity"` // the resource's attributes
	Entries  []Entry           `json:"entries"`  // in the report's order
}

// Entry is one metric.
type Entry struct {
	Name   string  `json:"name"`
	Kind   string  `json:"kind"` // sum, gauge, histogram
	Unit   string  `json:"unit"`
	Why    string  `json:"why,omitempty"`   // of the policy's entry
	Owner  string  `json:"owner,omitempty"` // of the policy's entry
	Bytes  int     `json:"bytes"`           // of the report that are this metric's
	Values []Value `json:"values"`
}

// Value is one data point.
type Value struct {
	Attributes map[string]string `json:"attributes"`
	Value      string            `json:"value"`
}

// Text is the attributes in one line, in the order of their keys: "a=1 b=2".
func (v Value) Text() string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(v.Attributes)) {
		parts = append(parts, k+"="+v.Attributes[k])
	}
	return strings.Join(parts, " ")
}

var errNotAReport = errors.New("these bytes are not a report: they cannot be read as OTLP metrics")

// Read reads a report's bytes, OTLP metrics in protobuf. The policy gives the
// reasons and may be nil.
func Read(p *policy.Policy, body []byte) (*Report, error) {
	md, err := new(pmetric.ProtoUnmarshaler).UnmarshalMetrics(body)
	if err != nil || md.ResourceMetrics().Len() == 0 {
		return nil, errNotAReport // the decoder's words could quote what was read
	}
	r := &Report{Identity: map[string]string{}, Entries: []Entry{}}
	for _, rm := range md.ResourceMetrics().All() {
		for k, v := range rm.Resource().Attributes().All() {
			r.Identity[k] = v.AsString()
		}
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				r.Entries = append(r.Entries, entry(p, m))
			}
		}
	}
	return r, nil
}

func entry(p *policy.Policy, m pmetric.Metric) Entry {
	e := Entry{
		Name: m.Name(), Kind: strings.ToLower(m.Type().String()), Unit: m.Unit(),
		Bytes: new(pmetric.ProtoMarshaler).MetricSize(m), Values: []Value{},
	}
	if e.Name == gate.SequenceMetric {
		e.Why = "numbers the reports, so that a missing or repeated one is seen"
	}
	if p != nil {
		i := slices.IndexFunc(p.Signals, func(s policy.Signal) bool { return s.Name == e.Name })
		if i >= 0 {
			e.Why, e.Owner = p.Signals[i].Why, p.Signals[i].Owner
		}
	}
	add := func(attributes pcommon.Map, value string) {
		e.Values = append(e.Values, Value{Attributes: texts(attributes), Value: value})
	}
	switch m.Type() {
	case pmetric.MetricTypeSum:
		for _, dp := range m.Sum().DataPoints().All() {
			add(dp.Attributes(), number(dp))
		}
	case pmetric.MetricTypeGauge:
		for _, dp := range m.Gauge().DataPoints().All() {
			add(dp.Attributes(), number(dp))
		}
	case pmetric.MetricTypeHistogram:
		for _, dp := range m.Histogram().DataPoints().All() {
			add(dp.Attributes(), histogram(dp))
		}
	default:
		add(pcommon.NewMap(), "of a kind that no report has")
	}
	return e
}

func texts(m pcommon.Map) map[string]string {
	out := make(map[string]string, m.Len())
	for k, v := range m.All() {
		out[k] = v.AsString()
	}
	return out
}

func number(dp pmetric.NumberDataPoint) string {
	if dp.Flags().NoRecordedValue() {
		return "nothing was seen"
	}
	if dp.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return strconv.FormatInt(dp.IntValue(), 10)
	}
	return double(dp.DoubleValue())
}

// double writes whole numbers without an exponent as long as they are exact, and
// others to twelve digits: 39.544, where a multiple of a thousandth is
// 39.544000000000004 to the processor. The bytes have every digit.
func double(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 12, 64)
}

// histogram is the count, the sum if there is one, and the buckets that are not
// empty.
func histogram(dp pmetric.HistogramDataPoint) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d in all", dp.Count())
	if dp.HasSum() {
		fmt.Fprintf(&b, ", sum %s", double(dp.Sum()))
	}
	bounds := dp.ExplicitBounds()
	for i := range dp.BucketCounts().Len() {
		n := dp.BucketCounts().At(i)
		switch {
		case n == 0:
		case i < bounds.Len():
			fmt.Fprintf(&b, ", %d up to %s", n, double(bounds.At(i)))
		default:
			fmt.Fprintf(&b, ", %d above", n)
		}
	}
	return b.String()
}
