package vitalsconnector

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/weir-telemetry/weir/connectors/vitalsconnector/internal/metadatatest"
	"github.com/weir-telemetry/weir/internal/vfs"
)

func oneLogOf(service, version string) plog.Logs {
	ld := oneLog(service)
	ld.ResourceLogs().At(0).Resource().Attributes().PutStr("service.version", version)
	return ld
}

func oneMetric(service, name string) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", service)
	rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetName(name)
	return md
}

// run is one life of the process: what it is sent, and its last emission.
func run(t *testing.T, cfg *Config, batches ...plog.Logs) pmetric.Metrics {
	t.Helper()
	sink := &consumertest.MetricsSink{}
	p := newPair(t, settings(), cfg, sink)
	p.start(t)
	for _, ld := range batches {
		require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
	}
	p.stop(t)
	all := sink.AllMetrics()
	return all[len(all)-1]
}

func TestAVersionKnownBeforeTheRestartIsNoDeployAndANewOneIs(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Data = t.TempDir()
	require.EqualValues(t, 0, total(run(t, cfg, oneLogOf("api", "1.0.0")), "weir.service.deploys"))
	require.EqualValues(t, 0, total(run(t, cfg, oneLogOf("api", "1.0.0")), "weir.service.deploys"))
	require.EqualValues(t, 1, total(run(t, cfg, oneLogOf("api", "1.1.0")), "weir.service.deploys"))
	info, err := os.Stat(filepath.Join(cfg.Data, "vitals", "services.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestWithoutAFolderNothingIsKept(t *testing.T) {
	t.Chdir(t.TempDir())
	cfg := createDefaultConfig().(*Config)
	run(t, cfg, oneLogOf("api", "1.0.0"))
	require.EqualValues(t, 0, total(run(t, cfg, oneLogOf("api", "1.1.0")), "weir.service.deploys"))
	left, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestAFileThatCannotBeReadIsSaidOnceAndReplaced(t *testing.T) {
	for what, spoil := range map[string]func(t *testing.T, file string){
		"torn": func(t *testing.T, file string) {
			require.NoError(t, os.WriteFile(file, []byte(`{"format":1,"serv`), 0o600))
		},
		"large": func(t *testing.T, file string) { require.NoError(t, os.Truncate(file, 1<<30)) },
		"folder": func(t *testing.T, file string) {
			require.NoError(t, os.Remove(file))
			require.NoError(t, os.Mkdir(file, 0o700))
		},
	} {
		t.Run(what, func(t *testing.T) {
			cfg := createDefaultConfig().(*Config)
			cfg.Data = t.TempDir()
			run(t, cfg, oneLogOf("api", "1.0.0"))
			file := filepath.Join(cfg.Data, "vitals", "services.json")
			spoil(t, file)
			tel := componenttest.NewTelemetry()
			defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
			set := metadatatest.NewSettings(tel)
			core, logged := observer.New(zap.WarnLevel)
			set.Logger = zap.New(core)
			p := newPair(t, set, cfg, &consumertest.MetricsSink{})
			p.start(t)
			require.NoError(t, p.logs.ConsumeLogs(t.Context(), oneLogOf("api", "2.0.0")))
			require.Equal(t, 1, logged.Len())
			metadatatest.AssertEqualVitalsStateFailures(t, tel, []metricdata.DataPoint[int64]{{Value: 1}}, metricdatatest.IgnoreTimestamp())
			p.stop(t)
			if what == "folder" { // nothing can be written there; it is said once more
				require.Equal(t, 2, logged.Len())
				return
			}
			require.EqualValues(t, 1, total(run(t, cfg, oneLogOf("api", "2.1.0")), "weir.service.deploys"))
		})
	}
}

// A kill finds what was known a minute before, and a full disk is said once.
func TestNamesAreKeptEachMinute(t *testing.T) {
	core, logged := observer.New(zap.WarnLevel)
	set := settings()
	set.Logger = zap.New(core)
	cfg := createDefaultConfig().(*Config)
	cfg.Data = "data"
	files := vfs.NewMem()
	p := newPair(t, set, cfg, &consumertest.MetricsSink{})
	e := p.logs.(*logsToMetrics).emitter
	now := time.Unix(1_700_000_000, 0)
	e.memory.files = files
	e.now = func() time.Time { return now }
	file := e.memoryFile()
	writes := 0
	full := false
	files.Inject = func(op vfs.Op) error {
		if full && op.Kind == vfs.OpWrite {
			return errors.New("no space left on device")
		}
		if op.Kind == vfs.OpRename && op.After {
			writes++
		}
		return nil
	}
	tick := func(after time.Duration) {
		now = now.Add(after)
		e.keep(t.Context(), keepEvery)
	}
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), oneLogOf("api", "1.0.0")))
	tick(0)
	require.Equal(t, 1, writes)
	tick(30 * time.Second)
	require.Equal(t, 1, writes, "too early")
	tick(time.Minute)
	require.Equal(t, 1, writes, "nothing has changed")
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), oneLogOf("api", "1.1.0")))
	full = true
	tick(time.Minute)
	tick(time.Minute)
	require.Equal(t, 1, logged.Len())
	full = false
	tick(-time.Hour)
	require.Equal(t, 2, writes, "a clock that stepped back")
	data, err := vfs.ReadFile(files, file)
	require.NoError(t, err)
	require.Contains(t, string(data), "1.1.0")
}

// What a service measures itself is not derived from its spans as well.
func TestTheDerivedSeriesMakesWayForTheServicesOwn(t *testing.T) {
	sink := &consumertest.MetricsSink{}
	cfg := createDefaultConfig().(*Config)
	cfg.OwnMetricsWithin = 0
	set := settings()
	f := NewFactory()
	own, err := f.CreateMetricsToMetrics(t.Context(), set, cfg, sink)
	require.NoError(t, err)
	require.False(t, own.Capabilities().MutatesData)
	p := pairOf(t, f, set, cfg, sink)
	require.NoError(t, own.Start(t.Context(), componenttest.NewNopHost()))
	p.start(t)
	span := oneSpan("api")
	span.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().PutStr("http.request.method", "GET")
	names := func() map[string]bool {
		before := len(sink.AllMetrics())
		p.tick <- time.Time{}
		require.Eventually(t, func() bool { return len(sink.AllMetrics()) > before }, 5*time.Second, time.Millisecond)
		all := map[string]bool{}
		for _, m := range sink.AllMetrics()[before].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
			all[m.Name()] = true
		}
		return all
	}
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), span))
	require.Contains(t, names(), "http.server.request.duration")
	require.NoError(t, own.ConsumeMetrics(t.Context(), oneMetric("api", "http.server.request.duration")))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), span))
	require.NotContains(t, names(), "http.server.request.duration")
	p.stop(t)
	require.NoError(t, own.Shutdown(t.Context()))
}
