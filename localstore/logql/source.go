package logql

import (
	"context"

	"github.com/weir-telemetry/weir/localstore/logstore"
)

// Source is what the engine reads from; [logstore.Store] is one.
type Source interface {
	// Iterate walks the selection in the order of time.
	Iterate(ctx context.Context, sel logstore.Selection) logstore.Iterator
	// ScanParts visits the selection in parts, on as many goroutines as there
	// are functions. Each function is used by one at a time and gets its parts
	// in increasing order; a part is visited by one of them, in the order of
	// time. The record is valid during the call. The error is that of the
	// lowest part that has one.
	ScanParts(ctx context.Context, sel logstore.Selection, visit ...func(part int, r *logstore.Record) error) error
}
