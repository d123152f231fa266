// Package ownmetrics is where the telemetry factory, which makes the metrics
// SDK, and the `own` receiver, which reads it, meet: they never import each
// other.
//
// The collector hands a component a MeterProvider that it may have wrapped
// (with the feature gate telemetry.newPipelineTelemetry it does), and a wrapper
// hides every method but Meter. So Meter is the way: asked for a meter of one
// reserved name, the provider of Wrap answers with one that carries the source.
// That name passes through any wrapper. Nothing is published in a package
// variable, so that two services in one process, or an old and a new one while
// a configuration is reloaded, each find their own.
//
// The package exports nothing to any destination.
package ownmetrics

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// scope is the reserved name. No instrument can be made under it.
const scope = "github.com/weir-telemetry/weir/internal/ownmetrics"

// Reader gives the metrics as they stand, as the SDK's readers do.
type Reader interface {
	Collect(ctx context.Context, into *metricdata.ResourceMetrics) error
}

// Source is what the receiver finds: the metrics of one service.
type Source struct {
	reader Reader // nil: the service keeps no metrics of itself

	mu    sync.Mutex
	taken int64 // guarded by mu: the count of faults already given out
}

// NewSource is a source that reads r; with a nil r it is off.
func NewSource(r Reader) *Source { return &Source{reader: r, taken: faults.Load()} }

// Off says that the service keeps no metrics of itself.
func (s *Source) Off() bool { return s.reader == nil }

// Collect overwrites into with the metrics as they stand.
func (s *Source) Collect(ctx context.Context, into *metricdata.ResourceMetrics) error {
	return s.reader.Collect(ctx, into)
}

// NewFaults is how many faults the SDK had since it was last asked. Several
// callers share the number out among them: no fault is counted twice.
func (s *Source) NewFaults() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := faults.Load()
	n := all - s.taken
	s.taken = all
	return n
}

// Wrap gives mp back, with s to be found in it.
func Wrap(mp metric.MeterProvider, s *Source) metric.MeterProvider {
	return provider{mp, s}
}

type provider struct {
	metric.MeterProvider
	source *Source
}

func (p provider) Meter(name string, opts ...metric.MeterOption) metric.Meter {
	if name == scope {
		return meter{source: p.source}
	}
	return p.MeterProvider.Meter(name, opts...)
}

type meter struct {
	noop.Meter
	source *Source
}

// From finds the source in mp, however often mp was wrapped. It is false where
// mp was not made by Wrap.
func From(mp metric.MeterProvider) (*Source, bool) {
	m, ok := mp.Meter(scope).(meter)
	return m.source, ok
}
