// Package ownreceiver is the `own` receiver: the front door for Weir's own
// metrics. Each interval it reads the metrics SDK of the service that it runs
// in and sends what it read into its pipelines, where it is stored, counted and
// gated like any other telemetry.
//
// Names, units, temporality and resource are those that an OTLP export would
// give. Exemplars are left out: they hold attributes that a view removed, and
// ids of traces. It opens no connection and never logs an error's text.
package ownreceiver

//go:generate mdatagen metadata.yaml

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/weir-telemetry/weir/receivers/ownreceiver/internal/metadata"
)

// NewFactory returns the factory of the receiver.
func NewFactory() receiver.Factory {
	return receiver.NewFactory(metadata.Type, createDefaultConfig,
		receiver.WithMetrics(createMetrics, metadata.MetricsStability))
}

func createMetrics(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
	return newReceiver(set, cfg.(*Config), next)
}
