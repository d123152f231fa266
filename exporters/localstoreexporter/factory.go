package localstoreexporter

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/exporters/localstoreexporter/internal/metadata"
	"github.com/weir-telemetry/weir/localstore"
)

// NewFactory makes the factory of the local_store exporter.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(metadata.Type, createDefaultConfig,
		exporter.WithMetrics(createMetrics, metadata.MetricsStability),
		exporter.WithLogs(createLogs, metadata.LogsStability))
}

// storeExporter knows the store from Start on.
type storeExporter struct {
	id   component.ID
	host localstore.Host
}

func (e *storeExporter) start(_ context.Context, host component.Host) error {
	found, ok := host.GetExtensions()[e.id]
	if !ok {
		return fmt.Errorf("extension %s does not run: configure it and name it in service::extensions", e.id)
	}
	if e.host, ok = found.(localstore.Host); !ok {
		return fmt.Errorf("extension %s is no local store: name one of type local_store", e.id)
	}
	return nil
}

func (e *storeExporter) metrics(ctx context.Context, md pmetric.Metrics) error {
	return e.host.ConsumeMetrics(ctx, md)
}

func (e *storeExporter) logs(ctx context.Context, ld plog.Logs) error {
	return e.host.ConsumeLogs(ctx, ld)
}

func (e *storeExporter) options() []exporterhelper.Option {
	return []exporterhelper.Option{
		exporterhelper.WithStart(e.start),
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		// The disk takes the time it takes: the sender's own deadline is in
		// the context already.
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: 0}),
	}
}

func createMetrics(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Metrics, error) {
	e := &storeExporter{id: cfg.(*Config).LocalStore}
	return exporterhelper.NewMetrics(ctx, set, cfg, e.metrics, e.options()...)
}

func createLogs(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	e := &storeExporter{id: cfg.(*Config).LocalStore}
	return exporterhelper.NewLogs(ctx, set, cfg, e.logs, e.options()...)
}
