package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-telemetry/weir/demo/canary"
)

// cart keeps orders and asks payment for the money. Its log is logfmt.
type cart struct {
	*telemetry
	client  *http.Client
	payment string // payment's URL
	orders  metric.Int64Counter
	lines   metric.Int64UpDownCounter
}

func newCart(t *telemetry, payment string) (http.Handler, error) {
	c := &cart{telemetry: t, client: t.client(), payment: payment}
	var err error
	// A description is free text as well.
	if c.orders, err = t.meter.Int64Counter("shop.orders", metric.WithUnit("{order}"),
		metric.WithDescription("Orders taken for "+canary.Company)); err != nil {
		return nil, fmt.Errorf("create the orders' counter: %w", err)
	}
	if c.lines, err = t.meter.Int64UpDownCounter("shop.cart.lines", metric.WithUnit("{line}")); err != nil {
		return nil, fmt.Errorf("create the lines' counter: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /cart/{mail}", c.show)
	mux.HandleFunc("POST /order", c.order)
	return mux, nil
}

func (c *cart) show(w http.ResponseWriter, r *http.Request) {
	// A database call, with the statement as it was sent.
	_, span := c.tracer.Start(r.Context(), canary.SQL, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			attribute.String("db.query.text", canary.SQL),
			attribute.String("server.address", canary.Host)))
	span.AddEvent("row", trace.WithAttributes(attribute.String("customer.name", canary.Name)))
	span.End()
	c.lines.Add(r.Context(), 1, metric.WithAttributes(attribute.String("customer", canary.Mail)))
	c.log(r.Context(), log.SeverityInfo, "cart shown", `query="`+canary.SQL+`"`)
	fmt.Fprintln(w, "1 teapot")
}

func (c *cart) order(w http.ResponseWriter, r *http.Request) {
	mood := r.URL.Query().Get("mood")
	if mood == "slow" {
		time.Sleep(800 * time.Millisecond)
		c.log(r.Context(), log.SeverityWarn, "slow query", `host=`+canary.Host+` query="`+canary.SQL+`"`)
	}
	url := c.payment + "/pay"
	if mood == "declined" {
		url += "?mood=declined"
	}
	status := http.StatusBadGateway
	if req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, url, nil); err == nil {
		if resp, err := c.client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			status = resp.StatusCode
		}
	}
	outcome := "placed"
	if status != http.StatusOK {
		outcome = "failed"
	}
	// The customer's mail as a label: one series for each customer, and the
	// mail in every exemplar.
	c.orders.Add(r.Context(), 1, metric.WithAttributes(
		attribute.String("outcome", outcome),
		attribute.String("customer", canary.Mail)))
	c.log(r.Context(), log.SeverityInfo, "order "+outcome, `street="`+canary.Street+`"`)
	w.WriteHeader(status)
}

func (c *cart) log(ctx context.Context, severity log.Severity, message, rest string) {
	var record log.Record
	record.SetTimestamp(time.Now())
	record.SetSeverity(severity)
	record.SetSeverityText(severity.String())
	record.SetBody(log.StringValue(fmt.Sprintf("level=%s msg=%q mail=%s client=%s password=%s %s",
		severity, message, canary.Mail, canary.Address, canary.Password, rest)))
	c.logger.Emit(ctx, record)
}
