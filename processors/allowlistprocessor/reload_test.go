package allowlistprocessor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// withSignals is the sample as another revision, with one sum for each name.
func withSignals(revision int, names ...string) string {
	var b strings.Builder
	b.WriteString(strings.Replace(sample, "revision: 1", fmt.Sprintf("revision: %d", revision), 1))
	for _, n := range names {
		fmt.Fprintf(&b, "  - {name: %s, why: w, owner: o, category: health, kind: sum, unit: \"1\", value: {min: 0, max: 1e9, step: 1}}\n", n)
	}
	return b.String()
}

// everything holds a point of every signal that any revision names.
func everything(at time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	ms := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	for _, name := range []string{"requests", "alpha", "beta", "gamma", "stranger"} {
		m := ms.AppendEmpty()
		m.SetName(name)
		m.SetUnit("1")
		m.SetEmptySum().SetIsMonotonic(true)
		m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		dp := m.Sum().DataPoints().AppendEmpty()
		dp.SetTimestamp(pcommon.NewTimestampFromTime(at))
		dp.SetIntValue(1)
	}
	md.MarkReadOnly()
	return md
}

// The file is exchanged 500 times while points stream in and reports go out:
// revisions that were accepted, one that waits and runs as a meet, and one that
// is broken. Each report is one that the policy of its own digest allows, and
// none holds what nobody accepted.
func TestEachReportMatchesItsDigestHoweverOftenThePolicyChanges(t *testing.T) {
	const swaps = 500
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "allowlist.yaml")
	texts := []string{
		withSignals(2, "alpha"),
		withSignals(3, "beta"),
		withSignals(4, "alpha", "beta"),
		withSignals(5, "beta", "gamma"), // waits: gamma is new, alpha is gone
		withSignals(6, "broken: ["),
	}
	for _, text := range texts[:3] {
		p, err := policy.Parse("p", []byte(text))
		require.NoError(t, err)
		_, err = consent.Accept(vfs.OS, data, p, "Ada", "reviewed", noon)
		require.NoError(t, err)
	}
	var mu sync.Mutex
	byDigest := map[string]*policy.Policy{}
	resolve := func(i int) consent.Decision {
		require.NoError(t, os.WriteFile(file, []byte(texts[i%len(texts)]), 0o600))
		d := consent.Resolve(vfs.OS, data, file, noon)
		if d.State == consent.Active {
			mu.Lock()
			byDigest[d.Policy.Digest.String()] = d.Policy
			mu.Unlock()
		}
		return d
	}
	b := prepare(t, resolve(0))
	ctx, stop := context.WithCancel(context.Background())
	var load sync.WaitGroup
	for range 2 {
		load.Go(func() {
			md := everything(noon.Add(time.Second))
			for ctx.Err() == nil {
				_ = b.ConsumeMetrics(ctx, md)
				runtime.Gosched()
			}
		})
	}
	// The clock runs while the files change: turns and swaps meet in any order.
	var turns, done atomic.Int64
	load.Go(func() {
		defer done.Store(1)
		for i := range swaps {
			b.source.decide(resolve(i + 1))
			for before := turns.Load(); turns.Load() < before+3 && ctx.Err() == nil; {
				time.Sleep(50 * time.Microsecond)
			}
		}
	})
	for seconds := 0; done.Load() == 0; seconds += 10 {
		b.at(seconds)
		turns.Add(1)
		time.Sleep(20 * time.Microsecond) // let the others move
	}
	stop()
	load.Wait()

	t.Logf("%d reports", len(b.sink.got))
	require.Greater(t, len(b.sink.got), swaps)
	seen := map[string]int{}
	counted := 0.0
	for i, md := range b.sink.got {
		v, ok := md.ResourceMetrics().At(0).Resource().Attributes().Get(gate.DigestAttribute)
		require.True(t, ok)
		p := byDigest[v.Str()]
		require.NotNil(t, p, "report %d is under a policy that was never in force", i)
		seen[v.Str()]++
		ms := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
		for _, m := range ms.All() {
			require.NotContains(t, []string{"gamma", "stranger"}, m.Name())
			counted += m.Sum().DataPoints().At(0).DoubleValue()
		}
		at := ms.At(0).Sum().DataPoints().At(0).Timestamp()
		last := ms.AppendEmpty()
		last.SetName(gate.SequenceMetric)
		last.SetUnit(gate.SequenceUnit)
		dp := last.SetEmptyGauge().DataPoints().AppendEmpty()
		dp.SetTimestamp(at)
		dp.SetDoubleValue(float64(i + 1))
		require.NoError(t, gate.Check(p, md, gate.Facts{}), "report %d", i)
	}
	require.Len(t, seen, 4, "the three accepted and the meet")
	require.Positive(t, counted)
}
