package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// product is one service instrumented with the OpenTelemetry Go SDK.
type product struct {
	t       *testing.T
	traces  *sdktrace.TracerProvider
	metrics *sdkmetric.MeterProvider
	logs    *sdklog.LoggerProvider
}

func newProduct(t *testing.T, otlp, service, version string) *product {
	t.Helper()
	ctx := t.Context()
	res := resource.NewSchemaless(attribute.String("service.name", service), attribute.String("service.version", version))
	te, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(otlp), otlptracehttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	me, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpoint(otlp), otlpmetrichttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	le, err := otlploghttp.New(ctx, otlploghttp.WithEndpoint(otlp), otlploghttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	return &product{
		t:       t,
		traces:  sdktrace.NewTracerProvider(sdktrace.WithBatcher(te), sdktrace.WithResource(res)),
		metrics: sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(me)), sdkmetric.WithResource(res)),
		logs:    sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(le)), sdklog.WithResource(res)),
	}
}

// serve is a number of requests, the first of which fail.
func (p *product) serve(requests, failures int) {
	p.t.Helper()
	work, err := p.metrics.Meter("shop").Int64Counter("e2e.work")
	if err != nil {
		p.t.Fatal(err)
	}
	for i := range requests {
		status := 200
		if i < failures {
			status = 500
		}
		ctx, span := p.traces.Tracer("shop").Start(p.t.Context(), "GET /orders/"+slot("order"), trace.WithSpanKind(trace.SpanKindServer))
		span.SetAttributes(attribute.Int("http.response.status_code", status), attribute.String("user.mail", slot("mail")))
		if status == 500 {
			span.SetStatus(codes.Error, slot("status"))
		}
		work.Add(ctx, 1)
		span.End()
	}
}

// log writes a number of lines at level info.
func (p *product) log(lines int) {
	logger := p.logs.Logger("shop")
	for i := range lines {
		var r otellog.Record
		r.SetTimestamp(time.Now())
		r.SetSeverity(otellog.SeverityInfo)
		r.SetBody(otellog.StringValue(fmt.Sprintf("order number %d of %s", i, slot("customer"))))
		logger.Emit(p.t.Context(), r)
	}
}

// shutdown flushes: what it returns from has been acknowledged.
func (p *product) shutdown() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	for _, f := range []func(context.Context) error{p.traces.Shutdown, p.metrics.Shutdown, p.logs.Shutdown} {
		if err := f(ctx); err != nil {
			p.t.Fatalf("the SDK could not deliver: %v", err)
		}
	}
}
