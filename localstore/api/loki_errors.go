package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/weir-telemetry/weir/localstore/logql"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// statusClientClosed is what Loki, after nginx, answers to a client that is gone.
const statusClientClosed = 499

type requestError struct{ err error }

func (e *requestError) Error() string { return e.err.Error() }
func (e *requestError) Unwrap() error { return e.err }

func badRequest(err error) error { return &requestError{err} }

func badRequestf(format string, args ...any) error {
	return badRequest(fmt.Errorf(format, args...))
}

// formatError is a query that format_query cannot read. It alone is answered in
// JSON.
type formatError struct{ err error }

func (e *formatError) Error() string { return e.err.Error() }

// writeLokiError answers in plain text, as Loki does.
func writeLokiError(w http.ResponseWriter, err error) {
	if fault := new(formatError); errors.As(err, &fault) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(append(answer{}.json(map[string]string{"status": "invalid-query", "error": err.Error()}), '\n'))
		return
	}
	http.Error(w, err.Error(), lokiStatus(err))
}

func lokiStatus(err error) int {
	var bad *requestError
	var limit *logql.LimitError
	var pipeline *logql.PipelineError
	var eval *logql.EvalError
	switch {
	case syntax.IsError(err), errors.As(err, &bad), errors.As(err, &limit),
		errors.As(err, &pipeline), errors.As(err, &eval), errors.Is(err, logql.ErrInstantLog):
		return http.StatusBadRequest
	case errors.Is(err, logql.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.Is(err, context.Canceled):
		return statusClientClosed
	}
	return http.StatusInternalServerError
}
