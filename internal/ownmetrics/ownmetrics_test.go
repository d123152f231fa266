package ownmetrics

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// wrapper hides all but Meter, as the collector's own wrapper does.
type wrapper struct{ metric.MeterProvider }

func TestASourceIsFoundThroughWrappers(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	source := NewSource(reader)
	mp := wrapper{wrapper{Wrap(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), source)}}
	got, ok := From(mp)
	if !ok || got != source {
		t.Fatalf("From = %v, %v, want the source that was wrapped in", got, ok)
	}

	counter, err := mp.Meter("m").Int64Counter("c")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(t.Context(), 3)
	var rm metricdata.ResourceMetrics
	if err := got.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	if len(rm.ScopeMetrics) != 1 || rm.ScopeMetrics[0].Scope.Name != "m" {
		t.Errorf("collected %+v, want the one scope that has an instrument", rm.ScopeMetrics)
	}
}

func TestAForeignProviderHasNoSource(t *testing.T) {
	for _, mp := range []metric.MeterProvider{noop.NewMeterProvider(), sdkmetric.NewMeterProvider()} {
		if s, ok := From(mp); ok {
			t.Errorf("From(%T) found %v", mp, s)
		}
	}
}

// Not parallel: the SDK has one error handler for the process.
func TestFaultsAreCountedOnceAndNeverPrinted(t *testing.T) {
	stderr := os.Stderr
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = w
	CountFaults()
	source := NewSource(nil)
	otel.Handle(errors.New("canary"))
	otel.Handle(errors.New("canary"))
	os.Stderr = stderr
	_ = w.Close()
	said, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(said, []byte("canary")) {
		t.Errorf("an error of the SDK was printed: %s", said)
	}
	if n := source.NewFaults(); n != 2 {
		t.Errorf("counted %d faults, want 2", n)
	}
	if n := source.NewFaults(); n != 0 {
		t.Errorf("counted %d faults again", n)
	}
	if !source.Off() {
		t.Error("a source without a reader is not off")
	}
}
