package laws

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"
	metrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	v1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/weir-telemetry/weir/redaction/table"
)

var plantedPolicy = head +
	entry("planted.gauge", "gauge", `merge: mean
    value: {min: -1000, max: 1000, step: 0.5}
    attributes:
      k: {enum: [x, y], otherwise: drop}`) +
	entry("planted.histogram", "histogram", `bounds: [1, 2, 5]
    value: {min: 0, max: 1000, step: 0.5}
    attributes:
      k: {enum: [x, y], otherwise: other}`) +
	entry("planted.people", "sum", `value: {min: 0, max: 1000, step: 1}
    attributes:
      k: {type: hmac}
      version: {type: semver, otherwise: none}`) +
	entry("planted.sum", "sum", `value: {min: 0, max: 1000, step: 1}
    attributes:
      b: {type: bool, otherwise: other}
      k: {enum: [x, y], otherwise: drop}
      n: {type: int, min: 1, max: 3, otherwise: drop}`)

// plantedKinds are the bases that a canary is planted into: each is a message
// that the policy takes, apart from the summary.
var plantedKinds = []string{"gauge", "histogram", "people", "sum", "exponential_histogram", "summary"}

func plantBase(kind string) *metrics.ExportMetricsServiceRequest {
	str := func(k, s string) *common.KeyValue {
		return &common.KeyValue{Key: k, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}}
	}
	attributes := []*common.KeyValue{
		{Key: "b", Value: &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: true}}},
		{Key: "n", Value: &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: 2}}},
		str("k", "x"),
	}
	start, at := uint64(ts(began)), uint64(ts(after(30)))
	m := &v1.Metric{Name: "planted." + kind, Unit: "1"}
	number := &v1.NumberDataPoint{Attributes: attributes, StartTimeUnixNano: start, TimeUnixNano: at, Value: &v1.NumberDataPoint_AsDouble{AsDouble: 7}}
	const cumulative = v1.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	sum := 12.5
	switch kind {
	case "gauge":
		m.Data = &v1.Metric_Gauge{Gauge: &v1.Gauge{DataPoints: []*v1.NumberDataPoint{number}}}
	case "sum", "people":
		m.Data = &v1.Metric_Sum{Sum: &v1.Sum{IsMonotonic: true, AggregationTemporality: cumulative, DataPoints: []*v1.NumberDataPoint{number}}}
	case "histogram":
		m.Data = &v1.Metric_Histogram{Histogram: &v1.Histogram{AggregationTemporality: cumulative, DataPoints: []*v1.HistogramDataPoint{{
			Attributes: attributes, StartTimeUnixNano: start, TimeUnixNano: at, Count: 3, Sum: &sum, BucketCounts: []uint64{1, 2}, ExplicitBounds: []float64{2},
		}}}}
	case "exponential_histogram":
		m.Name = "planted.histogram"
		m.Data = &v1.Metric_ExponentialHistogram{ExponentialHistogram: &v1.ExponentialHistogram{AggregationTemporality: cumulative, DataPoints: []*v1.ExponentialHistogramDataPoint{{
			Attributes: attributes, StartTimeUnixNano: start, TimeUnixNano: at, Count: 3, Sum: &sum,
			Positive: &v1.ExponentialHistogramDataPoint_Buckets{BucketCounts: []uint64{1, 2}}, Negative: &v1.ExponentialHistogramDataPoint_Buckets{BucketCounts: []uint64{0}},
		}}}}
	case "summary":
		m.Name = "planted.sum"
		m.Data = &v1.Metric_Summary{Summary: &v1.Summary{DataPoints: []*v1.SummaryDataPoint{{Attributes: attributes, StartTimeUnixNano: start, TimeUnixNano: at, Count: 3, Sum: sum}}}}
	}
	return &metrics.ExportMetricsServiceRequest{ResourceMetrics: []*v1.ResourceMetrics{{
		Resource:     &resource.Resource{Attributes: []*common.KeyValue{str("host.name", "h")}},
		ScopeMetrics: []*v1.ScopeMetrics{{Scope: &common.InstrumentationScope{Name: "s"}, Metrics: []*v1.Metric{m}}},
	}}}
}

// observe lets the table see a message as a receiver would hand it over. What
// pdata does not parse is not seen, and false is returned.
func observe(t testing.TB, tab *table.Table, message proto.Message) bool {
	t.Helper()
	raw, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return observeBytes(tab, raw)
}

func observeBytes(tab *table.Table, raw []byte) bool {
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(raw)
	if err != nil {
		return false
	}
	tab.Observe(md)
	return true
}

// leafPaths are the ways to every leaf of a message. Values nest in each other:
// they are followed to the second level.
func leafPaths(d protoreflect.MessageDescriptor, before []protoreflect.FieldDescriptor, visit func([]protoreflect.FieldDescriptor)) {
	values := 0
	for _, f := range before {
		if f.Message() != nil && f.Message().Name() == "AnyValue" {
			values++
		}
	}
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		path := append(before[:len(before):len(before)], f)
		switch {
		case f.Message() == nil:
			visit(path)
		case f.Message().Name() == "AnyValue" && values == 2:
		default:
			leafPaths(f.Message(), path, visit)
		}
	}
}

// plant sets the leaf. Elements of the lists on the way are the last ones that
// the message has, from the given list on they are new.
func plant(m protoreflect.Message, path []protoreflect.FieldDescriptor, newFrom int, leaf protoreflect.Value) {
	for i, f := range path {
		if f.Message() == nil {
			if f.IsList() {
				m.Mutable(f).List().Append(leaf)
			} else {
				m.Set(f, leaf)
			}
			return
		}
		if !f.IsList() {
			m = m.Mutable(f).Message()
			continue
		}
		list := m.Mutable(f).List()
		if i >= newFrom || list.Len() == 0 {
			list.AppendMutable()
		}
		m = list.Get(list.Len() - 1).Message()
	}
}

const (
	canaryText   = "Canary7f3a9cQx42" // 16 bytes: also a trace id
	canaryNumber = 0x43616e6172793432
)

// canaries are the values that fit a leaf: text, and numbers whose bits or
// digits would be known again.
func canaries(f protoreflect.FieldDescriptor) []protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		return []protoreflect.Value{protoreflect.ValueOfString(canaryText)}
	case protoreflect.BytesKind:
		if f.Name() == "span_id" {
			return []protoreflect.Value{protoreflect.ValueOfBytes([]byte(canaryText[:8]))}
		}
		return []protoreflect.Value{protoreflect.ValueOfBytes([]byte(canaryText))}
	case protoreflect.BoolKind:
		return []protoreflect.Value{protoreflect.ValueOfBool(true), protoreflect.ValueOfBool(false)}
	case protoreflect.EnumKind:
		return []protoreflect.Value{protoreflect.ValueOfEnum(canaryNumber >> 32)}
	case protoreflect.DoubleKind: // huge; within the policy's range, with a tail; no number
		return []protoreflect.Value{protoreflect.ValueOfFloat64(math.Float64frombits(canaryNumber)), protoreflect.ValueOfFloat64(fineNumber),
			protoreflect.ValueOfFloat64(math.Float64frombits(0x7ff8<<48 | canaryNumber&(1<<48-1)))}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return []protoreflect.Value{protoreflect.ValueOfUint32(canaryNumber >> 32)}
	case protoreflect.Int32Kind, protoreflect.Sint32Kind:
		return []protoreflect.Value{protoreflect.ValueOfInt32(canaryNumber >> 32)}
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return []protoreflect.Value{protoreflect.ValueOfUint64(canaryNumber)}
	default:
		return []protoreflect.Value{protoreflect.ValueOfInt64(canaryNumber)}
	}
}

// fineNumber is about 583 and ends in the canary's bits.
var fineNumber = math.Float64frombits(0x40823a11<<32 | canaryNumber&(1<<32-1))

// canaryForms are what to look for: the text raw, in hex and in base64 at each
// alignment (a URL leaves it as it is); the numbers in either order of bytes,
// as varints, as doubles and as digits.
var canaryForms = func() (forms [][]byte) {
	text := func(s string) {
		forms = append(forms, []byte(s), []byte(hex.EncodeToString([]byte(s))))
		for shift := range 3 {
			e := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("_", shift) + s))
			forms = append(forms, []byte(e[4:len(e)-4])) // the ends depend on the neighbours
		}
	}
	text(canaryText[:8])
	text(canaryText)
	number := func(n uint64) {
		forms = append(forms, protowire.AppendVarint(nil, n), protowire.AppendVarint(nil, protowire.EncodeZigZag(int64(n))),
			strconv.AppendUint(nil, n, 10), strconv.AppendUint(nil, n, 16))
		for _, bits := range []uint64{n, math.Float64bits(float64(n))} {
			forms = append(forms, binary.LittleEndian.AppendUint64(nil, bits), binary.BigEndian.AppendUint64(nil, bits))
		}
	}
	number(canaryNumber)
	number(canaryNumber >> 32)
	number(canaryNumber & (1<<48 - 1))
	const low = uint32(canaryNumber & (1<<32 - 1))
	forms = append(forms, binary.LittleEndian.AppendUint32(nil, low), binary.BigEndian.AppendUint32(nil, low),
		binary.LittleEndian.AppendUint32(nil, canaryNumber>>32), binary.BigEndian.AppendUint32(nil, canaryNumber>>32),
		strconv.AppendFloat(nil, fineNumber, 'g', 10, 64))
	return forms
}()

func leaks(raw []byte) bool {
	for _, form := range canaryForms {
		if bytes.Contains(bytes.ToLower(raw), bytes.ToLower(form)) {
			return true
		}
	}
	return false
}

func pathText(path []protoreflect.FieldDescriptor) string {
	var names []string
	for _, f := range path {
		names = append(names, string(f.Name()))
	}
	return strings.Join(names, ".")
}

// Law: a canary in any leaf of a message that the policy otherwise takes is
// not in the report, in no form. It is planted three times: into what the base
// has, into a new element of the innermost list, and into new elements of all.
// And a leaf that the census calls ignored, or below what it calls so, does not
// change a byte of it.
func TestNoLeafsCanaryLeaves(t *testing.T) {
	p := parse(t, plantedPolicy)
	var leaves, tried, left int
	alone := map[string][]byte{}
	for _, kind := range plantedKinds {
		tab := lay(t, p)
		observe(t, tab, plantBase(kind))
		alone[kind] = marshal(t, report(t, tab, after(61)))
	}
	leafPaths((&metrics.ExportMetricsServiceRequest{}).ProtoReflect().Descriptor(), nil, func(path []protoreflect.FieldDescriptor) {
		leaves++
		ignores, retyped, innermost, of := false, false, -1, ""
		for i, f := range path {
			ignores = ignores || !retyped && census[string(f.FullName())].class == ignored
			if o := f.ContainingOneof(); o != nil && o.Name() == "value" && f.Name() != "string_value" {
				retyped = true // what stands there is not the base's value any more
			}
			if f.IsList() && f.Message() != nil {
				innermost = i
			}
			if o := f.ContainingOneof(); o != nil && o.Name() == "data" {
				of = string(f.Name())
			}
		}
		for _, kind := range plantedKinds {
			if of != "" && of != kind && (kind != "people" || of != "sum") {
				continue
			}
			for _, leaf := range canaries(path[len(path)-1]) {
				for _, newFrom := range []int{len(path), innermost, 0} {
					message := plantBase(kind)
					plant(message.ProtoReflect(), path, newFrom, leaf)
					tab := lay(t, p)
					observe(t, tab, message)
					tried++
					raw := marshal(t, report(t, tab, after(61)))
					if leaks(raw) {
						left++
						t.Errorf("%s: the canary in %s left", kind, pathText(path))
					}
					// A leaf in a point of its own would add an empty point.
					if ignores && newFrom == len(path) && !bytes.Equal(raw, alone[kind]) {
						t.Errorf("%s: %s is ignored by the census, and changes the report", kind, pathText(path))
					}
				}
			}
		}
	})
	if leaves < 200 {
		t.Errorf("only %d leaves were found", leaves)
	}
	t.Logf("figure canary_leaves %d, planted %d times, left %d", leaves, tried, left)
}

// Law: the wire's own hiding places do not reach the report either. Unknown
// fields of each type in every message, the deprecated field 1000, groups,
// a second copy of a key, a field said twice, a varint longer than it need be.
func TestNoCanaryOfTheWireLeaves(t *testing.T) {
	p := parse(t, plantedPolicy)
	text := func(b []byte, number protowire.Number) []byte {
		return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), canaryText)
	}
	library := text(text(nil, 1), 2)
	old := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), library)
	old = text(old, 3)
	unknown := map[string][]byte{
		"text":            text(nil, 1999),
		"varint":          protowire.AppendVarint(protowire.AppendTag(nil, 1999, protowire.VarintType), canaryNumber),
		"fixed64":         protowire.AppendFixed64(protowire.AppendTag(nil, 1999, protowire.Fixed64Type), canaryNumber),
		"fixed32":         protowire.AppendFixed32(protowire.AppendTag(nil, 1999, protowire.Fixed32Type), canaryNumber>>32),
		"group":           protowire.AppendTag(text(protowire.AppendTag(nil, 1999, protowire.StartGroupType), 1), 1999, protowire.EndGroupType),
		"deprecated 1000": protowire.AppendBytes(protowire.AppendTag(nil, 1000, protowire.BytesType), old),
		"long varint":     append(protowire.AppendTag(nil, 1999, protowire.VarintType), 0xc3, 0xe1, 0xee, 0xe1, 0xf2, 0x80, 0x00),
	}
	tried, parsed := 0, 0
	try := func(what string, raw []byte) {
		t.Helper()
		tab := lay(t, p)
		tried++
		if observeBytes(tab, raw) {
			parsed++
		}
		if leaks(marshal(t, report(t, tab, after(61)))) {
			t.Errorf("the canary left: %s", what)
		}
	}
	for _, kind := range plantedKinds {
		for what, field := range unknown {
			n := countMessages(plantBase(kind).ProtoReflect())
			for i := range n {
				message := plantBase(kind)
				nth(message.ProtoReflect(), i).SetUnknown(field)
				raw, err := proto.Marshal(message)
				if err != nil {
					t.Fatal(err)
				}
				try(fmt.Sprintf("%s: %s in message %d", kind, what, i), raw)
			}
		}
		// The deprecated list in the place of the new one.
		message := plantBase(kind)
		rm := message.ResourceMetrics[0]
		scope, _ := proto.Marshal(rm.ScopeMetrics[0])
		rm.ScopeMetrics = nil
		rm.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 1000, protowire.BytesType), append(scope, old...)))
		raw, _ := proto.Marshal(message)
		try(kind+": deprecated list", raw)
		// A key twice, the first or the second a canary; a field said twice.
		for _, first := range []bool{true, false} {
			message = plantBase(kind)
			pointAttributes(message, func(list *[]*common.KeyValue) {
				twin := &common.KeyValue{Key: "k", Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: canaryText}}}
				if first {
					*list = append([]*common.KeyValue{twin}, *list...)
				} else {
					*list = append(*list, twin)
				}
			})
			raw, _ = proto.Marshal(message)
			try(kind+": a key twice", raw)
		}
		for field := range protowire.Number(4) {
			message = plantBase(kind)
			m := message.ResourceMetrics[0].ScopeMetrics[0].Metrics[0]
			m.ProtoReflect().SetUnknown(text(nil, field+1)) // name, description, unit: the last one wins
			raw, _ = proto.Marshal(message)
			try(kind+": a field twice", raw)
		}
	}
	t.Logf("figure canary_wire planted %d times, parsed %d", tried, parsed)
}

func countMessages(m protoreflect.Message) int {
	n := 0
	eachMessage(m, func(protoreflect.Message) { n++ })
	return n
}

func nth(m protoreflect.Message, i int) (found protoreflect.Message) {
	eachMessage(m, func(m protoreflect.Message) {
		if i == 0 {
			found = m
		}
		i--
	})
	return found
}

// eachMessage visits in the order of the fields, which Range does not promise.
func eachMessage(m protoreflect.Message, visit func(protoreflect.Message)) {
	visit(m)
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.Message() == nil || !m.Has(f):
		case f.IsList():
			for j := range m.Get(f).List().Len() {
				eachMessage(m.Get(f).List().Get(j).Message(), visit)
			}
		default:
			eachMessage(m.Get(f).Message(), visit)
		}
	}
}

func pointAttributes(message *metrics.ExportMetricsServiceRequest, change func(*[]*common.KeyValue)) {
	switch d := message.ResourceMetrics[0].ScopeMetrics[0].Metrics[0].Data.(type) {
	case *v1.Metric_Sum:
		change(&d.Sum.DataPoints[0].Attributes)
	case *v1.Metric_Gauge:
		change(&d.Gauge.DataPoints[0].Attributes)
	case *v1.Metric_Histogram:
		change(&d.Histogram.DataPoints[0].Attributes)
	case *v1.Metric_ExponentialHistogram:
		change(&d.ExponentialHistogram.DataPoints[0].Attributes)
	}
}
