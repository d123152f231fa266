package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-telemetry/weir/demo/canary"
)

// payment charges cards. Its logs are plain text: the application's over OTLP,
// the transactions' in a file.
type payment struct {
	*telemetry
	file   *logFile
	charge metric.Float64Histogram
	last   metric.Int64Gauge
}

func newPayment(t *telemetry, file *logFile) (http.Handler, error) {
	p := &payment{telemetry: t, file: file}
	var err error
	if p.charge, err = t.meter.Float64Histogram("shop.charge", metric.WithUnit("{euro}"),
		metric.WithExplicitBucketBoundaries(10, 20, 50, 100)); err != nil {
		return nil, fmt.Errorf("create the charges' histogram: %w", err)
	}
	// A number can be a secret without any text around it.
	if p.last, err = t.meter.Int64Gauge("shop.last.card", metric.WithUnit("1")); err != nil {
		return nil, fmt.Errorf("create the last card's gauge: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /pay", p.pay)
	return mux, nil
}

func (p *payment) pay(w http.ResponseWriter, r *http.Request) {
	ctx, span := p.tracer.Start(r.Context(), "charge", trace.WithAttributes(attribute.String("card.number", canary.Card)),
		trace.WithLinks(trace.Link{
			SpanContext: trace.SpanContextFromContext(r.Context()),
			Attributes:  []attribute.KeyValue{attribute.String("customer", canary.Name)},
		}))
	defer span.End()
	p.last.Record(ctx, canary.CardNumber)
	p.charge.Record(ctx, 19.90, metric.WithAttributes(attribute.String("customer", canary.Company)))

	if r.URL.Query().Get("mood") == "declined" {
		err := errors.New(`duplicate key: INSERT INTO charges VALUES ('` + canary.Mail + `', '` + canary.Card + `', '` + canary.Literal + `')`)
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
		p.log(ctx, log.SeverityError, "charge failed: "+err.Error())
		p.file.line(fmt.Sprintf("%s ERROR [charge-3] card %s of %s <%s> from %s refused: %v",
			time.Now().UTC().Format(time.RFC3339Nano), canary.Card, canary.Name, canary.Mail, canary.Address, err))
		http.Error(w, "charge failed", http.StatusInternalServerError)
		return
	}
	p.log(ctx, log.SeverityInfo, "charged card "+canary.Card+" of "+canary.Name)
	p.file.line(fmt.Sprintf("%s INFO [charge-3] card %s of %s <%s> from %s charged 19.90 EUR, token Bearer %s",
		time.Now().UTC().Format(time.RFC3339Nano), canary.Card, canary.Name, canary.Mail, canary.Address, canary.Token))
}

func (p *payment) log(ctx context.Context, severity log.Severity, line string) {
	var record log.Record
	record.SetTimestamp(time.Now())
	record.SetSeverity(severity)
	// The severity's text is free as well; a careless logger names its thread
	// after the customer.
	record.SetSeverityText(severity.String() + " " + canary.Company)
	record.SetBody(log.StringValue(severity.String() + " [charge-3] " + line))
	p.logger.Emit(ctx, record)
}
