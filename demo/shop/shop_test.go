package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/weir-telemetry/weir/demo/canary"
)

// sink is an OTLP/HTTP server that keeps what it is sent.
type sink struct {
	mu     sync.Mutex
	bodies map[string][][]byte // by path
}

func newSink(t *testing.T) *sink {
	s := &sink{bodies: map[string][][]byte{}}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bodies[r.URL.Path] = append(s.bodies[r.URL.Path], body)
	}))
	t.Cleanup(server.Close)
	t.Setenv(endpointVar, server.URL)
	return s
}

// version notes the version of a resource under its service's name.
func version(into map[string]string, r pcommon.Resource) string {
	name, _ := r.Attributes().Get("service.name")
	v, _ := r.Attributes().Get("service.version")
	into[name.AsString()] = v.AsString()
	return name.AsString()
}

func TestThreeServicesSendEverySignalAndNothingIsLostAtTheEnd(t *testing.T) {
	received := newSink(t)
	logs := t.TempDir()
	var out, errs bytes.Buffer
	// 100 requests are one whole cycle of the load, whatever the machine's speed.
	require.NoError(t, run(context.Background(), []string{"-rate", "100", "-duration", "1500ms", "-logs", logs}, &out, &errs))
	require.Empty(t, errs.String())
	var requests, failed int
	_, err := fmt.Sscanf(out.String()[strings.LastIndex(strings.TrimSpace(out.String()), "\n")+1:], "shop: %d requests, %d of them failed", &requests, &failed)
	require.NoError(t, err, out.String())
	require.Greater(t, requests, 20)

	// Traces: every request is one trace, and an order is one trace over all three.
	seen := map[string]string{}
	services := map[pcommon.TraceID]map[string]bool{}
	servers := 0
	for _, body := range received.bodies["/v1/traces"] {
		req := ptraceotlp.NewExportRequest()
		require.NoError(t, req.UnmarshalProto(body))
		for _, rs := range req.Traces().ResourceSpans().All() {
			service := version(seen, rs.Resource())
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					if services[span.TraceID()] == nil {
						services[span.TraceID()] = map[string]bool{}
					}
					services[span.TraceID()][service] = true
					if service == "frontend" && span.Kind() == ptrace.SpanKindServer {
						servers++
					}
				}
			}
		}
	}
	require.Equal(t, versions, seen, "services in traces")
	require.Equal(t, requests, servers, "a server span for each request, the last ones included")
	require.Equal(t, requests, len(services), "one trace for each request")
	widest := 0
	for _, s := range services {
		widest = max(widest, len(s))
	}
	require.Equal(t, 3, widest, "an order's trace goes through all three services")

	// Metrics.
	seen, names := map[string]string{}, map[string]bool{}
	for _, body := range received.bodies["/v1/metrics"] {
		req := pmetricotlp.NewExportRequest()
		require.NoError(t, req.UnmarshalProto(body))
		for _, rm := range req.Metrics().ResourceMetrics().All() {
			version(seen, rm.Resource())
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					names[m.Name()] = true
				}
			}
		}
	}
	require.Equal(t, versions, seen, "services in metrics")
	for _, name := range []string{"http.server.request.duration", "http.client.request.duration", "shop.orders", "shop.charge", "shop.last.card"} {
		require.True(t, names[name], "metric %s", name)
	}

	// Logs.
	seen = map[string]string{}
	records := 0
	for _, body := range received.bodies["/v1/logs"] {
		req := plogotlp.NewExportRequest()
		require.NoError(t, req.UnmarshalProto(body))
		for _, rl := range req.Logs().ResourceLogs().All() {
			service := version(seen, rl.Resource())
			for _, sl := range rl.ScopeLogs().All() {
				for _, r := range sl.LogRecords().All() {
					records++
					require.False(t, r.TraceID().IsEmpty(), "a record belongs to its trace")
					if service == "frontend" {
						require.True(t, json.Valid([]byte(r.Body().Str())), "frontend logs JSON")
					}
				}
			}
		}
	}
	require.Equal(t, versions, seen, "services in logs")
	require.GreaterOrEqual(t, records, requests)

	// Files.
	lines := readLines(t, filepath.Join(logs, "frontend.log"))
	require.Equal(t, requests, len(lines), "an access log line for each request")
	for _, line := range lines {
		require.True(t, json.Valid([]byte(line)), "frontend.log holds JSON lines")
	}
	plain := readLines(t, filepath.Join(logs, "payment.log"))
	require.NotEmpty(t, plain)
	require.Contains(t, plain[0], "[charge-3] card "+canary.Card)
}

func TestEveryCanaryIsInEverySignalThatCanCarryIt(t *testing.T) {
	received := newSink(t)
	require.NoError(t, run(context.Background(), []string{"-rate", "200", "-duration", "1s"}, io.Discard, io.Discard))
	whole := []byte{}
	for path, bodies := range received.bodies {
		data := bytes.Join(bodies, nil)
		require.Contains(t, canary.Find(data), canary.Mail, "the mail in %s", path)
		whole = append(whole, data...)
	}
	require.Len(t, received.bodies, 3, "three signals")
	found := canary.Find(whole)
	for _, c := range canary.All() {
		require.Contains(t, found, c)
	}
}

func TestFiveRequestsOfAHundredFailInEveryRun(t *testing.T) {
	kinds := map[request]int{}
	for n := range int64(100) {
		kinds[nth(n)]++
	}
	require.Equal(t, 2, kinds[request{"GET", "/product/unknown"}])
	require.Equal(t, 3, kinds[request{"POST", "/checkout?mood=declined"}])
	require.Equal(t, 2, kinds[request{"POST", "/checkout?mood=slow"}])

	newSink(t)
	s, err := open(context.Background(), "")
	require.NoError(t, err)
	failed := 0
	for n := range int64(100) {
		if nth(n).path == "/checkout?mood=slow" {
			continue // answered well, only later
		}
		if !send(http.DefaultClient, s.url, nth(n)) {
			failed++
		}
	}
	require.NoError(t, s.close())
	require.Equal(t, 5, failed)
}

func TestACollectorThatIsAwayDoesNotKeepTheShopFromStopping(t *testing.T) {
	t.Setenv(endpointVar, "http://127.0.0.1:1") // nothing listens there
	start := time.Now()
	err := run(context.Background(), []string{"-duration", "300ms"}, io.Discard, io.Discard)
	require.Error(t, err, "telemetry that could not be handed over is said")
	require.Less(t, time.Since(start), 2*flushTimeout)
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-rate", "0"}, {"-rate", "-1"}, {"-duration", "-1s"}, {"-colour"}} {
		require.Error(t, run(context.Background(), args, io.Discard, io.Discard), "%q", args)
	}
}

func TestAFullLogFileIsRenamedAndNoLineIsLost(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.log")
	f, err := openLogFile(name, 20)
	require.NoError(t, err)
	for i := range 5 {
		f.line(fmt.Sprintf("line %d of five", i)) // 15 bytes: two fill a file
	}
	require.NoError(t, f.close())
	require.Equal(t, []string{"line 2 of five", "line 3 of five"}, readLines(t, name+".1"))
	require.Equal(t, []string{"line 4 of five"}, readLines(t, name))
}

func readLines(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}
