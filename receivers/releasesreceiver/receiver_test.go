package releasesreceiver

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/weir-telemetry/weir/fleet/registry"
	"github.com/weir-telemetry/weir/internal/vfs"
)

const catalogue = "version: 1\nproduct: shop\nreleases: [{version: 1.0.0}]\n"

func TestTheCatalogueIsSentAndReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write(catalogue)
	cfg := createDefaultConfig().(*Config)
	cfg.Files, cfg.Interval = []string{file, filepath.Join(t.TempDir(), "*.yaml")}, 20*time.Millisecond
	sink := &consumertest.MetricsSink{}
	core, logs := observer.New(zap.ErrorLevel)
	set := receivertest.NewNopSettings(NewFactory().Type())
	set.Logger = zap.New(core)
	r, err := NewFactory().CreateMetrics(t.Context(), set, cfg, sink)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	points := func() int {
		all := sink.AllMetrics()
		if len(all) == 0 {
			return 0
		}
		return all[len(all)-1].DataPointCount()
	}
	require.Eventually(t, func() bool { return points() == 3 }, 5*time.Second, 5*time.Millisecond) // info, order, covers
	write(catalogue + "services: [a, b]\n")
	require.Eventually(t, func() bool { return points() == 6 }, 5*time.Second, 5*time.Millisecond)
	write(catalogue + "service: [a]\n")
	require.Eventually(t, func() bool { return logs.Len() == 1 }, 5*time.Second, 5*time.Millisecond)
	before := len(sink.AllMetrics())
	require.Eventually(t, func() bool { return len(sink.AllMetrics()) > before+2 }, 5*time.Second, 5*time.Millisecond)
	require.Equal(t, 6, points(), "the catalogue from before goes on")
	require.Equal(t, 1, logs.Len(), "a fault is said once")
	require.Contains(t, logs.All()[0].ContextMap()["error"], "shop.yaml:4:1: ")
	require.NoError(t, r.Shutdown(context.Background()))
}

func TestFaultsOfCataloguesAreSaidAtOnce(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a": catalogue, "b": catalogue, "c": "version: 1\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600))
	}
	cfg := &Config{Files: []string{filepath.Join(dir, "*.yaml"), "["}}
	err := cfg.Validate()
	require.Error(t, err)
	for _, want := range []string{"interval is 0s", `b.yaml: the service "" is in `, "c.yaml:1:1: the catalogue has no product", `"[" is no pattern`} {
		require.ErrorContains(t, err, want)
	}
}

func TestWhoseAnInstallIsComesFromTheSharedFolder(t *testing.T) {
	const id = "0194f3c2-5a31-4d2b-9c1e-1234567890ab"
	cfg := createDefaultConfig().(*Config)
	cfg.State = filepath.Join(t.TempDir(), "state")
	list, err := cfg.installs()
	require.NoError(t, err, "a folder that is not there is a fleet without installs")
	require.Empty(t, list)

	reg := registry.Registry{FS: vfs.OS, Dir: cfg.State}
	require.NoError(t, os.MkdirAll(cfg.State, 0o700))
	require.NoError(t, reg.Bind(id, "acme"))
	first := time.Unix(1_800_000_000, 0)
	for i, e := range []string{"two", "one"} {
		require.NoError(t, reg.Record(id, registry.Enrolment{ID: e, Time: first.Add(time.Duration(1-i) * time.Hour)}))
	}
	list, err = cfg.installs()
	require.NoError(t, err)
	ms := installMetrics(list, first.Add(2*time.Hour)).ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	require.Equal(t, map[string]any{"weir.install.id": id, "weir.customer": "acme"}, ms.At(0).Gauge().DataPoints().At(0).Attributes().AsRaw())
	require.EqualValues(t, first.Unix(), ms.At(1).Gauge().DataPoints().At(0).DoubleValue())

	_, err = reg.Revoke(id, first.Add(3*time.Hour))
	require.NoError(t, err)
	list, err = cfg.installs()
	require.NoError(t, err)
	require.Zero(t, installMetrics(list, first).DataPointCount(), "who was thrown out is no install")
}

func TestWithoutACatalogueNothingIsSent(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Files, cfg.Interval, cfg.State = []string{""}, time.Millisecond, t.TempDir()
	require.NoError(t, registry.Registry{FS: vfs.OS, Dir: cfg.State}.Bind("0194f3c2-5a31-4d2b-9c1e-1234567890ab", "acme"))
	sink := &consumertest.MetricsSink{}
	r, err := NewFactory().CreateMetrics(t.Context(), receivertest.NewNopSettings(NewFactory().Type()), cfg, sink)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	time.Sleep(20 * time.Millisecond)
	require.NoError(t, r.Shutdown(context.Background()))
	require.Empty(t, sink.AllMetrics())
}
