// Package owntelemetry makes the collector's own telemetry: its logger and its
// metrics SDK. The builder chooses it with the key `telemetry:`, in place of
// the collector's otelconftelemetry.
//
// It promises that nothing of it is a door: no exporter, no reader that pushes,
// no listener can be configured. Logs go to the terminal (stderr). Metrics are
// kept until the `own` receiver reads them, and take the road of all telemetry
// from there. Traces of itself it makes none. Shutting down cannot fail for
// want of a destination.
//
// It does not sample logs, and it does not print what the SDK reports as
// errors; those are counted (weir_own_receiver_sdk_faults).
package owntelemetry

import (
	"go.opentelemetry.io/collector/service/telemetry"
)

// NewFactory returns the telemetry factory. The tracer provider is the
// collector's default, which does nothing.
func NewFactory() telemetry.Factory {
	return telemetry.NewFactory(
		createDefaultConfig,
		telemetry.WithCreateResource(createResource),
		telemetry.WithCreateLogger(createLogger),
		telemetry.WithCreateMeterProvider(createMeterProvider),
	)
}
