package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/localstore/api"
	"github.com/weir-telemetry/weir/localstore/metricstore"
)

// servePrometheus serves a store with ten samples of requests_total, 15 s
// apart until end, for three services.
func servePrometheus(t *testing.T, o api.PrometheusOptions) (base string, end time.Time) {
	t.Helper()
	ms, err := metricstore.Open(t.TempDir(), metricstore.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ms.Close()) })
	end = time.Now().Truncate(time.Minute)
	for i := range 10 {
		md := pmetric.NewMetrics()
		for k, name := range []string{"api", "web", "db"} {
			rm := md.ResourceMetrics().AppendEmpty()
			rm.Resource().Attributes().PutStr("service.name", name)
			m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
			m.SetName("requests")
			m.SetUnit("{request}")
			m.SetDescription("how often")
			sum := m.SetEmptySum()
			sum.SetIsMonotonic(true)
			sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			p := sum.DataPoints().AppendEmpty()
			p.SetTimestamp(pcommon.NewTimestampFromTime(end.Add(time.Duration(i-9) * 15 * time.Second)))
			p.SetDoubleValue(float64(15 * i * (k + 1)))
			e := p.Exemplars().AppendEmpty()
			e.SetTimestamp(p.Timestamp())
			e.SetDoubleValue(1)
			e.SetTraceID([16]byte{1, byte(i)})
		}
		res, err := ms.Append(t.Context(), md)
		require.NoError(t, err)
		require.Empty(t, res.Rejected)
	}
	srv := httptest.NewServer(api.Prometheus(ms, o))
	t.Cleanup(srv.Close)
	return srv.URL + "/api/v1/", end
}

func ask(t *testing.T, method, base, path string, form url.Values) (int, string) {
	t.Helper()
	var resp *http.Response
	var err error
	if method == http.MethodPost {
		resp, err = http.PostForm(base+path, form)
	} else {
		req, rerr := http.NewRequestWithContext(t.Context(), method, base+path+"?"+form.Encode(), nil)
		require.NoError(t, rerr)
		resp, err = http.DefaultClient.Do(req)
	}
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestPrometheusAnswersWhatGrafanaAsks(t *testing.T) {
	base, end := servePrometheus(t, api.PrometheusOptions{Revision: "weir-1"})
	at := fmt.Sprint(end.Unix())
	start := fmt.Sprint(end.Add(-30 * time.Second).Unix())
	values := fmt.Sprintf(`"values":[[%s,"3"],[%d,"3"],[%s,"3"]]`, start, end.Unix()-15, at)
	for _, c := range []struct {
		path string
		form url.Values
		want string
	}{
		{"query", url.Values{"query": {"1+1"}, "time": {at}}, `{"status":"success","data":{"resultType":"scalar","result":[` + at + `,"2"]}}`},
		{"query", url.Values{"query": {`round(sum(rate(requests_total[1m])), 0.001)`}, "time": {at}},
			`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[` + at + `,"6"]}]}}`},
		{"query_range", url.Values{"query": {`round(rate(requests_total{service_name="db"}[1m]), 0.001)`}, "start": {start}, "end": {at}, "step": {"15"}},
			`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"db","service_name":"db"},` + values + `}]}}`},
		{"labels", url.Values{"match[]": {"requests_total"}}, `{"status":"success","data":["__name__","job","service_name"]}`},
		{"series", url.Values{"match[]": {`requests_total{job=~"a.*"}`}},
			`{"status":"success","data":[{"__name__":"requests_total","job":"api","service_name":"api"}]}`},
		{"format_query", url.Values{"query": {"a+b"}}, `{"status":"success","data":"a + b"}`},
	} {
		for _, method := range []string{"GET", "POST"} {
			code, body := ask(t, method, base, c.path, c.form)
			require.Equal(t, 200, code, body)
			require.JSONEq(t, c.want, body, "%s %s", method, c.path)
		}
	}
	for path, want := range map[string]string{
		"label/service_name/values": `{"status":"success","data":["api","db","web"]}`,
		"label/__name__/values":     `{"status":"success","data":["requests_total"]}`,
		"rules":                     `{"status":"success","data":{"groups":[]}}`,
		"alerts":                    `{"status":"success","data":{"alerts":[]}}`,
		"metadata":                  `{"status":"success","data":{"requests_total":[{"type":"counter","unit":"","help":"how often"}]}}`,
		"metadata?metric=other":     `{"status":"success","data":{}}`,
		"metadata?limit=0":          `{"status":"success","data":{}}`,
	} {
		resp, err := http.Get(base + path)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		require.JSONEq(t, want, string(body), path)
	}
}

func TestPrometheusStatusPages(t *testing.T) {
	base, end := servePrometheus(t, api.PrometheusOptions{Revision: "weir-1"})
	get := func(path string, form url.Values, into any) {
		code, body := ask(t, "GET", base, path, form)
		require.Equal(t, 200, code, body)
		require.NoError(t, json.Unmarshal([]byte(body), &struct{ Data any }{into}))
	}
	var build struct{ Version, Revision string }
	get("status/buildinfo", nil, &build)
	require.Regexp(t, `^3\.\d+\.\d+$`, build.Version, "Grafana reads a Prometheus version here")
	require.Equal(t, "weir-1", build.Revision)

	var run struct{ StorageRetention, CWD, Hostname string }
	get("status/runtimeinfo", nil, &run)
	require.Equal(t, "360h0m0s", run.StorageRetention)
	require.Empty(t, run.CWD+run.Hostname)

	var db struct {
		HeadStats               struct{ NumSeries int }
		SeriesCountByMetricName []struct {
			Name  string
			Value int
		}
	}
	get("status/tsdb", nil, &db)
	require.Equal(t, 3, db.HeadStats.NumSeries)
	require.Equal(t, "requests_total", db.SeriesCountByMetricName[0].Name)

	var exemplars []struct {
		Exemplars []struct{ Labels map[string]string }
	}
	get("query_exemplars", url.Values{"query": {`requests_total{job="web"}`}, "start": {fmt.Sprint(end.Unix() - 600)}, "end": {fmt.Sprint(end.Unix())}}, &exemplars)
	require.Len(t, exemplars, 1)
	require.Len(t, exemplars[0].Exemplars, 10)

	var tree struct{ Type string }
	get("parse_query", url.Values{"query": {"sum(a)"}}, &tree)
	require.Equal(t, "aggregation", tree.Type)
}

func TestPrometheusErrorsAreAsPrometheusWritesThem(t *testing.T) {
	base, _ := servePrometheus(t, api.PrometheusOptions{MaxSamples: 5})
	for _, c := range []struct {
		path, query, errorType, text string
		code                         int
	}{
		{"query", "sum(", "bad_data", "parse error", 400},
		{"query", "requests_total[5m]", "execution", "too many samples", 422},
		{"metadata?limit=x", "", "bad_data", "must be a number", 400},
	} {
		sep := "?"
		if strings.Contains(c.path, "?") {
			sep = "&"
		}
		resp, err := http.Get(base + c.path + sep + "query=" + url.QueryEscape(c.query))
		require.NoError(t, err)
		var body struct{ Status, ErrorType, Error string }
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&body))
		resp.Body.Close()
		require.Equal(t, c.code, resp.StatusCode, body)
		require.Equal(t, "error", body.Status)
		require.Equal(t, c.errorType, body.ErrorType)
		require.Contains(t, body.Error, c.text)
	}
}

func TestPrometheusServesNothingElse(t *testing.T) {
	base, _ := servePrometheus(t, api.PrometheusOptions{})
	for _, c := range []string{
		"POST read", "POST write", "POST otlp/v1/metrics", "GET status/config", "GET status/flags", "GET status/walreplay",
		"DELETE series", "POST admin/tsdb/delete_series", "PUT admin/tsdb/snapshot", "POST admin/tsdb/clean_tombstones",
		"GET targets", "GET targets/metadata", "GET scrape_pools", "GET alertmanagers", "GET notifications", "GET notifications/live",
		"GET features", "GET openapi.yaml", "GET ../../debug/pprof/", "OPTIONS query",
	} {
		method, path, _ := strings.Cut(c, " ")
		code, body := ask(t, method, base, path, nil)
		require.Contains(t, []int{404, 405}, code, "%s: %s", c, body)
	}
}

func TestPrometheusLetsNoOtherOriginRead(t *testing.T) {
	base, _ := servePrometheus(t, api.PrometheusOptions{})
	req, err := http.NewRequest("GET", base+"query?query=1", nil)
	require.NoError(t, err)
	req.Header.Set("Origin", "https://evil.example")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Empty(t, resp.Header.Get("Access-Control-Allow-Origin"))
}
