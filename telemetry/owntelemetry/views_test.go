package owntelemetry

import (
	"testing"

	"go.opentelemetry.io/collector/config/configtelemetry"
	"go.opentelemetry.io/collector/service/telemetry"
	otelconf "go.opentelemetry.io/contrib/otelconf/v0.3.0"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-telemetry/weir/internal/ownmetrics"
)

func ptr[T any](v T) *T { return &v }

func TestViewsDropAndLeaveAttributesOut(t *testing.T) {
	set := telemetry.MeterSettings{DefaultViews: func(l configtelemetry.Level) []otelconf.View {
		if l != configtelemetry.LevelNormal {
			t.Errorf("views asked for %v, want normal", l)
		}
		return []otelconf.View{
			{Selector: &otelconf.ViewSelector{MeterName: ptr("noisy")},
				Stream: &otelconf.ViewStream{Aggregation: &otelconf.ViewStreamAggregation{Drop: otelconf.ViewStreamAggregationDrop{}}}},
			{Selector: &otelconf.ViewSelector{MeterName: ptr("m"), InstrumentName: ptr("failed_*")},
				Stream: &otelconf.ViewStream{AttributeKeys: &otelconf.IncludeExclude{Excluded: []string{"error.type"}}}},
		}
	}}
	mp, err := NewFactory().CreateMeterProvider(t.Context(), set, createDefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []string{"noisy", "m"} {
		c, err := mp.Meter(m).Int64Counter("failed_things")
		if err != nil {
			t.Fatal(err)
		}
		c.Add(t.Context(), 1, metric.WithAttributes(attribute.String("error.type", "canary"), attribute.String("kept", "yes")))
	}
	source, ok := ownmetrics.From(mp)
	if !ok {
		t.Fatal("the provider holds no source")
	}
	var rm metricdata.ResourceMetrics
	if err := source.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	if len(rm.ScopeMetrics) != 1 || rm.ScopeMetrics[0].Scope.Name != "m" {
		t.Fatalf("collected %+v, want the meter m alone", rm.ScopeMetrics)
	}
	p := rm.ScopeMetrics[0].Metrics[0].Data.(metricdata.Sum[int64]).DataPoints[0]
	if got := p.Attributes.Encoded(attribute.DefaultEncoder()); got != "kept=yes" {
		t.Errorf("attributes %s, want kept=yes", got)
	}
	if len(p.Exemplars) != 0 {
		t.Errorf("an exemplar holds %v", p.Exemplars)
	}
}

func TestAViewThatIsNotUnderstoodIsRefused(t *testing.T) {
	drop := &otelconf.ViewStream{Aggregation: &otelconf.ViewStreamAggregation{Drop: otelconf.ViewStreamAggregationDrop{}}}
	name := &otelconf.ViewSelector{MeterName: ptr("m")}
	for what, v := range map[string]otelconf.View{
		"no selector":    {Stream: drop},
		"no stream":      {Selector: name},
		"empty selector": {Selector: &otelconf.ViewSelector{}, Stream: drop},
		"unit":           {Selector: &otelconf.ViewSelector{MeterName: ptr("m"), Unit: ptr("s")}, Stream: drop},
		"renaming":       {Selector: name, Stream: &otelconf.ViewStream{Name: ptr("n")}},
		"another sum":    {Selector: name, Stream: &otelconf.ViewStream{Aggregation: &otelconf.ViewStreamAggregation{Sum: otelconf.ViewStreamAggregationSum{}}}},
		"included keys":  {Selector: name, Stream: &otelconf.ViewStream{AttributeKeys: &otelconf.IncludeExclude{Included: []string{"k"}}}},
	} {
		if _, err := view(v); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
	if _, err := view(otelconf.View{Selector: name, Stream: drop}); err != nil {
		t.Errorf("a view that drops a meter: %v", err)
	}
}
