// Package vitalsconnector is the `vitals` connector: it reads what passes
// through pipelines of logs and of traces and emits, each interval, the few
// numbers of package vitals into pipelines of metrics. Of metrics it reads the
// names, so that what a service measures itself is not derived as well; the
// pipeline that it reads them from must not be one that it emits to.
//
// Between two pipelines of logs it hands on what it reads, and counts what was
// taken there: a batch that the store refuses is counted when it comes again.
//
// One instance serves all kinds of pipeline, so that a service that logs and
// traces is one service. It promises to change nothing that it reads, and to
// emit a heartbeat even when there is nothing to read.
package vitalsconnector

//go:generate mdatagen metadata.yaml

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"

	"github.com/weir-telemetry/weir/connectors/vitalsconnector/internal/metadata"
)

// NewFactory returns the factory of the connector.
func NewFactory() connector.Factory {
	var all shared
	return connector.NewFactory(
		metadata.Type,
		createDefaultConfig,
		connector.WithLogsToMetrics(
			func(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Logs, error) {
				h, err := all.acquire(set, cfg.(*Config), next)
				if err != nil {
					return nil, err
				}
				return &logsToMetrics{h}, nil
			}, metadata.LogsToMetricsStability),
		connector.WithLogsToLogs(
			func(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Logs) (connector.Logs, error) {
				h, err := all.acquire(set, cfg.(*Config), nil)
				if err != nil {
					return nil, err
				}
				h.handsOn = true
				return &logsToLogs{h, next}, nil
			}, metadata.LogsToLogsStability),
		connector.WithTracesToMetrics(
			func(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Traces, error) {
				h, err := all.acquire(set, cfg.(*Config), next)
				if err != nil {
					return nil, err
				}
				return &tracesToMetrics{h}, nil
			}, metadata.TracesToMetricsStability),
		connector.WithMetricsToMetrics(
			func(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Metrics, error) {
				h, err := all.acquire(set, cfg.(*Config), next)
				if err != nil {
					return nil, err
				}
				return &metricsToMetrics{h}, nil
			}, metadata.MetricsToMetricsStability),
	)
}
