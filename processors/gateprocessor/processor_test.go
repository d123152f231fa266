package gateprocessor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/xconfmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/weir-telemetry/weir/processors/gateprocessor/internal/metadata"
	"github.com/weir-telemetry/weir/processors/gateprocessor/internal/metadatatest"
	"github.com/weir-telemetry/weir/redaction/policy"
)

const source = `version: 1
product: shop
vendor: acme
revision: 3
destination: https://telemetry.acme.example
interval: 60s
identity:
  weir.install.id: {type: uuid}
  service.version: {type: semver}
signals:
  - {name: requests, why: w, owner: o, category: error_rate, kind: sum, unit: "{request}", value: {min: 0, max: 1e12, step: 1}}
`

var start = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// sent is one that an edge would send: the n-th of an install.
func sent(install string, n int) pmetric.Metrics {
	at := pcommon.NewTimestampFromTime(start.Add(time.Duration(n) * time.Minute))
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.version", "0.1.0")
	rm.Resource().Attributes().PutStr("weir.install.id", install)
	rm.Resource().Attributes().PutStr("weir.policy.digest", policy.DigestOf([]byte(source)).String())
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("weir")
	m := sm.Metrics().AppendEmpty()
	m.SetName("requests")
	m.SetUnit("{request}")
	s := m.SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := s.DataPoints().AppendEmpty()
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	p.SetTimestamp(at)
	p.SetDoubleValue(float64(10 * n))
	m = sm.Metrics().AppendEmpty()
	m.SetName("weir.report.sequence")
	m.SetUnit("{report}")
	p = m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(at)
	p.SetDoubleValue(float64(n))
	md.MarkReadOnly() // whatever changes it, panics
	return md
}

func policyFile(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "allowlist.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func newTestGate(t testing.TB, next consumer.Metrics) (*gateProcessor, *componenttest.Telemetry) {
	t.Helper()
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { _ = tel.Shutdown(context.Background()) })
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	cfg := createDefaultConfig().(*Config)
	cfg.Policies = []string{policyFile(t, source)}
	g, err := newGate(set, cfg, next)
	require.NoError(t, err)
	g.now = func() time.Time { return start.Add(90*time.Minute + 300*time.Millisecond) }
	return g, tel
}

func assertRefused(t *testing.T, err error, reason string) {
	t.Helper()
	require.Error(t, err)
	assert.True(t, consumererror.IsPermanent(err), "the sender would try again")
	s, ok := status.FromError(err)
	assert.True(t, ok)
	assert.Equal(t, codes.InvalidArgument, s.Code(), "receivers answer 400 to this code only")
	assert.True(t, strings.HasSuffix(err.Error(), "report refused: "+reason), err.Error())
}

func assertCounts(t *testing.T, tel *componenttest.Telemetry, name string, want int64) {
	t.Helper()
	got, err := tel.GetMetric(name)
	if want == 0 {
		require.Error(t, err, "%s was counted", name)
		return
	}
	require.NoError(t, err)
	assert.Equal(t, want, got.Data.(metricdata.Sum[int64]).DataPoints[0].Value, name)
}

func TestAcceptedReportArrivesWithTheFleetsGauges(t *testing.T) {
	sink := new(consumertest.MetricsSink)
	g, tel := newTestGate(t, sink)
	require.NoError(t, g.Start(context.Background(), componenttest.NewNopHost()))
	require.NoError(t, g.ConsumeMetrics(context.Background(), sent(id(1), 7)))
	require.NoError(t, g.Shutdown(context.Background()))

	require.Len(t, sink.AllMetrics(), 1)
	rm := sink.AllMetrics()[0].ResourceMetrics().At(0)
	assert.Equal(t, map[string]any{"weir.install.id": id(1), "service.version": "0.1.0"}, rm.Resource().Attributes().AsRaw())
	got := map[string]float64{}
	at := map[string]time.Time{}
	ms := rm.ScopeMetrics().At(0).Metrics()
	for i := range ms.Len() {
		m := ms.At(i)
		points := m.Gauge().DataPoints
		if m.Type() == pmetric.MetricTypeSum {
			points = m.Sum().DataPoints
		}
		require.Equal(t, 1, points().Len())
		assert.Zero(t, points().At(0).Attributes().Len())
		got[m.Name()+" "+m.Unit()] = points().At(0).DoubleValue()
		at[m.Name()] = points().At(0).Timestamp().AsTime()
	}
	assert.Equal(t, map[string]float64{
		"requests {request}":                    70,
		"weir.fleet.report.sequence {report}":   7,
		"weir.fleet.last.report s":              float64(start.Add(90 * time.Minute).Unix()),
		"weir.fleet.policy.revision {revision}": 3,
		"weir.fleet.report.interval s":          60,
	}, got)
	assert.Equal(t, start.Add(7*time.Minute), at["weir.fleet.report.sequence"])
	assert.Equal(t, g.now(), at["weir.fleet.last.report"])

	assertCounts(t, tel, "weir_gate_accepted_reports", 1)
	metadatatest.AssertEqualGatePolicies(t, tel, []metricdata.DataPoint[int64]{{Value: 1}}, metricdatatest.IgnoreTimestamp())
}

func TestRefusedReportGoesNowhereAndSaysOnlyItsReason(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		mutate       func(pmetric.Metrics)
	}{
		{"not a report", "resource_count", func(md pmetric.Metrics) {
			md.ResourceMetrics().RemoveIf(func(pmetric.ResourceMetrics) bool { return true })
		}},
		{"two reports", "resource_count", func(md pmetric.Metrics) {
			md.ResourceMetrics().At(0).CopyTo(md.ResourceMetrics().AppendEmpty())
		}},
		{"no digest", "policy_digest", func(md pmetric.Metrics) {
			md.ResourceMetrics().At(0).Resource().Attributes().Remove("weir.policy.digest")
		}},
		{"digest that is none", "policy_digest", func(md pmetric.Metrics) {
			md.ResourceMetrics().At(0).Resource().Attributes().PutStr("weir.policy.digest", "canary")
		}},
		{"unknown policy", "policy_unknown", func(md pmetric.Metrics) {
			md.ResourceMetrics().At(0).Resource().Attributes().PutStr("weir.policy.digest", strings.Repeat("ab", 32))
		}},
		{"free text", "resource_attributes", func(md pmetric.Metrics) {
			md.ResourceMetrics().At(0).Resource().Attributes().PutStr("canary", "canary")
		}},
		{"from the future", "time_skew", func(md pmetric.Metrics) {
			ms := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
			ms.At(1).Gauge().DataPoints().At(0).SetTimestamp(pcommon.NewTimestampFromTime(start.Add(24 * time.Hour)))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sink := new(consumertest.MetricsSink)
			g, tel := newTestGate(t, sink)
			md := pmetric.NewMetrics()
			sent(id(1), 1).CopyTo(md)
			c.mutate(md)
			err := g.ConsumeMetrics(context.Background(), md)
			assertRefused(t, err, c.reason)
			assert.NotContains(t, err.Error(), "canary")
			assert.Empty(t, sink.AllMetrics())
			metadatatest.AssertEqualGateRefusedReports(t, tel, []metricdata.DataPoint[int64]{
				{Value: 1, Attributes: attribute.NewSet(attribute.String("reason", c.reason))},
			}, metricdatatest.IgnoreTimestamp())
			assertCounts(t, tel, "weir_gate_accepted_reports", 0)
		})
	}
}

func TestReportThatComesAgainIsAnsweredAndNotPassedOn(t *testing.T) {
	sink := new(consumertest.MetricsSink)
	g, tel := newTestGate(t, sink)
	ctx := context.Background()
	for n := 1; n <= 5; n++ {
		require.NoError(t, g.ConsumeMetrics(ctx, sent(id(1), n)))
	}
	for _, n := range []int{5, 4, 5} {
		require.NoError(t, g.ConsumeMetrics(ctx, sent(id(1), n)))
	}
	assert.Len(t, sink.AllMetrics(), 5)
	assertCounts(t, tel, "weir_gate_duplicate_reports", 3)

	// A number of the past at another time of the past is another report.
	assertRefused(t, g.ConsumeMetrics(ctx, numbered(sent(id(1), 3), 5)), "replayed")

	// Each install has its own numbers, and numbers may be left out: what the
	// edge could not send within its retention never comes.
	require.NoError(t, g.ConsumeMetrics(ctx, sent(id(2), 1)))
	require.NoError(t, g.ConsumeMetrics(ctx, sent(id(1), 20)))
	assert.Len(t, sink.AllMetrics(), 7)
	// Far back, beyond what is remembered.
	for n := 21; n < 21+remembered; n++ {
		require.NoError(t, g.ConsumeMetrics(ctx, sent(id(1), n)))
	}
	assertRefused(t, g.ConsumeMetrics(ctx, sent(id(1), 1)), "replayed")
}

// numbered is the report under another number.
func numbered(md pmetric.Metrics, sequence float64) pmetric.Metrics {
	out := pmetric.NewMetrics()
	md.CopyTo(out)
	ms := out.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	ms.At(ms.Len() - 1).Gauge().DataPoints().At(0).SetDoubleValue(sequence)
	return out
}

// Its ledger was lost, and its identity was not. A gateway beside this one, which
// has not heard of it, would take it too.
func TestAnInstallThatCountsAnewIsTakenUp(t *testing.T) {
	sink := new(consumertest.MetricsSink)
	g, tel := newTestGate(t, sink)
	ctx := context.Background()
	for n := 1; n <= 20; n++ {
		require.NoError(t, g.ConsumeMetrics(ctx, sent(id(1), n)))
	}
	for n := 21; n <= 25; n++ {
		require.NoError(t, g.ConsumeMetrics(ctx, numbered(sent(id(1), n), float64(n-20))))
	}
	assert.Len(t, sink.AllMetrics(), 25)
	assertCounts(t, tel, "weir_gate_restarted_installs", 1)
	assertRefused(t, g.ConsumeMetrics(ctx, sent(id(1), 2)), "replayed")
}

func TestReportThatWasNotTakenMayComeAgain(t *testing.T) {
	broken := errors.New("store is full")
	sink := new(consumertest.MetricsSink)
	fail := true
	next, err := consumer.NewMetrics(func(ctx context.Context, md pmetric.Metrics) error {
		if fail {
			return broken
		}
		return sink.ConsumeMetrics(ctx, md)
	})
	require.NoError(t, err)
	g, tel := newTestGate(t, next)
	ctx := context.Background()
	err = g.ConsumeMetrics(ctx, sent(id(1), 1))
	require.ErrorIs(t, err, broken)
	assert.False(t, consumererror.IsPermanent(err))
	fail = false
	require.NoError(t, g.ConsumeMetrics(ctx, sent(id(1), 1)))
	assert.Len(t, sink.AllMetrics(), 1)
	assertCounts(t, tel, "weir_gate_failed_reports", 1)
	assertCounts(t, tel, "weir_gate_accepted_reports", 1)
}

func TestTheSameReportManyTimesAtOncePassesOnce(t *testing.T) {
	sink := new(consumertest.MetricsSink)
	g, _ := newTestGate(t, sink)
	var wg sync.WaitGroup
	for range 16 {
		for n := range 4 {
			wg.Go(func() { assert.NoError(t, g.ConsumeMetrics(context.Background(), sent(id(n), 1))) })
		}
	}
	wg.Wait()
	assert.Len(t, sink.AllMetrics(), 4)
}

func TestMemoryOfInstallsIsBounded(t *testing.T) {
	sink := new(consumertest.MetricsSink)
	g, tel := newTestGate(t, sink)
	g.installs = newInstalls(2 * shards)
	ctx := context.Background()
	for n := range 1000 {
		require.NoError(t, g.ConsumeMetrics(ctx, sent(id(n), 1)))
	}
	kept := 0
	for i := range g.installs.shards {
		s := &g.installs.shards[i]
		assert.Equal(t, len(s.byID), s.recent.Len())
		kept += len(s.byID)
	}
	assert.LessOrEqual(t, kept, 2*shards)
	assertCounts(t, tel, "weir_gate_forgotten_installs", int64(1000-kept))
	// The one heard last is still known.
	require.NoError(t, g.ConsumeMetrics(ctx, sent(id(999), 1)))
	assertCounts(t, tel, "weir_gate_duplicate_reports", 1)
}

func TestConfigurationAnswersAllItsFaults(t *testing.T) {
	good, bad := policyFile(t, source), policyFile(t, strings.Replace(strings.Replace(source, "why: w, ", "", 1), "kind: sum", "kind: som", 1))
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	assert.Equal(t, 10*time.Minute, cfg.MaxSkew)
	require.ErrorContains(t, xconfmap.Validate(cfg), "policies is empty")

	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"policies": []any{filepath.Dir(good) + "/*.yaml"}, "max_skew": "1h",
	}).Unmarshal(cfg))
	require.NoError(t, xconfmap.Validate(cfg))
	assert.Equal(t, time.Hour, cfg.MaxSkew)

	cfg.Policies = []string{good, bad, "/nowhere/*.yaml", "[", "/nowhere.yaml"}
	cfg.MaxSkew, cfg.PollInterval = -1, 0
	err := xconfmap.Validate(cfg)
	for _, want := range []string{"max_skew is negative", "poll_interval", bad + ":11:5: signal \"requests\" has no why", `did you mean "sum"?`, `no file matches "/nowhere/*.yaml"`, `"[" is no pattern`, `no file matches "/nowhere.yaml"`} {
		assert.ErrorContains(t, err, want)
	}
	_, err = NewFactory().CreateMetrics(context.Background(), processortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
	assert.ErrorContains(t, err, "has no why")
}

func TestGateOnlyReads(t *testing.T) {
	g, _ := newTestGate(t, consumertest.NewNop())
	assert.False(t, g.Capabilities().MutatesData)
}
