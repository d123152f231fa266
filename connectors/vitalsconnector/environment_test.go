package vitalsconnector

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"

	"github.com/weir-telemetry/weir/vitals/environment"
)

func TestEachEmissionSaysTheSurroundings(t *testing.T) {
	t.Setenv("WEIR_ORCHESTRATOR", "compose")
	t.Setenv("WEIR_AIR_GAP", "true")
	sink := &consumertest.MetricsSink{}
	p := newPair(t, settings(), createDefaultConfig().(*Config), sink)
	p.start(t)
	p.stop(t)

	said := map[string]string{}
	for _, m := range sink.AllMetrics()[0].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		for _, f := range environment.Facts {
			if m.Name() != f.Metric {
				continue
			}
			require.Equal(t, 1, m.Gauge().DataPoints().Len())
			point := m.Gauge().DataPoints().At(0)
			require.EqualValues(t, 1, point.IntValue())
			require.NotZero(t, point.Timestamp())
			v, ok := point.Attributes().Get(f.Attribute)
			require.True(t, ok, f.Attribute)
			require.Contains(t, f.Values, v.AsString())
			said[f.Metric] = v.AsString()
		}
	}
	require.Len(t, said, len(environment.Facts))
	require.Equal(t, "compose", said["weir.environment.orchestrator"])
	require.Equal(t, "true", said["weir.environment.air_gap"])
}
