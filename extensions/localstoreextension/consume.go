package localstoreextension

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/weir-telemetry/weir/localstore/otlplogs"
)

// errNotOpen is retryable: the sender may find another process, or this one
// started again.
var errNotOpen = errors.New("the local store is not open")

// ConsumeMetrics implements localstore.Host.
func (l *localStore) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.stores == nil {
		return errNotOpen
	}
	res, err := l.stores.metrics.Append(ctx, md)
	if err != nil {
		return fmt.Errorf("store metrics: %w", err)
	}
	for reason, n := range res.Rejected {
		l.reject(ctx, "metrics", string(reason), n)
	}
	return nil
}

// ConsumeLogs implements localstore.Host.
func (l *localStore) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.stores == nil {
		return errNotOpen
	}
	res, err := l.stores.logs.Append(ctx, otlplogs.Streams(ld))
	if err != nil {
		return fmt.Errorf("store logs: %w", err)
	}
	for reason, n := range res.Rejected {
		l.reject(ctx, "logs", string(reason), n)
	}
	return nil
}

func (l *localStore) reject(ctx context.Context, signal, reason string, n int) {
	l.telemetry.LocalStoreRejected.Add(ctx, int64(n), metric.WithAttributes(
		attribute.String("signal", signal), attribute.String("reason", reason)))
}
