// Package releasesreceiver is the `releases` receiver of the fleet role: it
// reads the release catalogue and sends it as metrics, each interval, so that
// rules can join it with what installs report. A changed file takes effect with
// the next interval; one with a fault is said and counted, and the catalogue from
// before goes on. Whose each enrolled install is, and since when, it reads from the
// folder that the gateways share. It opens no connection. Of several gateways one
// runs it, or each writes to a store of its own.
package releasesreceiver

//go:generate mdatagen metadata.yaml

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/weir-telemetry/weir/receivers/releasesreceiver/internal/metadata"
)

// NewFactory returns the factory of the receiver.
func NewFactory() receiver.Factory {
	return receiver.NewFactory(metadata.Type, createDefaultConfig,
		receiver.WithMetrics(func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
			return newReceiver(set, cfg.(*Config), next)
		}, metadata.MetricsStability))
}
