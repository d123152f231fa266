package ownreceiver

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
)

var (
	began = time.Unix(100, 5)
	now   = time.Unix(200, 7)
)

// The expected form is written as OTLP's JSON, field by field.
func TestEveryKindBecomesItsOTLPForm(t *testing.T) {
	set := attribute.NewSet(attribute.String("k", "v"))
	rm := &metricdata.ResourceMetrics{
		Resource: resource.NewWithAttributes("schema", attribute.Bool("b", true), attribute.Int("i", 7), attribute.Float64("f", 0.5),
			attribute.String("s", "x"), attribute.StringSlice("ss", []string{"p", "q"}), attribute.Int64Slice("is", []int64{1}),
			attribute.BoolSlice("bs", []bool{true}), attribute.Float64Slice("fs", []float64{1.5})),
		ScopeMetrics: []metricdata.ScopeMetrics{{
			Scope: instrumentation.Scope{Name: "scope", Version: "v1", SchemaURL: "ss", Attributes: set},
			Metrics: []metricdata.Metrics{
				{Name: "gauge", Unit: "By", Description: "d", Data: metricdata.Gauge[float64]{DataPoints: []metricdata.DataPoint[float64]{{Attributes: set, Time: now, Value: 1.5}}}},
				{Name: "updown", Data: metricdata.Sum[int64]{Temporality: metricdata.CumulativeTemporality, DataPoints: []metricdata.DataPoint[int64]{
					{StartTime: began, Time: now, Value: -3, Exemplars: []metricdata.Exemplar[int64]{{Value: 1, TraceID: []byte("canary-canary-ca")}}}}}},
				{Name: "histogram", Data: metricdata.Histogram[int64]{Temporality: metricdata.CumulativeTemporality, DataPoints: []metricdata.HistogramDataPoint[int64]{
					{StartTime: began, Time: now, Count: 3, Sum: 9, Bounds: []float64{1, 5}, BucketCounts: []uint64{1, 0, 2}, Min: metricdata.NewExtrema[int64](1), Max: metricdata.NewExtrema[int64](6)}}}},
				{Name: "exponential", Data: metricdata.ExponentialHistogram[float64]{Temporality: metricdata.DeltaTemporality, DataPoints: []metricdata.ExponentialHistogramDataPoint[float64]{
					{StartTime: began, Time: now, Count: 4, Sum: 2.5, Scale: 2, ZeroCount: 1, ZeroThreshold: 0.25,
						PositiveBucket: metricdata.ExponentialBucket{Offset: 3, Counts: []uint64{1, 1}}, NegativeBucket: metricdata.ExponentialBucket{Offset: -1, Counts: []uint64{1}}}}}},
				{Name: "unknown", Data: nil},
				{Name: "timeless", Data: metricdata.Sum[float64]{}},
			},
		}},
	}
	md, skipped := convert(rm)
	if skipped != 2 {
		t.Errorf("left out %d, want the two that OTLP cannot say", skipped)
	}
	want := `{"resourceMetrics":[{"resource":{"attributes":[` +
		`{"key":"b","value":{"boolValue":true}},{"key":"bs","value":{"arrayValue":{"values":[{"boolValue":true}]}}},` +
		`{"key":"f","value":{"doubleValue":0.5}},{"key":"fs","value":{"arrayValue":{"values":[{"doubleValue":1.5}]}}},` +
		`{"key":"i","value":{"intValue":"7"}},{"key":"is","value":{"arrayValue":{"values":[{"intValue":"1"}]}}},` +
		`{"key":"s","value":{"stringValue":"x"}},{"key":"ss","value":{"arrayValue":{"values":[{"stringValue":"p"},{"stringValue":"q"}]}}}]},` +
		`"scopeMetrics":[{"scope":{"name":"scope","version":"v1","attributes":[{"key":"k","value":{"stringValue":"v"}}]},"metrics":[` +
		`{"name":"gauge","description":"d","unit":"By","gauge":{"dataPoints":[{"attributes":[{"key":"k","value":{"stringValue":"v"}}],"timeUnixNano":"200000000007","asDouble":1.5}]}},` +
		`{"name":"updown","sum":{"dataPoints":[{"startTimeUnixNano":"100000000005","timeUnixNano":"200000000007","asInt":"-3"}],"aggregationTemporality":2}},` +
		`{"name":"histogram","histogram":{"dataPoints":[{"startTimeUnixNano":"100000000005","timeUnixNano":"200000000007","count":"3","sum":9,"bucketCounts":["1","0","2"],"explicitBounds":[1,5],"min":1,"max":6}],"aggregationTemporality":2}},` +
		`{"name":"exponential","exponentialHistogram":{"dataPoints":[{"startTimeUnixNano":"100000000005","timeUnixNano":"200000000007","count":"4","sum":2.5,"scale":2,"zeroCount":"1","positive":{"offset":3,"bucketCounts":["1","1"]},"negative":{"offset":-1,"bucketCounts":["1"]},"zeroThreshold":0.25}],"aggregationTemporality":1}}` +
		`],"schemaUrl":"ss"}],"schemaUrl":"schema"}]}`
	got, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(md)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("converted to\n%s\nwant\n%s", got, want)
	}
}
