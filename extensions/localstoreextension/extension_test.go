package localstoreextension

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/weir-telemetry/weir/extensions/localstoreextension/internal/metadatatest"
)

func testConfig(t *testing.T) *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.HTTP.NetAddr.Endpoint = "127.0.0.1:0"
	cfg.Data = filepath.Join(t.TempDir(), "data")
	return cfg
}

func newStore(t *testing.T, set extension.Settings, cfg *Config) *localStore {
	t.Helper()
	e, err := NewFactory().Create(t.Context(), set, cfg)
	require.NoError(t, err)
	return e.(*localStore)
}

// started is a store that runs and is ready until the test ends.
func started(t *testing.T, set extension.Settings, cfg *Config) *localStore {
	t.Helper()
	l := newStore(t, set, cfg)
	require.NoError(t, l.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, l.Shutdown(context.Background())) })
	require.NoError(t, l.Ready())
	return l
}

func nop() extension.Settings { return extensiontest.NewNopSettings(NewFactory().Type()) }

func (l *localStore) url() string { return "http://" + l.listener.Addr().String() }

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(body)
}

func someMetrics(at time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("temperature")
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(at))
	p.SetDoubleValue(21)
	return md
}

func someLogs(at time.Time, line string) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "shop")
	r := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.SetTimestamp(pcommon.NewTimestampFromTime(at))
	r.Body().SetStr(line)
	return ld
}

func TestReadyOnlyWhileThePipelinesRun(t *testing.T) {
	cfg := testConfig(t)
	l := newStore(t, nop(), cfg)
	require.NoError(t, l.Start(t.Context(), componenttest.NewNopHost()))
	url := l.url()
	expect := func(code int) {
		t.Helper()
		for _, path := range []string{"/ready", "/-/ready", "/api/v1/status/buildinfo"} {
			resp, body := get(t, url+path)
			require.Equal(t, code, resp.StatusCode, "%s: %s", path, body)
		}
		resp, _ := get(t, url+"/-/healthy")
		require.Equal(t, 200, resp.StatusCode)
	}
	expect(503)
	require.NoError(t, l.Ready())
	expect(200)
	_, body := get(t, url+"/ready")
	require.Equal(t, "ready\n", body)
	require.NoError(t, l.NotReady())
	expect(503)
	require.NoError(t, l.Shutdown(context.Background()))
	_, err := http.Get(url)
	require.Error(t, err)
	require.NoError(t, l.Shutdown(context.Background()), "shutting down twice is shutting down once")

	// The folder is free again, and a closed store takes nothing.
	require.ErrorIs(t, l.ConsumeMetrics(t.Context(), someMetrics(time.Now())), errNotOpen)
	require.ErrorIs(t, l.ConsumeLogs(t.Context(), someLogs(time.Now(), "x")), errNotOpen)
	started(t, nop(), cfg)
}

func TestProgressIsWhatReadySays(t *testing.T) {
	var s state
	s.progress("logs", 3, 10, "bytes")
	ready, why := s.now()
	require.False(t, ready)
	require.Equal(t, "reading the write-ahead log of logs again: 3 of 10 bytes", why)

	said := make(chan string, 10)
	stop := s.sayEvery(time.Millisecond, func(why string) { said <- why })
	require.Equal(t, why, <-said)
	stop()
	s.setReady(true)
	ready, _ = s.now()
	require.True(t, ready)
}

func TestStartFailsInOneLineThatSaysHowToMendIt(t *testing.T) {
	oneLine := func(t *testing.T, err error, parts ...string) {
		t.Helper()
		require.Error(t, err)
		for _, p := range append(parts, "WEIR_") {
			require.ErrorContains(t, err, p)
		}
		require.NotContains(t, err.Error(), "\n")
	}
	t.Run("port in use", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		cfg := testConfig(t)
		cfg.HTTP.NetAddr.Endpoint = ln.Addr().String()
		oneLine(t, newStore(t, nop(), cfg).Start(t.Context(), componenttest.NewNopHost()), "in use", ln.Addr().String(), "WEIR_LISTEN")
	})
	t.Run("folder in use", func(t *testing.T) {
		cfg := testConfig(t)
		started(t, nop(), cfg)
		again := *cfg
		l := newStore(t, nop(), &again)
		oneLine(t, l.Start(t.Context(), componenttest.NewNopHost()), "in use by another process", cfg.Data)
	})
	t.Run("logs in use, and the metrics are released again", func(t *testing.T) {
		cfg := testConfig(t)
		l := started(t, nop(), cfg)
		other := *cfg
		other.Data = filepath.Join(t.TempDir(), "other")
		require.NoError(t, os.Mkdir(other.Data, 0o700))
		require.NoError(t, os.Symlink(filepath.Join(cfg.Data, "logs"), filepath.Join(other.Data, "logs")))
		oneLine(t, newStore(t, nop(), &other).Start(t.Context(), componenttest.NewNopHost()), "in use by another process", other.Data)
		require.NoError(t, l.Shutdown(t.Context()))
		started(t, nop(), &other)
	})
	for name, cause := range map[string]error{"not ours": fs.ErrPermission, "read-only": syscall.EROFS, "full": syscall.ENOSPC} {
		t.Run(name, func(t *testing.T) {
			oneLine(t, explain("/srv/weir", &fs.PathError{Op: "open", Path: "/srv/weir/x", Err: cause}), "data folder /srv/weir", "make")
		})
	}
	t.Run("a file where the folder should be", func(t *testing.T) {
		cfg := testConfig(t)
		require.NoError(t, os.WriteFile(cfg.Data, nil, 0o600))
		err := newStore(t, nop(), cfg).Start(t.Context(), componenttest.NewNopHost())
		require.ErrorContains(t, err, cfg.Data)
	})
}

func TestAFailedStartLeavesThePortFree(t *testing.T) {
	cfg := testConfig(t)
	require.NoError(t, os.WriteFile(cfg.Data, nil, 0o600))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	cfg.HTTP.NetAddr.Endpoint = ln.Addr().String()
	require.NoError(t, ln.Close())
	require.Error(t, newStore(t, nop(), cfg).Start(t.Context(), componenttest.NewNopHost()))
	ln, err = net.Listen("tcp", cfg.HTTP.NetAddr.Endpoint)
	require.NoError(t, err)
	ln.Close()
}

func TestOtherNamesAreNotAnswered(t *testing.T) {
	l := started(t, nop(), testConfig(t))
	_, port, _ := net.SplitHostPort(l.listener.Addr().String())
	for host, code := range map[string]int{
		"localhost:" + port: 200, "127.0.0.1:" + port: 200, "[::1]:" + port: 200, "localhost": 200,
		"evil.example": 421, "evil.example:" + port: 421, "localhost.evil.example": 421,
	} {
		req, err := http.NewRequest("GET", l.url()+"/api/v1/status/buildinfo", nil)
		require.NoError(t, err)
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, code, resp.StatusCode, host)
	}
}

func TestMountedHandlersAreServedWithinTheLimits(t *testing.T) {
	cfg := testConfig(t)
	cfg.HTTP.MaxRequestBodySize = 1 << 20
	l := started(t, nop(), cfg)
	var got int
	var gotErr error
	require.NoError(t, l.Mount("POST /loki/api/v1/push", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body []byte
		body, gotErr = io.ReadAll(r.Body)
		got = len(body)
		w.WriteHeader(http.StatusNoContent)
	})))
	post := func(body []byte, header ...string) int {
		req, err := http.NewRequest("POST", l.url()+"/loki/api/v1/push", bytes.NewReader(body))
		require.NoError(t, err)
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	require.Equal(t, 204, post([]byte("hello")))
	require.Equal(t, 5, got)
	require.Equal(t, 403, post([]byte("hello"), "Origin", "https://evil.example"), "no other site's page may push")

	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := z.Write(make([]byte, 8<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.Equal(t, 204, post(bomb.Bytes(), "Content-Encoding", "gzip"))
	require.Equal(t, bomb.Len(), got, "who is mounted unpacks under limits of its own")
	post(make([]byte, 8<<20))
	require.Error(t, gotErr)
	require.LessOrEqual(t, got, 1<<20)

	for _, pattern := range []string{"POST /loki/api/v1/push", "no slash", "/api/v1/"} {
		require.ErrorContains(t, l.Mount(pattern, http.NotFoundHandler()), pattern)
	}
}

func TestWhatIsRefusedIsCountedAndTheRestIsStored(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	cfg := testConfig(t)
	cfg.Logs.MaxLineBytes = 10
	l := started(t, metadatatest.NewSettings(tel), cfg)
	now := time.Now()

	md := someMetrics(now)
	bad := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	bad.SetName("next year")
	bad.SetEmptyGauge().DataPoints().AppendEmpty().SetTimestamp(pcommon.NewTimestampFromTime(now.AddDate(1, 0, 0)))
	require.NoError(t, l.ConsumeMetrics(t.Context(), md))
	ld := someLogs(now, "fits")
	someLogs(now, "does not fit at all").ResourceLogs().MoveAndAppendTo(ld.ResourceLogs())
	require.NoError(t, l.ConsumeLogs(t.Context(), ld))

	count := func(signal, reason string) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: 1, Attributes: attribute.NewSet(
			attribute.String("signal", signal), attribute.String("reason", reason))}
	}
	same := metricdatatest.IgnoreTimestamp()
	metadatatest.AssertEqualLocalStoreRejected(t, tel, []metricdata.DataPoint[int64]{count("metrics", "too_far_ahead"), count("logs", "line_too_long")}, same)
	one := []metricdata.DataPoint[int64]{{Value: 1}}
	metadatatest.AssertEqualLocalStoreSeries(t, tel, one, same)
	metadatatest.AssertEqualLocalStoreSamples(t, tel, one, same)
	metadatatest.AssertEqualLocalStoreRecords(t, tel, one, same)
	metadatatest.AssertEqualLocalStoreStreams(t, tel, one, same)
	metadatatest.AssertEqualLocalStoreWalSyncFailures(t, tel, []metricdata.DataPoint[int64]{{Value: 0}}, same)
	m, err := tel.GetMetric("weir_local_store_disk")
	require.NoError(t, err)
	require.Len(t, m.Data.(metricdata.Gauge[int64]).DataPoints, 2)
	for _, p := range m.Data.(metricdata.Gauge[int64]).DataPoints {
		require.Positive(t, p.Value)
	}
	_, err = tel.GetMetric("weir_local_store_retained")
	require.NoError(t, err)
}

func TestACancelledSenderIsToldSo(t *testing.T) {
	l := started(t, nop(), testConfig(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.True(t, errors.Is(l.ConsumeMetrics(ctx, someMetrics(time.Now())), context.Canceled))
}

func TestARecordWithoutATimeIsStoredAtItsArrival(t *testing.T) {
	l := started(t, nop(), testConfig(t))
	require.NoError(t, l.ConsumeLogs(t.Context(), someLogs(time.Unix(0, 0), "no time")))
	require.Equal(t, int64(1), int64(l.stores.logs.Stats().Entries))
}
