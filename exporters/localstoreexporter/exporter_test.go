package localstoreexporter_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/exporters/localstoreexporter"
)

// recorder is a store that remembers, or fails.
type recorder struct {
	component.StartFunc
	component.ShutdownFunc
	metrics, logs int
	err           error
}

func (r *recorder) ConsumeMetrics(_ context.Context, md pmetric.Metrics) error {
	r.metrics += md.DataPointCount()
	return r.err
}

func (r *recorder) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	r.logs += ld.LogRecordCount()
	return r.err
}

func (r *recorder) Mount(string, http.Handler) error { return nil }

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func someMetrics() pmetric.Metrics {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetEmptyGauge().DataPoints().AppendEmpty()
	return md
}

func someLogs() plog.Logs {
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	return ld
}

func TestWhatIsConsumedReachesTheStoreBeforeTheAnswer(t *testing.T) {
	ctx, f := t.Context(), localstoreexporter.NewFactory()
	store := &recorder{}
	h := host{component.MustNewID("local_store"): store}
	metrics, err := f.CreateMetrics(ctx, exportertest.NewNopSettings(f.Type()), f.CreateDefaultConfig())
	require.NoError(t, err)
	logs, err := f.CreateLogs(ctx, exportertest.NewNopSettings(f.Type()), f.CreateDefaultConfig())
	require.NoError(t, err)
	require.NoError(t, metrics.Start(ctx, h))
	require.NoError(t, logs.Start(ctx, h))
	require.False(t, metrics.Capabilities().MutatesData)
	require.False(t, logs.Capabilities().MutatesData)

	require.NoError(t, metrics.ConsumeMetrics(ctx, someMetrics()))
	require.Equal(t, 1, store.metrics)
	require.NoError(t, logs.ConsumeLogs(ctx, someLogs()))
	require.Equal(t, 1, store.logs)

	// A failure is told at once and not tried again here: that is the
	// sender's to decide.
	store.err = errors.New("disk full")
	require.ErrorIs(t, metrics.ConsumeMetrics(ctx, someMetrics()), store.err)
	require.Equal(t, 2, store.metrics)
	require.ErrorIs(t, logs.ConsumeLogs(ctx, someLogs()), store.err)
	require.Equal(t, 2, store.logs)

	require.NoError(t, metrics.Shutdown(ctx))
	require.NoError(t, logs.Shutdown(ctx))
}

func TestStartNamesTheExtensionThatIsMissing(t *testing.T) {
	ctx, f := t.Context(), localstoreexporter.NewFactory()
	for want, h := range map[string]component.Host{
		"local_store does not run": componenttest.NewNopHost(),
		"local_store is no local store": host{component.MustNewID("local_store"): &struct {
			component.StartFunc
			component.ShutdownFunc
		}{}},
	} {
		e, err := f.CreateMetrics(ctx, exportertest.NewNopSettings(f.Type()), f.CreateDefaultConfig())
		require.NoError(t, err)
		require.ErrorContains(t, e.Start(ctx, h), want)
		require.NoError(t, e.Shutdown(ctx))
	}
}

func TestAnExtensionMustBeNamed(t *testing.T) {
	cfg := localstoreexporter.NewFactory().CreateDefaultConfig().(*localstoreexporter.Config)
	require.NoError(t, cfg.Validate())
	cfg.LocalStore = component.ID{}
	require.ErrorContains(t, cfg.Validate(), "no extension is named")
}
