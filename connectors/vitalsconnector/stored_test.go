package vitalsconnector

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/weir-telemetry/weir/localstore/metricstore"
	"github.com/weir-telemetry/weir/vitals"
)

// What vitals says is asked for in PromQL: durations as native histograms,
// without le, and every request is in a rate, the first ones too.
func TestWhatIsEmittedAnswersInPromQL(t *testing.T) {
	store, err := metricstore.Open(t.TempDir(), metricstore.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	start := time.Now().Add(-time.Minute).Truncate(time.Second)
	v := vitals.New(vitals.Options{Start: start, OwnWithin: 20 * time.Second})
	for after := 10 * time.Second; after <= time.Minute; after += 10 * time.Second {
		at := start.Add(after)
		if after == 30*time.Second {
			for i := range 100 {
				td := oneSpan("api")
				span := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
				span.Attributes().PutStr("http.request.method", "GET")
				span.SetEndTimestamp(pcommon.NewTimestampFromTime(at))
				span.SetStartTimestamp(pcommon.NewTimestampFromTime(at.Add(-time.Duration(i+1) * 10 * time.Millisecond)))
				v.Traces(td, at)
			}
		}
		res, err := store.Append(t.Context(), v.Metrics(at))
		require.NoError(t, err)
		require.Zero(t, res.Rejected, "%v", res)
	}
	engine := promqltest.NewTestEngineWithOpts(t, promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute})
	for query, want := range map[string]float64{
		`histogram_quantile(0.5, sum by (service_name) (rate(http_server_request_duration_seconds[1m])))`:       0.5,
		`histogram_quantile(0.99, sum by (service_name) (rate(http_server_request_duration_seconds[1m])))`:      0.99,
		`histogram_fraction(0, 0.25, rate(http_server_request_duration_seconds[1m]))`:                           0.25,
		`histogram_count(http_server_request_duration_seconds)`:                                                 100,
		`sum(last_over_time(weir_service_requests_total[1m]) - min_over_time(weir_service_requests_total[1m]))`: 100,
	} {
		q, err := engine.NewInstantQuery(t.Context(), store, nil, query, start.Add(time.Minute))
		require.NoError(t, err)
		res := q.Exec(t.Context())
		require.NoError(t, res.Err, query)
		vector, err := res.Vector()
		require.NoError(t, err)
		require.Len(t, vector, 1, query)
		require.InEpsilon(t, want, vector[0].F, 0.05, query)
		q.Close()
	}
}
