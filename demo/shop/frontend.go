package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-telemetry/weir/demo/canary"
)

// frontend is what the customer's browser talks to. Its application log is
// JSON over OTLP, its access log JSON lines in a file.
type frontend struct {
	*telemetry
	access *logFile
	client *http.Client
	cart   string // the cart's URL
}

func newFrontend(t *telemetry, access *logFile, cart string) (http.Handler, error) {
	f := &frontend{telemetry: t, access: access, client: t.client(), cart: cart}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /product/{id}", f.product)
	mux.HandleFunc("GET /account/{mail}", f.account)
	mux.HandleFunc("POST /checkout", f.checkout)
	return f.logged(mux), nil
}

// logged writes the access log.
func (f *frontend) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		answer := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r)
		line, err := json.Marshal(map[string]any{
			"time":     start.UTC().Format(time.RFC3339Nano),
			"level":    level(answer.status),
			"method":   r.Method,
			"uri":      r.URL.RequestURI(),
			"status":   answer.status,
			"ms":       time.Since(start).Milliseconds(),
			"client":   canary.Address,
			"user":     map[string]string{"mail": canary.Mail, "name": canary.Name},
			"auth":     r.Header.Get("Authorization"),
			"trace_id": trace.SpanContextFromContext(r.Context()).TraceID().String(),
		})
		if err == nil {
			f.access.line(string(line))
		}
	})
}

func (f *frontend) product(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("id") == "unknown" {
		f.log(r.Context(), log.SeverityWarn, "product not found", http.StatusNotFound)
		http.Error(w, "no such product", http.StatusNotFound)
		return
	}
	f.log(r.Context(), log.SeverityInfo, "product shown", http.StatusOK)
	fmt.Fprintln(w, "a teapot, 19.90")
}

// account asks the cart what the customer has put into it.
func (f *frontend) account(w http.ResponseWriter, r *http.Request) {
	trace.SpanFromContext(r.Context()).SetAttributes(
		attribute.String("enduser.id", canary.Mail),
		attribute.String("client.address", canary.Address))
	status := f.call(r.Context(), http.MethodGet, f.cart+"/cart/"+r.PathValue("mail"))
	f.log(r.Context(), log.SeverityInfo, "account opened", status)
	w.WriteHeader(status)
}

func (f *frontend) checkout(w http.ResponseWriter, r *http.Request) {
	url := f.cart + "/order"
	if mood := r.URL.Query().Get("mood"); mood != "" {
		url += "?mood=" + mood
	}
	status := f.call(r.Context(), http.MethodPost, url)
	if status >= http.StatusInternalServerError {
		trace.SpanFromContext(r.Context()).SetStatus(codes.Error, "order of "+canary.Name+" failed")
		f.log(r.Context(), log.SeverityError, "order failed", status)
	} else {
		f.log(r.Context(), log.SeverityInfo, "order placed", status)
	}
	w.WriteHeader(status)
}

// call asks another service and passes its status on.
func (f *frontend) call(ctx context.Context, method, url string) int {
	if member, err := baggage.NewMemberRaw("customer", canary.Mail); err == nil {
		if bag, err := baggage.New(member); err == nil {
			ctx = baggage.ContextWithBaggage(ctx, bag)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return http.StatusInternalServerError
	}
	req.Header.Set("Authorization", "Bearer "+canary.Token)
	resp, err := f.client.Do(req)
	if err != nil {
		return http.StatusBadGateway
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// log writes one application log record: a JSON document as the body, and the
// same things again as attributes of every type.
func (f *frontend) log(ctx context.Context, severity log.Severity, message string, status int) {
	body, err := json.Marshal(map[string]any{
		"message": message, "level": severity.String(), "status": status,
		"customer": canary.Name, "mail": canary.Mail, "phone": canary.Phone, "street": canary.Street,
		"authorization": "Bearer " + canary.Token,
	})
	if err != nil {
		return
	}
	var record log.Record
	record.SetTimestamp(time.Now())
	record.SetSeverity(severity)
	record.SetSeverityText(severity.String())
	record.SetEventName("shop." + canary.Literal)
	record.SetBody(log.StringValue(string(body)))
	record.AddAttributes(
		log.String("enduser.id", canary.Mail),
		log.String(canary.Mail, "an attribute's key can tell as much as its value"),
		log.Bytes("request.cookie", []byte("session="+canary.Token)),
		log.Slice("client.addresses", log.StringValue(canary.Address)),
		log.Map("customer", log.String("name", canary.Name), log.Map("home", log.String("street", canary.Street))),
		log.Int64("card", canary.CardNumber),
	)
	f.logger.Emit(ctx, record)
}

// recorder remembers the status for the access log.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// level is the access log's word for a status.
func level(status int) string {
	switch {
	case status >= 500:
		return "error"
	case status >= 400:
		return "warn"
	}
	return "info"
}
