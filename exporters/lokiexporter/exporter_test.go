package lokiexporter

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/xconfmap"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/weir-telemetry/weir/exporters/lokiexporter/internal/metadata"
	"github.com/weir-telemetry/weir/exporters/lokiexporter/internal/metadatatest"
	"github.com/weir-telemetry/weir/internal/lokipush"
	"github.com/weir-telemetry/weir/localstore/logstore"
	"github.com/weir-telemetry/weir/localstore/otlplogs"
)

// loki is a server that takes pushes as Loki does and answers as it is told.
type loki struct {
	*httptest.Server
	mu      sync.Mutex
	streams []logstore.Stream
	headers []http.Header
	paths   []string
	answers []func(http.ResponseWriter) // one a request; then 204
}

const canary = "customer@example.com"

func newLoki(t *testing.T, answers ...func(http.ResponseWriter)) *loki {
	l := &loki{answers: answers}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.headers = append(l.headers, r.Header)
		l.paths = append(l.paths, r.URL.Path)
		streams, err := lokipush.Decode(r.Header.Get("Content-Type"), r.Header.Get("Content-Encoding"), r.Body, lokipush.NewDefaultLimits())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if len(l.answers) > 0 {
			answer := l.answers[0]
			l.answers = l.answers[1:]
			answer(w)
			return
		}
		l.streams = append(l.streams, streams...)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *loki) got() []logstore.Stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.streams
}

func says(code int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		http.Error(w, "entry for stream "+canary+" rejected", code)
	}
}

func load(t *testing.T, yaml map[string]any) (*Config, error) {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(yaml).Unmarshal(cfg))
	return cfg, xconfmap.Validate(cfg)
}

func started(t *testing.T, set exporter.Settings, yaml map[string]any) exporter.Logs {
	t.Helper()
	cfg, err := load(t, yaml)
	require.NoError(t, err)
	e, err := NewFactory().CreateLogs(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, e.Shutdown(context.Background())) })
	return e
}

// direct has neither queue nor retry, so that each answer is seen.
func direct(url string) map[string]any {
	return map[string]any{"endpoint": url, "retry_on_failure": map[string]any{"enabled": false}, "sending_queue": map[string]any{"enabled": false}}
}

func settings() exporter.Settings { return exportertest.NewNopSettings(metadata.Type) }

func someLogs() plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "api")
	rl.Resource().Attributes().PutStr("host.name", "node-7")
	for i := range 2 {
		r := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		r.SetTimestamp(1_700_000_000_000_000_000)
		r.SetSeverityNumber(plog.SeverityNumberError)
		r.Body().SetStr(fmt.Sprintf("it broke: \"%d\" � é\n", i))
		r.Attributes().PutStr("user", canary)
	}
	return ld
}

func TestLokiGetsTheStreamsOfTheLocalStore(t *testing.T) {
	l := newLoki(t)
	yaml := direct(l.URL)
	yaml["tenant_id"] = "shop"
	yaml["headers"] = map[string]any{"X-Extra": "1"}
	e := started(t, settings(), yaml)
	require.False(t, e.Capabilities().MutatesData)
	ld := someLogs()
	ld.MarkReadOnly()
	require.NoError(t, e.ConsumeLogs(t.Context(), ld))
	require.Equal(t, fmt.Sprint(otlplogs.Streams(ld)), fmt.Sprint(l.got()))
	require.Len(t, l.got()[0].Entries, 2)
	h := l.headers[0]
	require.Equal(t, "shop", h.Get("X-Scope-OrgID"))
	require.Equal(t, "1", h.Get("X-Extra"))
	require.Equal(t, lokipush.ContentTypeProtobuf, h.Get("Content-Type"))
	require.Empty(t, h.Get("Content-Encoding"))
	require.Equal(t, []string{lokipush.Path}, l.paths)

	require.NoError(t, e.ConsumeLogs(t.Context(), plog.NewLogs()))
	require.Len(t, l.headers, 1, "nothing is pushed for nothing")
}

func TestAnswersDecideWhatIsTriedAgain(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
	for _, c := range []struct {
		code      int
		permanent bool
	}{{400, true}, {401, true}, {404, true}, {413, true}, {302, true}, {429, false}, {500, false}, {503, false}} {
		l := newLoki(t, says(c.code, "Location", "/elsewhere"))
		e := started(t, metadatatest.NewSettings(tel), direct(l.URL))
		err := e.ConsumeLogs(t.Context(), someLogs())
		require.ErrorContains(t, err, fmt.Sprintf("status %d", c.code))
		require.NotContains(t, err.Error(), canary)
		require.Equal(t, c.permanent, consumererror.IsPermanent(err), c.code)
		require.Len(t, l.paths, 1, "redirections are not followed")
	}
	var points []metricdata.DataPoint[int64]
	for _, code := range []int{400, 401, 404, 413, 302} {
		points = append(points, metricdata.DataPoint[int64]{Value: 2, Attributes: attribute.NewSet(attribute.Int("status", code))})
	}
	metadatatest.AssertEqualLokiExporterRefusedLogRecords(t, tel, points, metricdatatest.IgnoreTimestamp())
}

func TestTheQueueDeliversWhatLokiCouldNotTakeAtFirst(t *testing.T) {
	l := newLoki(t, says(503), says(429, "Retry-After", "1"), says(500))
	core, logged := observer.New(zap.DebugLevel)
	set := settings()
	set.Logger = zap.New(core)
	e := started(t, set, map[string]any{"endpoint": l.URL, "retry_on_failure": map[string]any{"initial_interval": "5ms", "max_interval": "5ms"}})
	begin := time.Now()
	require.NoError(t, e.ConsumeLogs(t.Context(), someLogs()))
	require.Eventually(t, func() bool { return len(l.got()) == 1 }, 20*time.Second, 5*time.Millisecond)
	require.GreaterOrEqual(t, time.Since(begin), time.Second, "Loki asked for a second")
	require.NotEmpty(t, logged.All())
	for _, entry := range logged.All() {
		require.NotContains(t, fmt.Sprint(entry.Message, entry.ContextMap()), canary)
	}
}

func TestNoAnswerIsNamedWithoutQuoting(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	refused := closed.Addr().String()
	require.NoError(t, closed.Close())

	garbage, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer garbage.Close()
	go func() {
		for {
			conn, err := garbage.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, canary+" is no HTTP\r\n\r\n")
			_ = conn.Close()
		}
	}()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer slow.Close()
	secret := httptest.NewTLSServer(http.NotFoundHandler())
	defer secret.Close()

	for url, want := range map[string]string{
		"http://user:" + canary + "@" + refused: "the connection is refused",
		"http://" + garbage.Addr().String():     "push to Loki: ",
		slow.URL:                                "timeout",
		secret.URL:                              "the certificate is not trusted",
	} {
		yaml := direct(url)
		yaml["timeout"] = "300ms"
		err := started(t, settings(), yaml).ConsumeLogs(t.Context(), someLogs())
		require.ErrorContains(t, err, want, url)
		require.False(t, consumererror.IsPermanent(err), url)
		require.NotContains(t, err.Error(), "customer", url)
	}
	err = unreachable(fmt.Errorf("dial: %w", &net.DNSError{Name: canary, Err: "no such host"}))
	require.EqualError(t, err, "push to Loki: the name of the host cannot be resolved")
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "99999999": maxWait, "99999999999999": 0,
		"Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second,
		"Fri, 02 Jan 2026 03:04:00 GMT": 0,
		"Sat, 02 Jan 2027 03:04:00 GMT": maxWait,
	} {
		require.Equal(t, want, parseRetryAfter(s, now), s)
	}
}

func TestConfigFaultsComeTogether(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()))
	_, err := load(t, map[string]any{"compression": "gzip", "tenant_id": "a\nb"})
	for _, want := range []string{"endpoint is missing", "compression is gzip", "tenant_id has more than one line"} {
		require.ErrorContains(t, err, want)
	}
	_, err = load(t, map[string]any{"endpoint": "ftp://user:" + canary + "@loki"})
	require.ErrorContains(t, err, "endpoint is no http or https address")
	require.NotContains(t, err.Error(), canary)
	for endpoint, want := range map[string]string{
		"http://loki:3100":                  "http://loki:3100/loki/api/v1/push",
		"http://loki:3100/":                 "http://loki:3100/loki/api/v1/push",
		"https://loki/prefix":               "https://loki/prefix/loki/api/v1/push",
		"https://loki/loki/api/v1/push":     "https://loki/loki/api/v1/push",
		"https://u:p@loki/loki/api/v1/push": "https://u:p@loki/loki/api/v1/push",
	} {
		got, err := pushURL(endpoint)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestShutdownBeforeStart(t *testing.T) {
	cfg, err := load(t, map[string]any{"endpoint": "http://127.0.0.1:1"})
	require.NoError(t, err)
	e, err := NewFactory().CreateLogs(t.Context(), settings(), cfg)
	require.NoError(t, err)
	require.NoError(t, e.Shutdown(t.Context()))
}
