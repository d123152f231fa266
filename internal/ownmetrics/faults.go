package ownmetrics

import (
	"sync/atomic"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
)

// faults counts the errors of the SDK in this process. The SDK has one error
// handler for a process, so this is the one number that services share.
var faults atomic.Int64

// CountFaults sets the SDK's error handler to one that counts and does not
// look, and its logger to none. By default both write to the terminal, error
// texts and, at the debug level, whole collections: names and values of
// telemetry would end in a log.
func CountFaults() {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) { faults.Add(1) }))
	otel.SetLogger(logr.Discard())
}
