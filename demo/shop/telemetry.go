package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-telemetry/weir/demo/canary"
)

// Short intervals: a demonstration is watched, and nobody waits a minute.
const (
	metricsInterval = 2 * time.Second
	batchInterval   = time.Second
	flushTimeout    = 5 * time.Second
)

// propagator carries the trace and, as careless products do, baggage.
var propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

// telemetry is one service's SDK: three providers that share one resource.
type telemetry struct {
	tracer trace.Tracer
	meter  metric.Meter
	logger log.Logger

	traces  *sdktrace.TracerProvider
	metrics *sdkmetric.MeterProvider
	logs    *sdklog.LoggerProvider
}

func newTelemetry(ctx context.Context, name, version string) (*telemetry, error) {
	res := resource.NewWithAttributes(semconv.SchemaURL+"?customer="+canary.Mail,
		semconv.ServiceName(name),
		semconv.ServiceVersion(version),
		semconv.ServiceInstanceID(name+"-1"),
		semconv.HostName(canary.Host),
		attribute.String("customer.name", canary.Company),
		attribute.StringSlice("host.ip", []string{canary.Address}),
	)
	traceExporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the trace exporter: %w", err)
	}
	metricExporter, err := otlpmetrichttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the metric exporter: %w", err)
	}
	logExporter, err := otlploghttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the log exporter: %w", err)
	}
	t := &telemetry{
		traces: sdktrace.NewTracerProvider(
			sdktrace.WithResource(res),
			sdktrace.WithBatcher(traceExporter, sdktrace.WithBatchTimeout(batchInterval))),
		metrics: sdkmetric.NewMeterProvider(
			sdkmetric.WithResource(res),
			sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metricExporter, sdkmetric.WithInterval(metricsInterval)))),
		logs: sdklog.NewLoggerProvider(
			sdklog.WithResource(res),
			sdklog.WithProcessor(sdklog.NewBatchProcessor(logExporter, sdklog.WithExportInterval(batchInterval)))),
	}
	// The scopes are careless too: a version and an attribute that say who the
	// customer is.
	scope, owner := "shop/"+name, attribute.String("customer.contact", canary.Phone)
	t.tracer = t.traces.Tracer(scope, trace.WithInstrumentationVersion(version+"+"+canary.Literal), trace.WithInstrumentationAttributes(owner))
	t.meter = t.metrics.Meter(scope, metric.WithInstrumentationVersion(version+"+"+canary.Literal), metric.WithInstrumentationAttributes(owner))
	t.logger = t.logs.Logger(scope, log.WithInstrumentationVersion(version+"+"+canary.Literal), log.WithInstrumentationAttributes(owner))
	return t, nil
}

// handler instruments a server; the span is named after the route.
func (t *telemetry) handler(h http.Handler) http.Handler {
	return otelhttp.NewHandler(h, "request",
		otelhttp.WithTracerProvider(t.traces),
		otelhttp.WithMeterProvider(t.metrics),
		otelhttp.WithPropagators(propagator),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
			if r.Pattern != "" {
				return r.Pattern
			}
			return r.Method
		}))
}

// client instruments calls to another service.
func (t *telemetry) client() *http.Client {
	return &http.Client{
		Timeout: 10 * time.Second,
		Transport: otelhttp.NewTransport(http.DefaultTransport.(*http.Transport).Clone(),
			otelhttp.WithTracerProvider(t.traces),
			otelhttp.WithMeterProvider(t.metrics),
			otelhttp.WithPropagators(propagator)),
	}
}

// close flushes what is buffered and stops. It is bounded: a collector that is
// away does not keep the product from stopping.
func (t *telemetry) close(ctx context.Context) error {
	var wait sync.WaitGroup
	errs := make([]error, 3)
	for i, shutdown := range []func(context.Context) error{t.traces.Shutdown, t.metrics.Shutdown, t.logs.Shutdown} {
		wait.Go(func() { errs[i] = shutdown(ctx) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// reportErrors lets the SDK say that its data is not accepted, once per pause:
// it would otherwise repeat itself for every batch.
func reportErrors(w io.Writer, pause time.Duration) {
	var mu sync.Mutex
	var last time.Time
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(last) >= pause {
			last = now
			fmt.Fprintf(w, "shop: telemetry was not accepted: %v\n", err)
		}
	}))
}
