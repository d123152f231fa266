package lokireceiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/weir-telemetry/weir/internal/lokipush"
)

const (
	format = "loki"
	// readFor is how long a sender may take for a body: it holds a slot.
	readFor = 30 * time.Second
	// retryAfter is short: agents have their own backoff on top.
	retryAfter = 2 * time.Second
)

// refusal is an answer other than success. Its text is ours alone.
type refusal struct {
	code   int
	reason string // as in metadata.yaml
	text   string
	retry  bool
}

var (
	stopping = refusal{http.StatusServiceUnavailable, "stopping", "shutting down, send again", true}
	busy     = refusal{http.StatusTooManyRequests, "busy", "too many requests at once, send again", true}
)

// errRefused stands in where the collector's own telemetry wants the error: the
// real one may quote data.
var errRefused = errors.New("the pipeline did not take the records")

// ServeHTTP answers one push.
func (r *lokiReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if !r.enter() {
		r.refuse(w, stopping)
		return
	}
	defer r.inFlight.Done()
	if !r.slot(req) {
		r.refuse(w, busy)
		return
	}
	defer func() { <-r.slots }()

	// Not every listener can; those that cannot have limits of their own.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readFor))
	streams, err := lokipush.Decode(req.Header.Get("Content-Type"), req.Header.Get("Content-Encoding"),
		req.Body, lokipush.Limits(r.cfg.Limits))
	if err != nil {
		r.refuse(w, undecoded(err))
		return
	}
	ld := toLogs(streams)
	n := ld.LogRecordCount()
	if n == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	ctx := r.obs.StartLogsOp(req.Context())
	err = r.next.ConsumeLogs(ctx, ld)
	if err != nil {
		r.obs.EndLogsOp(ctx, format, n, errRefused)
		r.refuse(w, untaken(err))
		return
	}
	r.obs.EndLogsOp(ctx, format, n, nil)
	w.WriteHeader(http.StatusNoContent)
}

// slot waits for a slot, but not for ever.
func (r *lokiReceiver) slot(req *http.Request) bool {
	select {
	case r.slots <- struct{}{}:
		return true
	default:
	}
	t := time.NewTimer(r.patience)
	defer t.Stop()
	select {
	case r.slots <- struct{}{}:
		return true
	case <-t.C:
		return false
	case <-req.Context().Done():
		return false
	}
}

func (r *lokiReceiver) refuse(w http.ResponseWriter, f refusal) {
	// Not the request's context: the sender's trace id would become an exemplar.
	r.telemetry.LokiReceiverRefusedRequests.Add(context.Background(), 1,
		metric.WithAttributeSet(attribute.NewSet(attribute.String("reason", f.reason))))
	if f.retry {
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(f.code)
	// An error means that the sender is gone.
	_, _ = fmt.Fprintln(w, f.text)
}

// undecoded: lokipush's errors say where and never what.
func undecoded(err error) refusal {
	switch {
	case errors.Is(err, lokipush.ErrTooLarge):
		return refusal{http.StatusRequestEntityTooLarge, "too_large", err.Error(), false}
	case errors.Is(err, lokipush.ErrUnsupported):
		return refusal{http.StatusUnsupportedMediaType, "unsupported", err.Error(), false}
	case errors.Is(err, lokipush.ErrRead):
		return refusal{http.StatusServiceUnavailable, "unread", err.Error() + ", send again", true}
	default:
		return refusal{http.StatusBadRequest, "malformed", err.Error(), false}
	}
}

// untaken says whether to send again. Whatever is not known to be final is
// worth another try.
func untaken(err error) refusal {
	permanent := refusal{http.StatusInternalServerError, "permanent", "the records cannot be processed", false}
	tooFast := refusal{http.StatusTooManyRequests, "retryable", "overloaded, send again", true}
	if consumererror.IsPermanent(err) {
		return permanent
	}
	if typed := new(consumererror.Error); errors.As(err, &typed) {
		switch {
		case consumererror.ToHTTPStatus(err) == http.StatusTooManyRequests:
			return tooFast
		case !typed.IsRetryable():
			return permanent
		}
	}
	if s, ok := status.FromError(err); ok && s.Code() == codes.ResourceExhausted {
		return tooFast
	}
	return refusal{http.StatusServiceUnavailable, "retryable", "cannot take the records now, send again", true}
}
