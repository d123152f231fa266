package fleetreceiver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/weir-telemetry/weir/fleet/identity"
)

// MetricsPath is where reports go, as with any OTLP receiver.
const metricsPath = "/v1/metrics"

// Reasons beside those of fleet/identity and of the gate.
const (
	reasonPath        = "path"
	reasonMethod      = "method"
	reasonType        = "content_type"
	reasonEncoding    = "content_encoding"
	reasonLength      = "length_missing"
	reasonTooLarge    = "too_large"
	reasonBody        = "body_unread"
	reasonMalformed   = "malformed"
	reasonCanonical   = "encoding"
	reasonBusy        = "busy"
	reasonUnavailable = "unavailable"
	reasonReport      = "report"
)

// refusal is an answer other than success. Nothing in it comes from the request.
type refusal struct {
	status int
	reason string
	text   string // for the body; empty: the reason
	retry  bool   // say when to come again
}

func (r *refusal) Error() string { return r.reason }

// serve answers one request and measures how long that took.
func (r *fleetReceiver) serve(w http.ResponseWriter, req *http.Request) {
	began := time.Now()
	exchange, status := r.answer(w, req)
	r.telemetry.FleetRequestDuration.Record(context.WithoutCancel(req.Context()), time.Since(began).Seconds(), metric.WithAttributes(
		attribute.String("exchange", exchange), attribute.String("http.response.status_class", strconv.Itoa(status/100)+"xx")))
}

// answer compares the request's target to the byte: a redirect, as a mux would
// answer with, could send a report elsewhere. It says what was asked for and the
// status that it answered with.
func (r *fleetReceiver) answer(w http.ResponseWriter, req *http.Request) (exchange string, status int) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	var handle func(http.ResponseWriter, *http.Request) (string, error)
	switch {
	case req.RequestURI == metricsPath && r.metrics != nil:
		exchange, handle = "report", r.report
	case req.RequestURI == identity.EnrollPath && r.door != nil:
		exchange, handle = "enrolment", r.enroll
	case req.RequestURI == identity.RenewPath && r.door != nil:
		exchange, handle = "renewal", r.renew
	default:
		return "none", r.refuse(w, req, "", &refusal{status: http.StatusNotFound, reason: reasonPath})
	}
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return exchange, r.refuse(w, req, "", &refusal{status: http.StatusMethodNotAllowed, reason: reasonMethod})
	}
	if install, err := handle(w, req); err != nil {
		return exchange, r.refuse(w, req, install, err)
	}
	return exchange, http.StatusOK
}

// refuse counts the reason, by install if the sender has proved to be one, and
// answers with it. It returns the status.
func (r *fleetReceiver) refuse(w http.ResponseWriter, req *http.Request, install string, err error) int {
	answer := &refusal{status: http.StatusServiceUnavailable, reason: reasonUnavailable, retry: true}
	var identified *identity.Refused
	switch {
	case errors.As(err, &identified):
		answer = &refusal{status: identified.Status, reason: string(identified.Reason)}
		w.Header().Set(identity.ReasonHeader, answer.reason)
	case errors.As(err, &answer):
	}
	r.telemetry.FleetRefusedRequests.Add(context.WithoutCancel(req.Context()), 1, metric.WithAttributes(
		attribute.String("reason", answer.reason), attribute.String("weir.install.id", r.labels.Label(install))))
	if answer.retry {
		w.Header().Set("Retry-After", "5")
	}
	if req.ContentLength != 0 {
		w.Header().Set("Connection", "close") // a body that nobody reads must not be the next request
	}
	text := answer.text
	if text == "" {
		text = answer.reason
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, text+"\n")
	return answer.status
}

// body reads all of a body whose length is said and small enough. done gives
// the memory back.
func (r *fleetReceiver) body(req *http.Request, contentType string, limit int64) (body []byte, done func(), err error) {
	switch n := req.ContentLength; {
	case req.Header.Get("Content-Type") != contentType:
		return nil, nil, &refusal{status: http.StatusUnsupportedMediaType, reason: reasonType, text: "the content type is " + contentType}
	case req.Header.Get("Content-Encoding") != "":
		return nil, nil, &refusal{status: http.StatusUnsupportedMediaType, reason: reasonEncoding, text: "nothing is decompressed here"}
	case n < 0:
		return nil, nil, &refusal{status: http.StatusLengthRequired, reason: reasonLength}
	case n > limit:
		return nil, nil, &refusal{status: http.StatusRequestEntityTooLarge, reason: reasonTooLarge}
	case !r.memory.Take(n):
		return nil, nil, &refusal{status: http.StatusServiceUnavailable, reason: reasonBusy, retry: true}
	default:
		body = make([]byte, n)
		if _, err := io.ReadFull(req.Body, body); err != nil {
			r.memory.Give(n)
			return nil, nil, &refusal{status: http.StatusBadRequest, reason: reasonBody}
		}
		return body, func() { r.memory.Give(n) }, nil
	}
}
