// Package gateprocessor is the `gate` processor of the fleet role: it lets in
// only what a known policy would have let out.
//
// Each batch must be one report, of the install that the receiver says has sent
// it, made under a policy whose file is configured or under the meet of two such
// revisions of one product, and pass redaction/gate. What does not is refused for
// good, with a reason out of a closed set and nothing of the data. The files are
// watched: every revision counts for as long as its file is there. What does is passed on as a new
// batch: the policy's signals, the install's identity, and the fleet's own
// gauges on when it was heard. A report that comes again, as it does when an
// answer was lost, is answered with success and not passed on.
//
// Sequences are remembered in memory, for a bounded number of installs. After a
// restart, or by a gateway beside this one, a report may be passed on twice, with
// the same times and values, of which a store keeps one.
package gateprocessor

//go:generate mdatagen metadata.yaml

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/weir-telemetry/weir/processors/gateprocessor/internal/metadata"
)

// NewFactory returns the factory of the processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(metadata.Type, createDefaultConfig,
		processor.WithMetrics(func(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics) (processor.Metrics, error) {
			return newGate(set, cfg.(*Config), next)
		}, metadata.MetricsStability))
}
