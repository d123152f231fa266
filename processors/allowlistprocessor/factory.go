// Package allowlistprocessor is the `allowlist` processor: it keeps every
// metric that comes in from going on, and sends on, once an interval, the one
// report that the accepted policy allows.
//
// What comes in is only read (redaction/table). While no policy is in force
// nothing is counted and nothing sent: what happened then does not show up in a
// later report. Reports come at multiples of the policy's interval by the wall
// clock, at most one each; one that the next component does not take is
// counted, and what it said is in the next, gauges excepted. On shutdown
// nothing is sent.
package allowlistprocessor

//go:generate mdatagen metadata.yaml

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/weir-telemetry/weir/processors/allowlistprocessor/internal/metadata"
)

// NewFactory returns the factory of the processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(metadata.Type, createDefaultConfig,
		processor.WithMetrics(func(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics) (processor.Metrics, error) {
			return newAllowlist(set, cfg.(*Config), next)
		}, metadata.MetricsStability))
}
