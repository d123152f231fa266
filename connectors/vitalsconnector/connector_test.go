package vitalsconnector

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/weir-telemetry/weir/connectors/vitalsconnector/internal/metadata"
	"github.com/weir-telemetry/weir/connectors/vitalsconnector/internal/metadatatest"
)

// pair is a connector as the collector makes it: one id, one configuration, a
// component for each kind of pipeline.
type pair struct {
	logs   connector.Logs
	traces connector.Traces
	tick   chan time.Time
}

func newPair(t *testing.T, set connector.Settings, cfg *Config, next consumer.Metrics) pair {
	return pairOf(t, NewFactory(), set, cfg, next)
}

func pairOf(t *testing.T, f connector.Factory, set connector.Settings, cfg *Config, next consumer.Metrics) pair {
	t.Helper()
	l, err := f.CreateLogsToMetrics(t.Context(), set, cfg, next)
	require.NoError(t, err)
	tr, err := f.CreateTracesToMetrics(t.Context(), set, cfg, next)
	require.NoError(t, err)
	p := pair{l, tr, make(chan time.Time)}
	l.(*logsToMetrics).ticks = func(time.Duration) (<-chan time.Time, func()) { return p.tick, func() {} }
	return p
}

func (p pair) start(t *testing.T) {
	t.Helper()
	require.NoError(t, p.logs.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.traces.Start(t.Context(), componenttest.NewNopHost()))
}

func (p pair) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, p.logs.Shutdown(t.Context()))
	require.NoError(t, p.traces.Shutdown(t.Context()))
}

func settings() connector.Settings { return connectortest.NewNopSettings(metadata.Type) }

func oneLog(service string) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", service)
	rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().SetSeverityNumber(plog.SeverityNumberError)
	return ld
}

func oneSpan(service string) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", service)
	rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetKind(ptrace.SpanKindServer)
	return td
}

// total adds up a sum's points.
func total(md pmetric.Metrics, name string) int64 {
	n := int64(0)
	for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == name {
			for _, p := range m.Sum().DataPoints().All() {
				n += p.IntValue()
			}
		}
	}
	return n
}

func TestLogsAndTracesOfAServiceMeetInOneInstance(t *testing.T) {
	sink := &consumertest.MetricsSink{}
	p := newPair(t, settings(), createDefaultConfig().(*Config), sink)
	require.False(t, p.logs.Capabilities().MutatesData)
	require.False(t, p.traces.Capabilities().MutatesData)
	p.start(t)
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), oneLog("api")))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), oneSpan("api")))
	p.tick <- time.Time{}
	require.Eventually(t, func() bool { return len(sink.AllMetrics()) == 1 }, 5*time.Second, time.Millisecond)

	// One pipeline stops before the other; what the other still delivers is in
	// the last emission.
	require.NoError(t, p.logs.Shutdown(t.Context()))
	require.NoError(t, p.logs.Shutdown(t.Context()))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), oneSpan("api")))
	require.Len(t, sink.AllMetrics(), 1)
	require.NoError(t, p.traces.Shutdown(t.Context()))

	all := sink.AllMetrics()
	require.Len(t, all, 2)
	for i, md := range all {
		require.EqualValues(t, 1, total(md, "weir.log.records"))
		require.EqualValues(t, i+1, total(md, "weir.service.requests"))
		require.EqualValues(t, 1, total(md, "weir.heartbeat"), "the last emission is no interval")
	}
}

func TestTwoConnectorsDoNotMeet(t *testing.T) {
	a, b := &consumertest.MetricsSink{}, &consumertest.MetricsSink{}
	f := NewFactory()
	la, err := f.CreateLogsToMetrics(t.Context(), settings(), createDefaultConfig(), a)
	require.NoError(t, err)
	lb, err := f.CreateLogsToMetrics(t.Context(), settings(), createDefaultConfig(), b)
	require.NoError(t, err)
	for _, l := range []connector.Logs{la, lb} {
		require.NoError(t, l.Start(t.Context(), componenttest.NewNopHost()))
	}
	require.NoError(t, la.ConsumeLogs(t.Context(), oneLog("api")))
	for _, l := range []connector.Logs{la, lb} {
		require.NoError(t, l.Shutdown(t.Context()))
	}
	require.EqualValues(t, 1, total(a.AllMetrics()[0], "weir.log.records"))
	require.EqualValues(t, 0, total(b.AllMetrics()[0], "weir.log.records"))
}

func TestAnInstanceEndsWithItsLastHolder(t *testing.T) {
	cfg := createDefaultConfig()
	f := NewFactory()
	for range 3 { // the collector loads its configuration anew in one process
		sink := &consumertest.MetricsSink{}
		l, err := f.CreateLogsToMetrics(t.Context(), settings(), cfg, sink)
		require.NoError(t, err)
		require.NoError(t, l.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, l.ConsumeLogs(t.Context(), oneLog("api")))
		require.NoError(t, l.Shutdown(t.Context()))
		require.EqualValues(t, 1, total(sink.AllMetrics()[0], "weir.log.records"))
	}
	// Never started: nothing to say.
	sink := &consumertest.MetricsSink{}
	l, err := f.CreateLogsToMetrics(t.Context(), settings(), cfg, sink)
	require.NoError(t, err)
	require.NoError(t, l.Shutdown(t.Context()))
	require.Empty(t, sink.AllMetrics())
}

func TestRealTicksEmitAHeartbeatWithoutTraffic(t *testing.T) {
	sink := &consumertest.MetricsSink{}
	l, err := NewFactory().CreateLogsToMetrics(t.Context(), settings(), &Config{Interval: 10 * time.Millisecond, MaxServices: 1, ProbeInterval: time.Minute}, sink)
	require.NoError(t, err)
	require.NoError(t, l.Start(t.Context(), componenttest.NewNopHost()))
	require.Eventually(t, func() bool { return len(sink.AllMetrics()) >= 3 }, 10*time.Second, time.Millisecond)
	require.NoError(t, l.Shutdown(t.Context()))
	require.EqualValues(t, 2, total(sink.AllMetrics()[1], "weir.heartbeat"))
}

func TestARefusedEmissionIsCountedAndItsTextNotLogged(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
	set := metadatatest.NewSettings(tel)
	core, logged := observer.New(zap.DebugLevel)
	set.Logger = zap.New(core)
	cfg := &Config{Interval: time.Second, MaxServices: 1, ProbeInterval: time.Minute}
	p := newPair(t, set, cfg, consumertest.NewErr(errors.New("customer@example.com")))
	p.start(t)
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), oneLog("a")))
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), oneLog("beyond")))
	p.tick <- time.Time{}
	p.tick <- time.Time{}
	p.tick <- time.Time{} // taken only after the second emission has ended
	ignore := metricdatatest.IgnoreTimestamp()
	metadatatest.AssertEqualVitalsLimited(t, tel, []metricdata.DataPoint[int64]{
		{Value: 1, Attributes: attribute.NewSet(attribute.String("bound", "services"))},
		{Value: 0, Attributes: attribute.NewSet(attribute.String("bound", "versions"))},
		{Value: 0, Attributes: attribute.NewSet(attribute.String("bound", "routes"))},
		{Value: 0, Attributes: attribute.NewSet(attribute.String("bound", "error_types"))},
		{Value: 0, Attributes: attribute.NewSet(attribute.String("bound", "systems"))},
		{Value: 0, Attributes: attribute.NewSet(attribute.String("bound", "durations"))},
	}, ignore)
	p.stop(t)
	metadatatest.AssertEqualVitalsEmitFailures(t, tel, []metricdata.DataPoint[int64]{{Value: 4}}, ignore)
	require.Equal(t, 1, logged.Len(), "said once")
	for _, e := range logged.All() {
		require.NotContains(t, e.Message, "customer@example.com")
		require.Empty(t, e.Context)
	}
}

type stuck struct{ consumertest.Consumer }

func (stuck) ConsumeMetrics(ctx context.Context, _ pmetric.Metrics) error {
	select {}
}

func TestAPipelineThatHangsDoesNotHangTheShutdown(t *testing.T) {
	p := newPair(t, settings(), createDefaultConfig().(*Config), stuck{consumertest.NewNop()})
	p.start(t)
	p.tick <- time.Time{}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.NoError(t, p.logs.Shutdown(ctx))
	require.ErrorIs(t, p.traces.Shutdown(ctx), errStopped)
}

func TestManyPipelinesWhileEmitting(t *testing.T) {
	sink := &consumertest.MetricsSink{}
	p := newPair(t, settings(), createDefaultConfig().(*Config), sink)
	p.start(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				_ = p.logs.ConsumeLogs(context.Background(), oneLog("api"))
				_ = p.traces.ConsumeTraces(context.Background(), oneSpan("api"))
			}
		})
	}
	for range 20 {
		p.tick <- time.Time{}
	}
	wg.Wait()
	p.stop(t)
	all := sink.AllMetrics()
	require.Len(t, all, 21)
	last := all[20]
	require.EqualValues(t, 400, total(last, "weir.log.records"))
	require.EqualValues(t, 400, total(last, "weir.service.requests"))
	require.EqualValues(t, 20, total(last, "weir.heartbeat"))
}

func TestConfig(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()))
	require.NoError(t, createDefaultConfig().(*Config).Validate())
	err := (&Config{Interval: time.Millisecond, MaxServices: 0, OwnMetricsWithin: -time.Second, ProbeInterval: time.Second}).Validate()
	require.ErrorContains(t, err, "interval")
	require.ErrorContains(t, err, "max_services")
	require.ErrorContains(t, err, "own_metrics_within")
	require.Len(t, strings.Split(err.Error(), "\n"), 3)
	require.Equal(t, component.MustNewType("vitals"), NewFactory().Type())
}

// refusing takes what comes after a number of refusals, and does with it as it
// likes.
type refusing struct {
	consumertest.Consumer
	refusals int
	taken    int
}

func (r *refusing) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	if r.refusals > 0 {
		r.refusals--
		return errors.New("the disk is full")
	}
	r.taken += ld.LogRecordCount()
	ld.ResourceLogs().RemoveIf(func(plog.ResourceLogs) bool { return true })
	return nil
}

func TestWhatIsRefusedAndComesAgainIsCountedOnce(t *testing.T) {
	sink := &consumertest.MetricsSink{}
	cfg := createDefaultConfig().(*Config)
	store := &refusing{Consumer: consumertest.NewNop(), refusals: 3}
	f, set := NewFactory(), settings()
	through, err := f.CreateLogsToLogs(t.Context(), set, cfg, store)
	require.NoError(t, err)
	p := pair{tick: make(chan time.Time)}
	p.logs, err = f.CreateLogsToMetrics(t.Context(), set, cfg, sink)
	require.NoError(t, err)
	require.NoError(t, through.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.logs.Start(t.Context(), componenttest.NewNopHost()))
	for range 4 {
		err := through.ConsumeLogs(t.Context(), oneLog("api"))
		require.Equal(t, store.taken == 0, err != nil)
		require.NoError(t, p.logs.ConsumeLogs(t.Context(), oneLog("api"))) // the collector gives it to both
	}
	require.Equal(t, 1, store.taken)
	require.NoError(t, through.Shutdown(t.Context()))
	require.NoError(t, p.logs.Shutdown(t.Context()))
	all := sink.AllMetrics()
	require.EqualValues(t, 1, total(all[len(all)-1], "weir.log.records"))
}

func TestWithoutAPipelineOfMetricsTheStartFails(t *testing.T) {
	l, err := NewFactory().CreateLogsToLogs(t.Context(), settings(), createDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	require.ErrorContains(t, l.Start(t.Context(), componenttest.NewNopHost()), "name it among the receivers")
	require.NoError(t, l.Shutdown(t.Context()))
}
