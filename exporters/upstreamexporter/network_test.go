package upstreamexporter

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/test/faults"
)

// sequenceOf is what a report that arrived says about its place.
func sequenceOf(t *testing.T, body []byte) int {
	t.Helper()
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(body)
	require.NoError(t, err)
	ms := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	last := ms.At(ms.Len() - 1)
	require.Equal(t, gate.SequenceMetric, last.Name())
	return int(last.Gauge().DataPoints().At(0).DoubleValue())
}

// TestNoNetworkLosesAReportOrInventsOne runs an edge behind a proxy that resets,
// half-closes, stalls, slows and duplicates, by one random schedule after
// another.
func TestNoNetworkLosesAReportOrInventsOne(t *testing.T) {
	schedules := 40
	if soak {
		schedules = 500
	}
	const reports = 5
	var mu sync.Mutex
	did, twice := map[faults.Kind]int{}, 0
	t.Run("schedules", func(t *testing.T) {
		for seed := range schedules {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				f := newFleet(t)
				p, err := faults.NewProxy(strings.TrimPrefix(f.URL, "http://"), uint64(seed), 8)
				require.NoError(t, err)
				e := prepareEdge(t, "/data", "http://"+p.Addr)
				e.fsys, e.cfg.Timeout = vfs.NewMem(), 200*time.Millisecond
				require.NoError(t, e.start())
				defer func() { _ = e.Shutdown(t.Context()) }()
				e.reports(1, reports)
				e.settledWithin(reports, 30*time.Second)
				require.NoError(t, e.Shutdown(t.Context()))
				p.Close() // duplicates have arrived

				recorded := e.recorded()
				require.Len(t, recorded, reports)
				times := map[int]int{}
				for _, b := range f.got() {
					n := sequenceOf(t, b)
					require.Equal(t, recorded[n-1], b, "what comes twice is the same")
					times[n]++
				}
				f.mu.Lock()
				for _, piece := range f.pieces {
					require.True(t, isPrefixOfOne(piece, recorded), "a piece holds bytes that are not recorded")
				}
				f.mu.Unlock()
				require.Len(t, times, reports, "none is lost")
				assert.Equal(t, map[ledger.Result]int{ledger.Acknowledged: reports}, outcomes(t, e.records()))
				e.verify()
				mu.Lock()
				defer mu.Unlock()
				twice += len(f.got()) - reports
				for k, n := range p.Did() {
					did[k] += n
				}
			})
		}
	})
	for k := faults.Reset; k <= faults.Duplicate; k++ {
		assert.Positive(t, did[k], "%v", k)
	}
	assert.Positive(t, twice, "some reports came twice, or nothing was tried")
	t.Logf("%d schedules, connections by fate %v: %d reports, none lost, none unrecorded, %d arrivals more than once, each told by its sequence", schedules, did, schedules*reports, twice)
}

func isPrefixOfOne(piece []byte, all [][]byte) bool {
	for _, b := range all {
		if strings.HasPrefix(string(b), string(piece)) {
			return true
		}
	}
	return false
}
