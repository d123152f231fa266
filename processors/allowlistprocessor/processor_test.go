package allowlistprocessor

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/processors/allowlistprocessor/internal/metadata"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

const sample = `version: 1
product: sample
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 10s
identity:
  weir.install.id: {type: uuid}
  service.version: {type: semver}
  tier: {enum: [test, production]}
signals:
  - name: requests
    why: to see load
    owner: support@acme.example
    category: utilization
    kind: sum
    unit: "1"
    value: {min: 0, max: 1e9, step: 1}
`

// source is a policy extension that does what the test says.
type source struct {
	component.StartFunc
	component.ShutdownFunc
	mu sync.Mutex
	d  consent.Decision
}

func (s *source) Decision() consent.Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.d
}

func (s *source) decide(d consent.Decision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.d = d
}

func (*source) Install() install.Install {
	return install.Install{ID: "0194f3c2-5a31-4d2b-9c1e-1234567890ab", Key: bytes.Repeat([]byte{1}, install.KeySize)}
}

// sink is the next component. It refuses while refuse is set.
type sink struct {
	got    []pmetric.Metrics
	refuse error
}

func (*sink) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *sink) ConsumeMetrics(_ context.Context, md pmetric.Metrics) error {
	if s.refuse != nil {
		return s.refuse
	}
	s.got = append(s.got, md)
	return nil
}

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func active(t *testing.T, text string) consent.Decision {
	t.Helper()
	p, err := policy.Parse("allowlist.yaml", []byte(text))
	require.NoError(t, err)
	return consent.Decision{State: consent.Active, Policy: p}
}

// bench is a processor whose rounds the test takes by hand.
type bench struct {
	*allowlist
	source *source
	sink   *sink
}

var noon = time.Date(2027, 3, 1, 12, 0, 3, 0, time.UTC)

func prepare(t *testing.T, d consent.Decision) *bench {
	t.Helper()
	b := &bench{source: &source{d: d}, sink: &sink{}}
	cfg := createDefaultConfig().(*Config)
	cfg.Identity = map[string]string{"tier": "test"}
	var err error
	b.allowlist, err = newAllowlist(processortest.NewNopSettings(metadata.Type), cfg, b.sink)
	require.NoError(t, err)
	b.allowlist.source = b.source
	b.refresh(noon)
	return b
}

func (b *bench) at(seconds int) {
	b.turn(context.Background(), noon.Add(time.Duration(seconds)*time.Second))
}

// counter is a cumulative counter that began after noon.
func (b *bench) counter(t *testing.T, seconds int, value int64) {
	t.Helper()
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("host.name", "canary-7f3a")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("requests")
	m.SetUnit("1")
	m.SetEmptySum().SetIsMonotonic(true)
	m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	dp := m.Sum().DataPoints().AppendEmpty()
	dp.SetStartTimestamp(pcommon.NewTimestampFromTime(noon.Add(time.Nanosecond)))
	dp.SetTimestamp(pcommon.NewTimestampFromTime(noon.Add(time.Duration(seconds) * time.Second)))
	dp.SetIntValue(value)
	md.MarkReadOnly() // as the fan-out hands it to those who do not mutate
	require.NoError(t, b.ConsumeMetrics(context.Background(), md))
}

func value(md pmetric.Metrics) float64 {
	return point(md).DoubleValue()
}

func point(md pmetric.Metrics) pmetric.NumberDataPoint {
	return md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0)
}

func TestOneReportAnIntervalAndNeverTheInput(t *testing.T) {
	b := prepare(t, active(t, sample))
	b.counter(t, 1, 5)
	b.at(1)
	require.Empty(t, b.sink.got, "the interval is not over")
	b.at(7) // 12:00:10
	b.at(7)
	b.at(9)
	require.Len(t, b.sink.got, 1)
	require.Equal(t, 5.0, value(b.sink.got[0]))
	require.Equal(t, "2027-03-01 12:00:10 +0000 UTC", point(b.sink.got[0]).Timestamp().AsTime().String())
	b.counter(t, 10, 9)
	b.at(40) // late: 12:00:43, three intervals at once
	b.at(41)
	require.Len(t, b.sink.got, 2)
	require.Equal(t, 9.0, value(b.sink.got[1]))
	require.Equal(t, "2027-03-01 12:00:40 +0000 UTC", point(b.sink.got[1]).Timestamp().AsTime().String())
	for _, md := range b.sink.got {
		text, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(md)
		require.NoError(t, err)
		require.NotContains(t, string(text), "canary")
		require.Contains(t, string(text), "0194f3c2-5a31-4d2b-9c1e-1234567890ab")
	}
}

func TestWhatHappensWithoutAPolicyInForceIsNeverReported(t *testing.T) {
	d := active(t, sample)
	off := consent.Decision{State: consent.Unaccepted, Policy: d.Policy, Err: errors.New("not accepted")}
	b := prepare(t, off)
	b.counter(t, 1, 5)
	b.at(10)
	b.source.decide(d)
	b.at(11)
	b.counter(t, 12, 7) // began before the table: a baseline
	b.at(20)
	b.counter(t, 21, 8)
	b.source.decide(off)
	b.at(22)
	b.counter(t, 23, 100)
	b.at(30)
	b.source.decide(d)
	b.at(31)
	b.counter(t, 32, 101)
	b.counter(t, 33, 103)
	b.at(40)
	require.Len(t, b.sink.got, 2)
	require.Equal(t, 0.0, value(b.sink.got[0]))
	require.Equal(t, 2.0, value(b.sink.got[1]), "what was counted while nothing was in force is in the report")
	require.EqualValues(t, 4, b.last.Load().Counters().Observed)
}

func TestANewPolicyIsANewTableAndTheCountersGoOn(t *testing.T) {
	b := prepare(t, active(t, sample))
	b.counter(t, 1, 5)
	first := b.current.Load()
	b.at(5)
	require.Same(t, first, b.current.Load())
	b.source.decide(active(t, sample+"# changed\n"))
	b.at(6)
	second := b.current.Load()
	require.NotSame(t, first, second)
	b.counter(t, 7, 9)
	b.at(8)
	require.Len(t, b.sink.got, 1)
	got, _ := b.sink.got[0].ResourceMetrics().At(0).Resource().Attributes().Get(table.DigestKey)
	require.Equal(t, second.digest.String(), got.Str())
	require.EqualValues(t, 2, b.last.Load().Counters().Observed)
}

func TestARefusedReportIsCountedAndItsSumsAreInTheNext(t *testing.T) {
	b := prepare(t, active(t, sample))
	b.sink.refuse = errors.New("the ledger is full")
	b.counter(t, 1, 5)
	b.at(10)
	b.sink.refuse = nil
	b.at(20)
	require.Len(t, b.sink.got, 1)
	require.Equal(t, 5.0, value(b.sink.got[0]))
	require.EqualValues(t, 1, b.errors[next].Load())
	require.EqualValues(t, 1, b.reports.Load())
}

func TestAnIncompleteIdentityEmitsNothingAndIsCounted(t *testing.T) {
	b := prepare(t, consent.Decision{State: consent.NoPolicy})
	b.cfg.Identity = map[string]string{"tier": "canary"}
	b.source.decide(active(t, sample))
	b.at(1)
	b.counter(t, 2, 5)
	b.at(10)
	b.at(20)
	require.Empty(t, b.sink.got)
	require.EqualValues(t, 2, b.errors[identity].Load())
}

func TestAClockThatGoesBackGivesNoSecondReportOfAnInterval(t *testing.T) {
	b := prepare(t, active(t, sample))
	b.at(30)
	b.at(-3500)
	b.at(28)
	require.Len(t, b.sink.got, 1)
	require.EqualValues(t, 1, b.errors[clock].Load())
	b.at(40)
	require.Len(t, b.sink.got, 2)
}

// TestAClockThatJumpsAYearSilencesNobody: after one interval on the new time
// reports go on, and sums begin anew at a start that says so.
func TestAClockThatJumpsAYearSilencesNobody(t *testing.T) {
	const year = 365 * 24 * 3600
	for _, jump := range []int{year, -year} {
		b := prepare(t, active(t, sample))
		b.counter(t, 1, 5)
		b.at(10)
		require.Len(t, b.sink.got, 1)
		for s := 11; s < 40; s++ {
			b.at(jump + s)
		}
		require.GreaterOrEqual(t, len(b.sink.got), 3, "%d", jump)
		last := point(b.sink.got[len(b.sink.got)-1])
		require.Equal(t, noon.Add(time.Duration(jump+39)*time.Second).Truncate(10*time.Second).UTC(), last.Timestamp().AsTime())
		require.False(t, last.StartTimestamp().AsTime().After(last.Timestamp().AsTime()))
		if jump < 0 {
			require.Zero(t, last.DoubleValue())
			require.EqualValues(t, 1, b.errors[clock].Load(), "counted once")
		}
	}
}

func TestItRunsByItself(t *testing.T) {
	src, out := &source{d: active(t, strings.Replace(sample, "10s", "1s", 1))}, &safeSink{}
	cfg := createDefaultConfig().(*Config)
	cfg.Identity = map[string]string{"tier": "test"}
	telemetry := componenttest.NewTelemetry()
	set := processor.Settings{ID: component.NewID(metadata.Type), TelemetrySettings: telemetry.NewTelemetrySettings()}
	p, err := NewFactory().CreateMetrics(context.Background(), set, cfg, out)
	require.NoError(t, err)
	require.False(t, p.Capabilities().MutatesData)
	require.NoError(t, p.Start(context.Background(), host{component.MustNewID("policy"): src}))
	require.Eventually(t, func() bool { return out.count() >= 2 }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, p.ConsumeMetrics(context.Background(), pmetric.NewMetrics()))
	got, err := telemetry.GetMetric("weir_allowlist_reports")
	require.NoError(t, err)
	require.NotNil(t, got.Data)
	dropped, err := telemetry.GetMetric("weir_allowlist_dropped_points")
	require.NoError(t, err)
	require.NotNil(t, dropped.Data)
	require.NoError(t, p.Shutdown(context.Background()))
	sent := out.count()
	time.Sleep(1200 * time.Millisecond)
	require.Equal(t, sent, out.count(), "it goes on after its shutdown")
	require.NoError(t, telemetry.Shutdown(context.Background()))
}

type safeSink struct {
	mu sync.Mutex
	sink
}

func (s *safeSink) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sink.ConsumeMetrics(ctx, md)
}

func (s *safeSink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

func TestAStartWithoutThePolicyExtensionSaysSo(t *testing.T) {
	p, err := newAllowlist(processortest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config), &sink{})
	require.NoError(t, err)
	require.ErrorContains(t, p.Start(context.Background(), host{}), "extension policy is not there")
	require.ErrorContains(t, p.Start(context.Background(), host{component.MustNewID("policy"): struct {
		component.StartFunc
		component.ShutdownFunc
	}{}}), "knows no policy")
	require.NoError(t, p.Shutdown(context.Background()))
}

func TestTheConfigurationSaysAllItsFaults(t *testing.T) {
	require.NoError(t, createDefaultConfig().(*Config).Validate())
	err := (&Config{Identity: map[string]string{installKey: "x", "tier": ""}}).Validate()
	require.ErrorContains(t, err, "policy is empty")
	require.ErrorContains(t, err, "fills in itself")
	require.ErrorContains(t, err, `"tier"`)
}
