package upstreamexporter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// bits is a budget metric by entry.
func (e *edge) bits(name string) map[string]float64 {
	e.t.Helper()
	m, err := e.tel.GetMetric(name)
	require.NoError(e.t, err)
	got := map[string]float64{}
	for _, p := range m.Data.(metricdata.Gauge[float64]).DataPoints {
		entry, _ := p.Attributes.Value("entry")
		got[entry.AsString()] = p.Value
	}
	return got
}

// TestTheBudgetOfTheDayHolds: a report too many is refused by its reason, it is
// in no ledger, and a restart forgets nothing of that.
func TestTheBudgetOfTheDayHolds(t *testing.T) {
	f := newFleet(t)
	data := t.TempDir()
	e := newEdge(t, data, f.URL)
	accept(t, data, e.policy)
	declared := policy.Budget(e.policy)
	limit := map[string]float64{
		gate.Envelope:    declared.EnvelopeBits * float64(declared.IntervalsPerDay),
		"weir.heartbeat": declared.Signals[0].BitsPerDay,
	}
	assert.Equal(t, limit, e.bits("weir_upstream_budget_limit"))
	assert.Equal(t, map[string]float64{gate.Envelope: 0, "weir.heartbeat": 0}, e.bits("weir_upstream_budget_used"))
	e.reports(1, 3)
	e.settled(3)
	used := e.bits("weir_upstream_budget_used")
	assert.InDelta(t, 3*declared.Signals[0].BitsPerInterval, used["weir.heartbeat"], 0.01)
	e.reports(3, 1)
	e.reports(2, 1)
	require.Len(t, e.recorded(), 3)
	assert.EqualValues(t, 2, e.counter("weir_upstream_refused", "reason", "interval_used"))
	assert.Equal(t, used, e.bits("weir_upstream_budget_used"))
	require.NoError(t, e.Shutdown(t.Context()))

	e = newEdge(t, data, f.URL)
	assert.InDeltaMapValues(t, used, e.bits("weir_upstream_budget_used"), 1e-6)
	e.reports(3, 1)
	assert.EqualValues(t, 1, e.counter("weir_upstream_refused", "reason", "interval_used"))
	e.reports(4, 1)
	e.settled(4)
	require.NoError(t, e.Shutdown(t.Context()))
}

// TestTodaysRecordsAreReadBackFromALongLedger, and no others, wherever it begins.
func TestTodaysRecordsAreReadBackFromALongLedger(t *testing.T) {
	m := vfs.NewMem()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	l, err := ledger.Open(m, "/data/ledger", ledger.Options{Install: installID, Now: func() time.Time { return now }})
	require.NoError(t, err)
	put := func(n int) {
		for range n {
			_, err := l.Append(ledger.Record{Kind: ledger.KindPolicy, Body: []byte("p")})
			require.NoError(t, err)
		}
	}
	u := &upstream{cfg: &Config{Data: "/data"}, fsys: m}
	visited := func(since time.Time) int {
		n := 0
		require.NoError(t, u.recordedSince(since, func(ledger.Record) { n++ }))
		return n
	}
	put(10)
	now = now.Add(time.Hour)
	put(5000) // more than are looked at first
	require.Equal(t, 5000, visited(now))
	require.Equal(t, 5010, visited(now.Add(-time.Hour)))
	require.Zero(t, visited(now.Add(time.Second)))
	require.NoError(t, l.Close())
}
