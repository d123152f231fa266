package localstoreextension

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/exporters/localstoreexporter"
)

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

// ask decodes the data of an answer of either API.
func ask(t *testing.T, base, path string, form url.Values, into any) {
	t.Helper()
	resp, err := http.Get(base + path + "?" + form.Encode())
	require.NoError(t, err)
	defer resp.Body.Close()
	var body struct {
		Status string
		Data   json.RawMessage
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&body), path)
	require.Equal(t, "success", body.Status, path)
	require.NoError(t, json.Unmarshal(body.Data, into))
}

// What the exporter acknowledged is answered over HTTP, from several senders
// at once, and again after a restart.
func TestWhatTheExporterTookIsAnsweredByBothAPIs(t *testing.T) {
	cfg := testConfig(t)
	l := started(t, nop(), cfg)
	h := host{component.MustNewID("local_store"): l}
	f := localstoreexporter.NewFactory()
	metrics, err := f.CreateMetrics(t.Context(), exportertest.NewNopSettings(f.Type()), f.CreateDefaultConfig())
	require.NoError(t, err)
	logs, err := f.CreateLogs(t.Context(), exportertest.NewNopSettings(f.Type()), f.CreateDefaultConfig())
	require.NoError(t, err)
	require.NoError(t, metrics.Start(t.Context(), h))
	require.NoError(t, logs.Start(t.Context(), h))

	const senders, each = 4, 25
	end := time.Now().Truncate(time.Second)
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				at := pcommon.NewTimestampFromTime(end.Add(time.Duration(i-each) * time.Second))
				md := pmetric.NewMetrics()
				rm := md.ResourceMetrics().AppendEmpty()
				rm.Resource().Attributes().PutStr("service.name", fmt.Sprint("s", s))
				m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
				m.SetName("jobs")
				sum := m.SetEmptySum()
				sum.SetIsMonotonic(true)
				sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
				p := sum.DataPoints().AppendEmpty()
				p.SetTimestamp(at)
				p.SetIntValue(2)
				if err := metrics.ConsumeMetrics(context.Background(), md); err != nil {
					t.Error(err)
				}

				ld := plog.NewLogs()
				rl := ld.ResourceLogs().AppendEmpty()
				rl.Resource().Attributes().PutStr("service.name", fmt.Sprint("s", s))
				r := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
				r.SetTimestamp(at)
				r.Body().SetStr(fmt.Sprintf(`{"n":%d}`, i))
				r.Attributes().PutStr("user", "ann")
				if err := logs.ConsumeLogs(context.Background(), ld); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()

	check := func(base string) {
		var vector struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
		ask(t, base, "/api/v1/query", url.Values{"query": {"sum by (service_name) (jobs_total)"}, "time": {fmt.Sprint(end.Unix())}}, &vector)
		require.Len(t, vector.Result, senders)
		for _, r := range vector.Result {
			require.Equal(t, fmt.Sprint(2*each), r.Value[1], r.Metric)
		}

		var streams struct {
			Result []struct {
				Stream map[string]string
				Values [][2]string
			}
		}
		ask(t, base, "/loki/api/v1/query_range", url.Values{
			"query": {`{service_name="s1"} |= "{\"n\":24}"`}, "start": {fmt.Sprint(end.Add(-time.Hour).UnixNano())}, "end": {fmt.Sprint(end.UnixNano())},
		}, &streams)
		require.Len(t, streams.Result, 1)
		require.Len(t, streams.Result[0].Values, 1)
		require.Equal(t, fmt.Sprint(end.Add(-time.Second).UnixNano()), streams.Result[0].Values[0][0])
		require.Equal(t, `{"n":24}`, streams.Result[0].Values[0][1])
		require.Equal(t, "ann", streams.Result[0].Stream["user"])

		ask(t, base, "/loki/api/v1/query", url.Values{
			"query": {`sum(count_over_time({service_name=~"s.*"} | json | n >= 0 [1h]))`}, "time": {fmt.Sprint(end.UnixNano())},
		}, &vector)
		require.Equal(t, fmt.Sprint(senders*each), vector.Result[0].Value[1])
		var names []string
		ask(t, base, "/loki/api/v1/label/service_name/values", nil, &names)
		require.Equal(t, []string{"s0", "s1", "s2", "s3"}, names)
	}
	check(l.url())

	require.NoError(t, metrics.Shutdown(t.Context()))
	require.NoError(t, logs.Shutdown(t.Context()))
	require.NoError(t, l.Shutdown(t.Context()))
	check(started(t, nop(), cfg).url())
}
