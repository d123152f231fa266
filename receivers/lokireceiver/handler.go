package lokireceiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
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

// endpoint is one of the ways in: a protocol's way to read a request and to
// answer it.
type endpoint struct {
	decode func(*http.Request, lokipush.Limits) (plog.Logs, error)
	taken  func(http.ResponseWriter, *http.Request)
	refuse func(http.ResponseWriter, *http.Request, refusal)
}

// pushEndpoint is Loki's push API.
var pushEndpoint = endpoint{
	decode: func(req *http.Request, limits lokipush.Limits) (plog.Logs, error) {
		streams, err := lokipush.Decode(req.Header.Get("Content-Type"), req.Header.Get("Content-Encoding"), req.Body, limits)
		if err != nil {
			return plog.Logs{}, err
		}
		return toLogs(streams), nil
	},
	taken: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	refuse: func(w http.ResponseWriter, _ *http.Request, f refusal) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(f.code)
		// An error means that the sender is gone.
		_, _ = fmt.Fprintln(w, f.text)
	},
}

// handler serves an endpoint.
func (r *lokiReceiver) handler(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if f := r.take(e, w, req); f != nil {
			r.count(*f)
			if f.retry {
				w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
			}
			e.refuse(w, req, *f)
			return
		}
		e.taken(w, req)
	})
}

// take hands one request to the pipeline, or says why not.
func (r *lokiReceiver) take(e endpoint, w http.ResponseWriter, req *http.Request) *refusal {
	if !r.enter() {
		return &stopping
	}
	defer r.inFlight.Done()
	if !r.slot(req) {
		return &busy
	}
	defer func() { <-r.slots }()

	// Not every listener can; those that cannot have limits of their own.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readFor))
	ld, err := e.decode(req, lokipush.Limits(r.cfg.Limits))
	if err != nil {
		return undecoded(err)
	}
	n := ld.LogRecordCount()
	if n == 0 {
		return nil
	}
	ctx := r.obs.StartLogsOp(req.Context())
	err = r.next.ConsumeLogs(ctx, ld)
	if err != nil {
		r.obs.EndLogsOp(ctx, format, n, errRefused)
		return untaken(err)
	}
	r.obs.EndLogsOp(ctx, format, n, nil)
	return nil
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

func (r *lokiReceiver) count(f refusal) {
	// Not the request's context: the sender's trace id would become an exemplar.
	r.telemetry.LokiReceiverRefusedRequests.Add(context.Background(), 1,
		metric.WithAttributeSet(attribute.NewSet(attribute.String("reason", f.reason))))
}

// undecoded: lokipush's errors say where and never what.
func undecoded(err error) *refusal {
	switch {
	case errors.Is(err, lokipush.ErrTooLarge):
		return &refusal{http.StatusRequestEntityTooLarge, "too_large", err.Error(), false}
	case errors.Is(err, lokipush.ErrUnsupported):
		return &refusal{http.StatusUnsupportedMediaType, "unsupported", err.Error(), false}
	case errors.Is(err, lokipush.ErrRead):
		return &refusal{http.StatusServiceUnavailable, "unread", err.Error() + ", send again", true}
	default:
		return &refusal{http.StatusBadRequest, "malformed", err.Error(), false}
	}
}

// untaken says whether to send again. Whatever is not known to be final is
// worth another try.
func untaken(err error) *refusal {
	permanent := &refusal{http.StatusInternalServerError, "permanent", "the records cannot be processed", false}
	tooFast := &refusal{http.StatusTooManyRequests, "retryable", "overloaded, send again", true}
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
	return &refusal{http.StatusServiceUnavailable, "retryable", "cannot take the records now, send again", true}
}
