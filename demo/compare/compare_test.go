package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/demo/canary"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// answers is a Weir that answers known queries with known results, and every
// other query with an empty vector.
type answers map[string]string

func (a answers) serve(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		checkQuery(t, r)
		data := `{"resultType":"vector","result":[]}`
		if r.URL.Path == "/api/v1/series" {
			data = `[]`
		}
		if known, ok := a[r.URL.Path]; ok {
			data = known
		}
		if known, ok := a[r.FormValue("query")]; ok {
			data = known
		}
		_, _ = io.WriteString(w, `{"status":"success","data":`+data+`}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// checkQuery holds what is asked against the two languages: a fake that takes
// everything would hide a query that no Weir takes.
func checkQuery(t *testing.T, r *http.Request) {
	var err error
	switch query := r.FormValue("query"); r.URL.Path {
	case "/api/v1/query":
		_, err = parser.ParseExpr(query)
	case "/loki/api/v1/query", "/loki/api/v1/query_range":
		_, err = syntax.Parse(query)
	case "/api/v1/series":
		_, err = parser.ParseMetricSelector(r.FormValue("match[]"))
	default:
		t.Errorf("asked for %s", r.URL.Path)
	}
	if err != nil {
		t.Errorf("%s: %v", r.URL, err)
	}
}

// vec is a vector of one sample.
func vec(value string, labels ...string) string {
	m := map[string]string{}
	for i := 0; i+1 < len(labels); i += 2 {
		m[labels[i]] = labels[i+1]
	}
	text, _ := json.Marshal(m)
	return `{"resultType":"vector","result":[{"metric":` + string(text) + `,"value":[1700000000,"` + value + `"]}]}`
}

func edgeAnswers() answers {
	return answers{
		`sum(count_over_time({service_name=~".+"}[1h]))`:        vec("12345"),
		`count({__name__=~".+"})`:                               vec("678"),
		`sum(weir_service_requests_total)`:                      vec("900"),
		`count by (service_name) (weir_service_requests_total)`: vec("1", "service_name", "frontend"),
		"/loki/api/v1/query_range": `{"resultType":"streams","result":[{"stream":{},"values":[["1700000000000000000",` +
			`"mail=` + canary.Mail + `\ttoken=x"]]}]}`,
	}
}

func fleetAnswers() answers {
	return answers{
		`weir_heartbeat_total`:                                                      vec("7", "weir_install_id", "5f0c0b9e-0000-4000-8000-000000000001", "service_version", "0.1.0"),
		`max(weir_fleet_last_report_seconds)`:                                       vec("1700000000"),
		`max(weir_fleet_report_sequence)`:                                           vec("3"),
		`weir_service_version > 0`:                                                  vec("1", "service_name", "frontend", "service_version", "1.4.2"),
		`sum by (http_response_status_class) (weir_service_requests_total) > 0`:     vec("1234", "http_response_status_class", "2xx"),
		`sum(weir_service_errors_total) / sum(weir_service_requests_total)`:         vec("0.031"),
		`1 - sum by (weir_install_id) (system_cpu_utilization_ratio{state="idle"})`: vec("0.125"),
		"/api/v1/series": `[{"__name__":"weir_heartbeat_total","weir_install_id":"5f0c0b9e-0000-4000-8000-000000000001"}]`,
	}
}

// writeLedger makes an edge's data folder with one report.
func writeLedger(t *testing.T, body []byte) string {
	data := t.TempDir()
	l, err := ledger.Open(vfs.OS, filepath.Join(data, "ledger"), ledger.Options{Install: "5f0c0b9e-0000-4000-8000-000000000001"})
	require.NoError(t, err)
	policy := [32]byte{1}
	_, err = l.Append(ledger.Record{Kind: ledger.KindAcceptance, PolicyDigest: policy, Body: []byte("{}")})
	require.NoError(t, err)
	_, err = l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: 1, PolicyDigest: policy, Destination: "http://127.0.0.1:4418", Body: body})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return data
}

func TestItShowsWhatStayedAndWhatIsKnown(t *testing.T) {
	data := writeLedger(t, make([]byte, 2048))
	var out, errs bytes.Buffer
	err := run(context.Background(), []string{"-edge", edgeAnswers().serve(t), "-fleet", fleetAnswers().serve(t), "-data", data, "-wait-reports", "3"}, &out, &errs)
	require.NoError(t, err)
	for _, part := range []string{
		"12 345", "678", "frontend", "mail=" + canary.Mail + " token=x", "of 900 requests",
		"5f0c0b9e-0000-4000-8000-000000000001", "0.1.0", "7, the last", "frontend 1.4.2", "2xx 1 234", "3.1 %", "12.5 %", "not reported",
		"2 048 bytes a report, reports so far: 1", "http://127.0.0.1:4418, and nowhere else", "verified, root",
		"none of them in the fleet's 1 series, none in the bytes that left",
	} {
		require.Contains(t, strings.Join(strings.Fields(out.String()), " "), part)
	}
	require.Contains(t, errs.String(), "3 of 3")
}

func TestASecretAtTheFleetIsSaid(t *testing.T) {
	fleet := fleetAnswers()
	fleet["/api/v1/series"] = `[{"__name__":"x","customer":"` + canary.Mail + `"}]`
	var out bytes.Buffer
	err := run(context.Background(), []string{"-edge", edgeAnswers().serve(t), "-fleet", fleet.serve(t)}, &out, io.Discard)
	require.ErrorIs(t, err, errLeak)
	require.Contains(t, out.String(), "LEAKED")
}

func TestASecretInTheBytesThatLeftIsSaid(t *testing.T) {
	data := writeLedger(t, []byte("x"+base64.StdEncoding.EncodeToString([]byte("a "+canary.Token))))
	err := run(context.Background(), []string{"-edge", edgeAnswers().serve(t), "-fleet", fleetAnswers().serve(t), "-data", data}, io.Discard, io.Discard)
	require.ErrorIs(t, err, errLeak)
}

func TestReportsThatDoNotComeAreExplained(t *testing.T) {
	for name, c := range map[string]struct{ state, hint string }{
		"not accepted": {vec("1", "state", "unaccepted"), "the policy is unaccepted, so nothing leaves"},
		"active":       {vec("1", "state", "active"), "does its destination name the fleet's address?"},
	} {
		t.Run(name, func(t *testing.T) {
			edge := answers{`weir_policy_state == 1`: c.state, `sum(weir_upstream_pending_reports)`: vec("4")}
			fleet := answers{`max(weir_fleet_report_sequence)`: vec("2")}
			err := run(context.Background(), []string{"-edge", edge.serve(t), "-fleet", fleet.serve(t), "-wait-reports", "3", "-timeout", "10ms"}, io.Discard, io.Discard)
			require.ErrorContains(t, err, "2 of 3 reports")
			require.ErrorContains(t, err, c.hint)
			require.ErrorContains(t, err, "4 reports wait in the ledger")
		})
	}
	err := run(context.Background(), []string{"-edge", "http://127.0.0.1:1", "-fleet", "http://127.0.0.1:1", "-wait-reports", "3", "-timeout", "10ms"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "the edge does not answer")
	require.ErrorContains(t, err, "the fleet does not answer")
}

func TestAnAnswerThatIsNoneIsAnError(t *testing.T) {
	for _, data := range []string{`{"resultType":"matrix","result":[]}`, `{"resultType":"vector","result":[{"value":[1]}]}`,
		`{"resultType":"vector","result":[{"value":[1,"x"]}]}`, `"x"`} {
		_, err := vector(json.RawMessage(data))
		require.Error(t, err, data)
	}
	refused := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "starting", http.StatusServiceUnavailable) }))
	defer refused.Close()
	_, err := api{refused.URL}.metrics(context.Background(), "up")
	require.ErrorContains(t, err, "503")
	require.ErrorContains(t, err, "starting")
}

func TestColumnsKeepTheirWidthAndLoseNothing(t *testing.T) {
	long := strings.Repeat("ä", 70) + " and\nthen\x1b[31m some"
	text := sideBySide(60, "left", "right", []row{{"a", long}, {"bb", "x"}}, []row{{"c", "y"}})
	for _, line := range strings.Split(text, "\n") {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 60)
	}
	require.Equal(t, 70, strings.Count(text, "ä"))
	require.Contains(t, text, "some")
	require.NotContains(t, text, "\x1b", "a log line does not drive the terminal")
	require.Contains(t, text, "bb  x")
}

func TestNumbersAreReadable(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567", -1234: "-1 234"} {
		require.Equal(t, want, number(v))
	}
}
