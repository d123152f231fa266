package localstoreextension

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/weir-telemetry/weir/extensions/localstoreextension/internal/metadatatest"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

func TestLessThanSevenDaysOfLogsAreWarnedOf(t *testing.T) {
	for retention, warnings := range map[time.Duration]int{7*24*time.Hour - time.Second: 1, 7 * 24 * time.Hour: 0, 30 * 24 * time.Hour: 0} {
		core, logged := observer.New(zap.WarnLevel)
		set := nop()
		set.Logger = zap.New(core)
		cfg := testConfig(t)
		cfg.Logs.Retention = Duration(retention)
		started(t, set, cfg)
		said := logged.FilterMessageSnippet("less than seven days").All()
		require.Len(t, said, warnings, retention)
		if warnings > 0 {
			require.Equal(t, retention, said[0].ContextMap()["local_store::logs::retention"])
		}
	}
}

// The retention achieved is the age of the oldest record that is stored.
func TestTheRetentionAchievedIsInAMetric(t *testing.T) {
	const age = 6 * 24 * time.Hour
	cfg := testConfig(t)
	oldest := time.Now().Add(-age)
	logs, err := logstore.Open(vfs.OS, filepath.Join(cfg.Data, "logs"), logstore.Options{Now: func() time.Time { return oldest }, Retention: time.Duration(cfg.Logs.Retention)})
	require.NoError(t, err)
	_, err = logs.Append(t.Context(), []logstore.Stream{{
		Labels:  labels.FromStrings("service_name", "shop"),
		Entries: []logstore.Entry{{Timestamp: oldest.UnixNano(), Line: "first"}},
	}})
	require.NoError(t, err)
	require.NoError(t, logs.Close())

	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	l := started(t, metadatatest.NewSettings(tel), cfg)
	require.NoError(t, l.ConsumeLogs(t.Context(), someLogs(time.Now(), "last")))
	m, err := tel.GetMetric("weir_local_store_retained")
	require.NoError(t, err)
	retained := map[string]int64{}
	for _, p := range m.Data.(metricdata.Gauge[int64]).DataPoints {
		signal, _ := p.Attributes.Value("signal")
		retained[signal.AsString()] = p.Value
	}
	require.InDelta(t, age.Seconds(), retained["logs"], 60)
	require.Zero(t, retained["metrics"], "none is stored")
}
