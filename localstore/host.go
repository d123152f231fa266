// Package localstore names what the local store offers to the rest of the
// collector: a place to put metrics and logs, and one HTTP listener that others
// may serve from.
//
// It holds the seam only. The stores are in metricstore and logstore, their
// query languages' HTTP interfaces in api; the local_store extension opens and
// owns them. Components find it by asking component.Host for its extensions
// and asserting [Host], so that none of them imports another.
package localstore

import (
	"context"
	"net/http"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Host is what a local store does for other components. It is safe for
// concurrent use.
type Host interface {
	// ConsumeMetrics stores a batch and does not change it. Points that the
	// store cannot take are counted by reason and left out; the others are
	// stored and the error is nil. An error means that nothing is promised
	// about any of them: unless it is permanent, send the same batch again.
	ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error

	// ConsumeLogs stores a batch and does not change it. On return without an
	// error every record that was not counted as rejected is on disk.
	ConsumeLogs(ctx context.Context, ld plog.Logs) error

	// Mount serves a handler on the store's listener, behind its
	// authentication and its limits. The pattern is http.ServeMux's, such as
	// "POST /loki/api/v1/push"; one that is taken, or that is more specific
	// in one way and less in another than a present one, is an error. Mount
	// from Start: requests wait at 503 until all pipelines are ready.
	// A handler stays until the store shuts down.
	Mount(pattern string, h http.Handler) error
}
