package policyextension

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/weir-telemetry/weir/extensions/policyextension/internal/metadatatest"
	"github.com/weir-telemetry/weir/internal/configuration"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/ledger/inbox"
)

// Another configuration is counted, kept for people, and put down for the
// ledger as two hashes and a time.
func TestAChangedConfigurationIsNoticed(t *testing.T) {
	b := start(t, filepath.Join(t.TempDir(), "none.yaml"))
	notify := func(timeout string) string {
		t.Helper()
		require.NoError(t, b.NotifyConfig(t.Context(), confmap.NewFromStringMap(map[string]any{"exporters": map[string]any{"upstream": map[string]any{"timeout": timeout, "password": "hunter2"}}})))
		s, err := configuration.InForce(vfs.OS, b.data)
		require.NoError(t, err)
		return s.Hash
	}
	recorded := func() (bodies []string) {
		require.NoError(t, inbox.Take(vfs.OS, b.data, func(r ledger.Record) error {
			require.Equal(t, ledger.KindConfig, r.Kind)
			bodies = append(bodies, string(r.Body))
			return nil
		}))
		return bodies
	}
	counted := func(hash string, changes int64) {
		t.Helper()
		metadatatest.AssertEqualConfiguration(t, b.telemetry, []metricdata.DataPoint[int64]{{Value: 1, Attributes: attribute.NewSet(attribute.String("weir.configuration.hash", hash))}}, metricdatatest.IgnoreTimestamp())
		metadatatest.AssertEqualConfigurationChanges(t, b.telemetry, []metricdata.DataPoint[int64]{{Value: changes}}, metricdatatest.IgnoreTimestamp())
	}
	first := notify("30s")
	require.Equal(t, []string{`{"before":"","after":"` + first + `","at":"2027-03-01T12:00:00Z"}`}, recorded())
	counted(first, 0)
	require.Equal(t, first, notify("30s"))
	require.Empty(t, recorded())
	b.set(b.now().Add(time.Hour))
	second := notify("5s")
	require.Equal(t, []string{`{"before":"` + first + `","after":"` + second + `","at":"2027-03-01T13:00:00Z"}`}, recorded())
	counted(second, 1)
	require.Equal(t, 2, b.logs.FilterMessageSnippet("another than before").Len())

	// What cannot be kept stops nothing.
	require.NoError(t, os.RemoveAll(configuration.Folder(b.data)))
	require.NoError(t, os.WriteFile(configuration.Folder(b.data), nil, 0o600))
	require.NoError(t, b.NotifyConfig(t.Context(), confmap.NewFromStringMap(map[string]any{"a": 1})))
	require.Equal(t, 1, b.logs.FilterMessageSnippet("not recorded").Len())
}
