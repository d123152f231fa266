package owntelemetry_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver"

	"github.com/weir-telemetry/weir/receivers/ownreceiver"
	"github.com/weir-telemetry/weir/telemetry/owntelemetry"
)

// seen is what the pipeline of a service was given.
type seen struct {
	mu    sync.Mutex
	names map[string]string // metric to unit, of the newest batch
	who   map[string]bool   // values of service.name
	ids   map[string]bool   // values of service.instance.id
}

func (s *seen) consume(_ context.Context, md pmetric.Metrics) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = map[string]string{}
	for _, rm := range md.ResourceMetrics().All() {
		if v, ok := rm.Resource().Attributes().Get("service.name"); ok {
			s.who[v.Str()] = true
		}
		if v, ok := rm.Resource().Attributes().Get("service.instance.id"); ok {
			s.ids[v.Str()] = true
		}
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				s.names[m.Name()] = m.Unit()
			}
		}
	}
	return nil
}

func (s *seen) unit(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.names[name]
	return u, ok
}

// collector is a whole collector with the one pipeline own → s.
func collector(t *testing.T, name, level string, s *seen) *otelcol.Collector {
	t.Helper()
	s.who, s.ids = map[string]bool{}, map[string]bool{}
	typ := component.MustNewType("seen")
	sink := exporter.NewFactory(typ, func() component.Config { return &struct{}{} },
		exporter.WithMetrics(func(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Metrics, error) {
			return exporterhelper.NewMetrics(ctx, set, cfg, s.consume)
		}, component.StabilityLevelAlpha))
	conf := fmt.Sprintf(`yaml:
receivers: {own: {interval: 1s}}
exporters: {seen: }
service:
  pipelines: {metrics: {receivers: [own], exporters: [seen]}}
  telemetry: {logs: {level: error}, metrics: {level: %s}, resource: {service.name: %s}}
`, level, name)
	col, err := otelcol.NewCollector(otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "test", Version: "1.2.3"},
		Factories: func() (otelcol.Factories, error) {
			own := ownreceiver.NewFactory()
			return otelcol.Factories{
				Receivers: map[component.Type]receiver.Factory{own.Type(): own},
				Exporters: map[component.Type]exporter.Factory{typ: sink},
				Telemetry: owntelemetry.NewFactory(),
			}, nil
		},
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs: []string{conf}, ProviderFactories: []confmap.ProviderFactory{yamlprovider.NewFactory()},
		}},
		DisableGracefulShutdown: true,
		SkipSettingGRPCLogger:   true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return col
}

// during runs the collectors, then do, and demands that they end well.
func during(t *testing.T, do func(), cols ...*otelcol.Collector) {
	t.Helper()
	ended := make(chan error, len(cols))
	for _, c := range cols {
		if err := c.DryRun(t.Context()); err != nil {
			t.Fatalf("dry run: %v", err)
		}
		go func() { ended <- c.Run(context.Background()) }()
	}
	for _, c := range cols {
		eventually(t, func() bool { return c.GetState() != otelcol.StateStarting })
	}
	do()
	for _, c := range cols {
		c.Shutdown()
	}
	for range cols {
		if err := <-ended; err != nil {
			t.Errorf("a collector ended with: %v", err)
		}
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited 20 s in vain")
		}
	}
}

// The names and units are those that dashboards ask for.
func TestTwoServicesInOneProcessEachFindTheirOwn(t *testing.T) {
	var a, b seen
	during(t, func() {
		for _, s := range []*seen{&a, &b} {
			for name, unit := range map[string]string{
				"otelcol_process_uptime":                   "s",
				"otelcol_receiver_accepted_metric_points":  "{datapoint}",
				"otelcol_exporter_sent_metric_points":      "{datapoint}",
				"otelcol_process_runtime_heap_alloc_bytes": "By",
			} {
				eventually(t, func() bool { _, ok := s.unit(name); return ok })
				if got, _ := s.unit(name); got != unit {
					t.Errorf("%s has the unit %q, want %q", name, got, unit)
				}
			}
		}
	}, collector(t, "a", "normal", &a), collector(t, "b", "normal", &b))
	if len(a.who) != 1 || !a.who["a"] || len(b.who) != 1 || !b.who["b"] {
		t.Errorf("service a sent as %v, service b as %v", a.who, b.who)
	}
	if len(a.ids) != 1 || len(b.ids) != 1 || fmt.Sprint(a.ids) == fmt.Sprint(b.ids) {
		t.Errorf("instance ids %v and %v, want one each", a.ids, b.ids)
	}
}

func TestLevelNoneSendsNothing(t *testing.T) {
	var s seen
	during(t, func() { time.Sleep(2500 * time.Millisecond) }, collector(t, "a", "none", &s))
	if len(s.who) != 0 {
		t.Errorf("metrics arrived from %v", s.who)
	}
}

// The gate makes the collector wrap the meter provider for each component.
func TestTheSourceIsFoundBehindTheCollectorsWrapper(t *testing.T) {
	const gate = "telemetry.newPipelineTelemetry"
	if err := featuregate.GlobalRegistry().Set(gate, true); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := featuregate.GlobalRegistry().Set(gate, false); err != nil {
			t.Error(err)
		}
	}()
	var s seen
	during(t, func() {
		eventually(t, func() bool { _, ok := s.unit("otelcol_process_uptime"); return ok })
	}, collector(t, "a", "normal", &s))
}
