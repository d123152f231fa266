package upstreamexporter

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-telemetry/weir/redaction/gate"
)

func (e *edge) byEntry(name string) map[string]int64 {
	e.t.Helper()
	m, err := e.tel.GetMetric(name)
	require.NoError(e.t, err)
	got := map[string]int64{}
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		entry, _ := p.Attributes.Value("entry")
		got[entry.AsString()] = p.Value
	}
	return got
}

func (e *edge) gauge(name string) int64 {
	e.t.Helper()
	m, err := e.tel.GetMetric(name)
	require.NoError(e.t, err)
	return m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value
}

// TestTheEntriesAddUpToWhatWasSent, a report that is sent again included.
func TestTheEntriesAddUpToWhatWasSent(t *testing.T) {
	f := newFleet(t)
	data := t.TempDir()
	e := newEdge(t, data, f.URL)
	accept(t, data, e.policy)
	var tries atomic.Int32
	f.says(func(w http.ResponseWriter, _ *http.Request) {
		if tries.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	e.reports(1, 3)
	e.settled(3)

	bytes, items := e.byEntry("weir_upstream_entry_bytes"), e.byEntry("weir_upstream_entry_items")
	assert.Equal(t, map[string]int64{"weir.heartbeat": 4}, items, "three reports, one of them twice")
	assert.Len(t, bytes, 2)
	assert.Greater(t, bytes["weir.heartbeat"], int64(4*30))
	all := int64(0)
	for _, body := range f.got() {
		all += int64(len(body))
	}
	assert.Equal(t, all, bytes["weir.heartbeat"]+bytes[gate.Envelope])
	assert.Equal(t, map[string]int64{"": all}, e.byEntry("weir_upstream_sent_bytes"))

	assert.EqualValues(t, 3, e.gauge("weir_upstream_ledger_sequence"))
	assert.EqualValues(t, len(e.records()), e.gauge("weir_upstream_ledger_records"))
}

func TestASeriesWithoutAValueIsNoItem(t *testing.T) {
	m := pmetric.NewMetric()
	points := m.SetEmptyGauge().DataPoints()
	at := pcommon.NewTimestampFromTime(time.Unix(60, 0))
	for i := range 5 {
		p := points.AppendEmpty()
		p.SetTimestamp(at)
		if i > 1 {
			p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
		} else {
			p.SetDoubleValue(1)
		}
	}
	assert.EqualValues(t, 2, values(m))
	m.SetEmptyHistogram().DataPoints().AppendEmpty()
	assert.EqualValues(t, 1, values(m))
	m.SetEmptySum().DataPoints().AppendEmpty()
	assert.EqualValues(t, 1, values(m))
}
