package ownreceiver

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/internal/ownmetrics"
	"github.com/weir-telemetry/weir/receivers/ownreceiver/internal/metadata"
)

// errForeign is what Start says in a collector that was built with another
// telemetry factory: better than a pipeline that stays silently empty.
var errForeign = errors.New("this collector's own metrics are out of reach: build it with `telemetry:` set to " +
	"github.com/weir-telemetry/weir/telemetry/owntelemetry in builder-config.yaml, or take the `own` receiver out of the pipelines")

// The reasons of metadata.yaml.
const (
	unread  = "unread"
	partial = "partial"
	refused = "refused"
)

type ownReceiver struct {
	set  receiver.Settings
	cfg  *Config
	next consumer.Metrics
	obs  *receiverhelper.ObsReport
	tel  *metadata.TelemetryBuilder

	stop context.CancelFunc
	done sync.WaitGroup

	// Only the loop touches these.
	rm      metricdata.ResourceMetrics // the SDK reuses its memory
	failing string                     // the reason said last, "" when all is well
}

func newReceiver(set receiver.Settings, cfg *Config, next consumer.Metrics) (*ownReceiver, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{ReceiverID: set.ID, ReceiverCreateSettings: set})
	if err != nil {
		return nil, err
	}
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &ownReceiver{set: set, cfg: cfg, next: next, obs: obs, tel: tel, stop: func() {}}, nil
}

// Start looks for the metrics here and not when the receiver is made, since a
// dry run makes receivers without a telemetry factory.
func (r *ownReceiver) Start(context.Context, component.Host) error {
	source, ok := ownmetrics.From(r.set.MeterProvider)
	if !ok {
		return errForeign
	}
	if source.Off() {
		r.set.Logger.Info("own metrics are off: service::telemetry::metrics::level is none")
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.done.Go(func() { r.run(ctx, source) })
	return nil
}

func (r *ownReceiver) Shutdown(context.Context) error {
	r.stop()
	r.done.Wait()
	r.tel.Shutdown()
	return nil
}

func (r *ownReceiver) run(ctx context.Context, source *ownmetrics.Source) {
	ticker := time.NewTicker(r.cfg.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.collect(ctx, source)
		}
	}
}

// collect is one collection. What fails is counted by reason and said once;
// sums are cumulative, so the next collection makes up for it.
func (r *ownReceiver) collect(ctx context.Context, source *ownmetrics.Source) {
	if n := source.NewFaults(); n > 0 {
		r.tel.OwnReceiverSdkFaults.Add(ctx, n)
	}
	failed := ""
	r.rm.ScopeMetrics = r.rm.ScopeMetrics[:0] // a reader that fails early leaves the last ones there
	// An observable that fails makes Collect fail, yet the rest is there.
	if err := source.Collect(ctx, &r.rm); err != nil {
		failed = partial
	}
	if ctx.Err() != nil { // being stopped is no failure
		return
	}
	md, skipped := convert(&r.rm)
	if skipped > 0 {
		failed = partial
	}
	points := md.DataPointCount()
	switch {
	case points > 0:
		octx := r.obs.StartMetricsOp(ctx)
		err := r.next.ConsumeMetrics(octx, md)
		r.obs.EndMetricsOp(octx, "metricdata", points, err)
		if err != nil {
			failed = refused
		}
	case failed != "":
		failed = unread
	}
	if ctx.Err() == nil {
		r.say(ctx, failed)
	}
}

// say counts a failure and logs it where the state changes, by its reason
// alone: an error's text may quote telemetry.
func (r *ownReceiver) say(ctx context.Context, failed string) {
	if failed != "" {
		r.tel.OwnReceiverFailedCollections.Add(ctx, 1, metric.WithAttributes(attribute.String("reason", failed)))
	}
	if failed == r.failing {
		return
	}
	r.failing = failed
	if failed != "" {
		r.set.Logger.Warn("own metrics do not arrive in whole", zap.String("reason", failed))
	} else {
		r.set.Logger.Info("own metrics arrive in whole again")
	}
}
