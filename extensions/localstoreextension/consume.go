package localstoreextension

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/weir-telemetry/weir/localstore/logstore"
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
	res, err := l.stores.logs.Append(ctx, dated(otlplogs.Streams(ld), time.Now().UnixNano()))
	if err != nil {
		return fmt.Errorf("store logs: %w", err)
	}
	for reason, n := range res.Rejected {
		l.reject(ctx, "logs", string(reason), n)
	}
	if res.Cut > 0 {
		l.telemetry.LocalStoreCut.Add(ctx, int64(res.Cut))
	}
	return nil
}

// dated gives records without any time that of their arrival, as OTLP's
// observed timestamp would have. They would be refused as too old otherwise.
func dated(streams []logstore.Stream, arrival int64) []logstore.Stream {
	for _, s := range streams {
		for i := range s.Entries {
			if s.Entries[i].Timestamp == 0 {
				s.Entries[i].Timestamp = arrival
			}
		}
	}
	return streams
}

func (l *localStore) reject(ctx context.Context, signal, reason string, n int) {
	l.telemetry.LocalStoreRejected.Add(ctx, int64(n), metric.WithAttributes(
		attribute.String("signal", signal), attribute.String("reason", reason)))
}
