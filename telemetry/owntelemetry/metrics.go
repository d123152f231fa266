package owntelemetry

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configtelemetry"
	"go.opentelemetry.io/collector/service/telemetry"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"

	"github.com/weir-telemetry/weir/internal/ownmetrics"
)

func createMeterProvider(_ context.Context, set telemetry.MeterSettings, cfg component.Config) (telemetry.MeterProvider, error) {
	ownmetrics.CountFaults()
	level := cfg.(*Config).Metrics.Level
	if level == configtelemetry.LevelNone {
		return &meterProvider{MeterProvider: ownmetrics.Wrap(noop.NewMeterProvider(), ownmetrics.NewSource(nil))}, nil
	}

	reader := sdkmetric.NewManualReader()
	opts := []sdkmetric.Option{
		sdkmetric.WithReader(reader),
		sdkmetric.WithResource(sdkResource(set.Resource)),
		// An exemplar holds the attributes that a view removes.
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter),
	}
	if set.DefaultViews != nil {
		for _, v := range set.DefaultViews(level) {
			made, err := view(v)
			if err != nil {
				return nil, err
			}
			opts = append(opts, sdkmetric.WithView(made))
		}
	}
	sdk := sdkmetric.NewMeterProvider(opts...)
	return &meterProvider{
		MeterProvider: ownmetrics.Wrap(sdk, ownmetrics.NewSource(reader)),
		stop:          sdk.Shutdown,
	}, nil
}

type meterProvider struct {
	metric.MeterProvider
	stop func(context.Context) error // nil: there is nothing to stop
	once sync.Once
}

// Shutdown stops the SDK. There is no destination to flush to, so nothing can
// be lost or refused here; a second call is no error.
func (p *meterProvider) Shutdown(ctx context.Context) error {
	var err error
	p.once.Do(func() {
		if p.stop != nil {
			err = p.stop(ctx)
		}
	})
	return err
}
