package ownreceiver

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/weir-telemetry/weir/internal/ownmetrics"
	"github.com/weir-telemetry/weir/receivers/ownreceiver/internal/metadata"
)

// service stands for the service around a receiver: its provider and its log.
type service struct {
	mp   metric.MeterProvider
	logs *observer.ObservedLogs
	set  receiver.Settings
}

func newService() service {
	reader := sdkmetric.NewManualReader()
	sdk := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	core, logs := observer.New(zapcore.DebugLevel)
	s := service{mp: ownmetrics.Wrap(sdk, ownmetrics.NewSource(reader)), logs: logs, set: receivertest.NewNopSettings(metadata.Type)}
	s.set.MeterProvider = s.mp
	s.set.Logger = zap.New(core)
	return s
}

func start(t *testing.T, set receiver.Settings, next consumer.Metrics) receiver.Metrics {
	t.Helper()
	f := NewFactory()
	r, err := f.CreateMetrics(t.Context(), set, f.CreateDefaultConfig(), next)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	return r
}

func find(md pmetric.Metrics, name string) (pmetric.Metric, bool) {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Name() == name {
					return m, true
				}
			}
		}
	}
	return pmetric.Metric{}, false
}

func TestACounterArrivesEachInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		var sink consumertest.MetricsSink
		begun := time.Now()
		c, err := s.mp.Meter("m").Int64Counter("weir_things", metric.WithUnit("{thing}"), metric.WithDescription("Things."))
		if err != nil {
			t.Fatal(err)
		}
		c.Add(t.Context(), 2)
		r := start(t, s.set, &sink)
		time.Sleep(9 * time.Second)
		if n := len(sink.AllMetrics()); n != 0 {
			t.Fatalf("%d batches before the interval was over", n)
		}
		time.Sleep(2 * time.Second)
		c.Add(t.Context(), 3)
		time.Sleep(10 * time.Second)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)

		all := sink.AllMetrics()
		if len(all) != 2 {
			t.Fatalf("%d batches, want 2", len(all))
		}
		for i, want := range []int64{2, 5} {
			m, ok := find(all[i], "weir_things")
			if !ok {
				t.Fatalf("batch %d is without the counter", i)
			}
			if m.Unit() != "{thing}" || m.Description() != "Things." || m.Type() != pmetric.MetricTypeSum ||
				!m.Sum().IsMonotonic() || m.Sum().AggregationTemporality() != pmetric.AggregationTemporalityCumulative {
				t.Errorf("batch %d: %v %q %q, want a cumulative monotonic sum of {thing}", i, m.Type(), m.Unit(), m.Description())
			}
			p := m.Sum().DataPoints().At(0)
			if p.IntValue() != want {
				t.Errorf("batch %d holds %d, want %d", i, p.IntValue(), want)
			}
			if got := p.StartTimestamp().AsTime(); !got.Equal(begun) {
				t.Errorf("batch %d starts at %v, want %v", i, got, begun)
			}
			if got := p.Timestamp().AsTime(); !got.Equal(begun.Add(time.Duration(i+1) * 10 * time.Second)) {
				t.Errorf("batch %d is of %v", i, got)
			}
		}
	})
}

func TestARefusalIsCountedAndSaidOnceWithoutItsText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c, err := s.mp.Meter("m").Int64Counter("weir_things")
		if err != nil {
			t.Fatal(err)
		}
		c.Add(t.Context(), 1)
		var sink consumertest.MetricsSink
		var taking atomic.Bool
		next, err := consumer.NewMetrics(func(ctx context.Context, md pmetric.Metrics) error {
			if !taking.Load() {
				return errors.New("canary")
			}
			return sink.ConsumeMetrics(ctx, md)
		})
		if err != nil {
			t.Fatal(err)
		}
		r := start(t, s.set, next)
		time.Sleep(31 * time.Second)
		synctest.Wait()
		taking.Store(true)
		time.Sleep(20 * time.Second)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}

		var said []string
		for _, e := range s.logs.All() {
			said = append(said, e.Message)
			if e.ContextMap()["reason"] == "canary" || strings.Contains(e.Message, "canary") {
				t.Errorf("the error's text was logged: %v", e)
			}
		}
		if len(said) != 2 {
			t.Errorf("said %q, want one line for the failure and one for its end", said)
		}
		all := sink.AllMetrics()
		m, ok := find(all[len(all)-1], "weir_own_receiver_failed_collections")
		if !ok {
			t.Fatal("the failures were not counted")
		}
		p := m.Sum().DataPoints().At(0)
		if reason, _ := p.Attributes().Get("reason"); p.IntValue() != 3 || reason.Str() != refused {
			t.Errorf("counted %d %v, want 3 refused", p.IntValue(), reason.AsRaw())
		}
	})
}

func TestAFailingObservableLeavesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		meter := s.mp.Meter("m")
		c, err := meter.Int64Counter("weir_things")
		if err != nil {
			t.Fatal(err)
		}
		c.Add(t.Context(), 1)
		if _, err := meter.Int64ObservableGauge("weir_broken", metric.WithInt64Callback(func(context.Context, metric.Int64Observer) error {
			return errors.New("canary")
		})); err != nil {
			t.Fatal(err)
		}
		var sink consumertest.MetricsSink
		r := start(t, s.set, &sink)
		time.Sleep(11 * time.Second)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(sink.AllMetrics()) != 1 {
			t.Fatalf("%d batches, want 1", len(sink.AllMetrics()))
		}
		if _, ok := find(sink.AllMetrics()[0], "weir_things"); !ok {
			t.Error("the counter did not arrive")
		}
		logs := s.logs.FilterMessage("own metrics do not arrive in whole").All()
		if len(logs) != 1 || logs[0].ContextMap()["reason"] != partial {
			t.Errorf("said %v, want partial once", logs)
		}
	})
}

// A reader that was shut down leaves the last collection where it was.
func TestAClosedReaderSendsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := sdkmetric.NewManualReader()
		sdk := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
		s := newService()
		s.set.MeterProvider = ownmetrics.Wrap(sdk, ownmetrics.NewSource(reader))
		c, err := sdk.Meter("m").Int64Counter("weir_things")
		if err != nil {
			t.Fatal(err)
		}
		c.Add(t.Context(), 1)
		var sink consumertest.MetricsSink
		r := start(t, s.set, &sink)
		time.Sleep(11 * time.Second)
		if err := sdk.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(sink.AllMetrics()); n != 1 {
			t.Errorf("%d batches, want the one before", n)
		}
		logs := s.logs.FilterMessage("own metrics do not arrive in whole").All()
		if len(logs) != 1 || logs[0].ContextMap()["reason"] != unread {
			t.Errorf("said %v, want unread once", logs)
		}
	})
}

func TestWithoutMetricsTheReceiverRestsOrRefuses(t *testing.T) {
	s := newService()
	s.set.MeterProvider = ownmetrics.Wrap(noop.NewMeterProvider(), ownmetrics.NewSource(nil))
	var sink consumertest.MetricsSink
	r := start(t, s.set, &sink)
	if err := r.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if s.logs.Len() != 1 {
		t.Errorf("said %v, want that metrics are off", s.logs.All())
	}

	s.set.MeterProvider = sdkmetric.NewMeterProvider()
	r, err := NewFactory().CreateMetrics(t.Context(), s.set, createDefaultConfig(), &sink)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context(), componenttest.NewNopHost()); !errors.Is(err, errForeign) {
		t.Errorf("Start under a foreign factory = %v, want the hint", err)
	}
	if err := r.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheIntervalIsBounded(t *testing.T) {
	for d, ok := range map[time.Duration]bool{0: false, time.Millisecond: false, time.Second: true, 10 * time.Second: true, time.Hour: true, 2 * time.Hour: false} {
		if err := (&Config{Interval: d}).Validate(); (err == nil) != ok {
			t.Errorf("interval %s: %v", d, err)
		}
	}
}
