package localstoreextension

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// manyLogs is so many records within the last minute.
func manyLogs(n int) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "shop")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	now := time.Now()
	for i := range n {
		r := records.AppendEmpty()
		r.SetTimestamp(pcommon.NewTimestampFromTime(now.Add(time.Duration(i-n) * time.Minute / time.Duration(n))))
		r.Body().SetStr(fmt.Sprintf(`{"n":%d,"path":"/api/v1/orders/%d","took":"%dms"}`, i, i%1000, i%900))
	}
	return ld
}

// Each limit of the configuration is that of a query, and says so by its name.
func TestTheConfigurationBoundsAQuery(t *testing.T) {
	for _, c := range []struct {
		set   func(*QueryConfig)
		query string
		want  string
		code  int
	}{
		{func(*QueryConfig) {}, `count_over_time({service_name="shop"} | json [1m])`, "maximum number of series (500)", 400},
		{func(q *QueryConfig) { q.MaxSeries = 7 }, `sum by (n) (count_over_time({service_name="shop"} | json [1m]))`, "maximum number of series (7)", 400},
		{func(q *QueryConfig) { q.MaxEntries = 99 }, `{service_name="shop"}`, "max entries limit", 400},
		{func(q *QueryConfig) { q.MaxSteps = 30 }, `rate({service_name="shop"}[1m])`, "maximum resolution of 30 points", 400},
		{func(q *QueryConfig) { q.MaxLines = 999 }, `sum(rate({service_name="shop"} |= "nowhere" [1m]))`, "too many lines (limit: 999)", 400},
		{func(q *QueryConfig) { q.MaxBytes = 1 << 10 }, `sum(rate({service_name="shop"}[1m]))`, "too many bytes", 400},
		{func(q *QueryConfig) { q.MaxMemory = 100 << 10 }, `sum by (n) (rate({service_name="shop"} | json [1m]))`, "too much memory", 400},
		{func(q *QueryConfig) { q.Timeout = Duration(time.Microsecond) }, `sum(rate({service_name="shop"}[1m]))`, "timed out", 504},
	} {
		cfg := testConfig(t)
		c.set(&cfg.Logs.Query)
		l := started(t, nop(), cfg)
		require.NoError(t, l.ConsumeLogs(t.Context(), manyLogs(1000)))
		now := time.Now()
		resp, body := get(t, l.url()+"/loki/api/v1/query_range?"+url.Values{
			"query": {c.query}, "step": {"1"}, "limit": {"100"},
			"start": {fmt.Sprint(now.Add(-time.Minute).UnixNano())}, "end": {fmt.Sprint(now.UnixNano())},
		}.Encode())
		require.Equal(t, c.code, resp.StatusCode, "%s: %s", c.query, body)
		require.Contains(t, body, c.want, c.query)
	}
}

// reading says whether any goroutine reads logs for a query.
func reading(t *testing.T) bool {
	var stacks strings.Builder
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&stacks, 2))
	return strings.Contains(stacks.String(), "ScanParts")
}

// A client that hangs up ends the reading of its query, through all that
// stands between the connection and the store.
func TestNobodyReadsForAClientThatIsGone(t *testing.T) {
	l := started(t, nop(), testConfig(t))
	for range 4 {
		require.NoError(t, l.ConsumeLogs(t.Context(), manyLogs(20_000)))
	}
	// Each term reads anew: they take seconds together.
	terms := make([]string, 200)
	for i := range terms {
		terms[i] = fmt.Sprintf(`sum(count_over_time({service_name="shop"} | json | line_format "{{.took}} {{.path | upper}}" |~ "%d.*X" [5m]))`, i)
	}
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url()+"/loki/api/v1/query", strings.NewReader(url.Values{"query": {strings.Join(terms, " or ")}}.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	failed := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		failed <- err
	}()
	for !reading(t) {
		select {
		case err := <-failed:
			t.Fatalf("the query has ended before it was seen to read: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	hangUp()
	require.ErrorIs(t, <-failed, context.Canceled)
	gone := time.Now()
	// Between two terms nobody reads for a moment.
	for quiet := 0; quiet < 100; time.Sleep(time.Millisecond) {
		if quiet++; reading(t) {
			quiet = 0
			require.Less(t, time.Since(gone), time.Second, "the query is read for nobody")
		}
	}
}
