package logql

import (
	"context"

	"github.com/weir-telemetry/weir/localstore/logstore"
)

// Source is what the engine reads from; [logstore.Store] is one.
type Source interface {
	// Iterate walks the selection in the order of time.
	Iterate(ctx context.Context, sel logstore.Selection) logstore.Iterator
	// Scan visits the selection in whatever order is fastest. The record is
	// valid during the call.
	Scan(ctx context.Context, sel logstore.Selection, visit func(*logstore.Record) error) error
}
