package dashboards

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/otlptranslator"
	"go.yaml.in/yaml/v3"

	"github.com/weir-telemetry/weir/vitals/environment"
)

// known are metrics that no metadata.yaml of ours declares: those of vitals, of
// the host, of the collector, and those that the fleet's parts make, as OTLP names them. The
// names in Prometheus follow from the translation, not from a second list.
var known = []otlptranslator.Metric{
	{Name: "weir.log.records", Unit: "{record}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "weir.service.requests", Unit: "{request}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "weir.service.errors", Unit: "{error}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "http.server.request.duration", Unit: "s", Type: otlptranslator.MetricTypeHistogram},
	{Name: "http.client.request.duration", Unit: "s", Type: otlptranslator.MetricTypeHistogram},
	{Name: "rpc.server.call.duration", Unit: "s", Type: otlptranslator.MetricTypeHistogram},
	{Name: "rpc.client.call.duration", Unit: "s", Type: otlptranslator.MetricTypeHistogram},
	{Name: "messaging.process.duration", Unit: "s", Type: otlptranslator.MetricTypeHistogram},
	{Name: "messaging.client.operation.duration", Unit: "s", Type: otlptranslator.MetricTypeHistogram},
	{Name: "db.client.operation.duration", Unit: "s", Type: otlptranslator.MetricTypeHistogram},
	{Name: "weir.service.request.duration", Unit: "s", Type: otlptranslator.MetricTypeHistogram},
	{Name: "weir.service.version.first_seen", Unit: "s", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir.service.version.last_seen", Unit: "s", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir.service.deploys", Unit: "{deploy}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "weir.services", Unit: "{service}", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir.service.version", Unit: "{version}", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir.service.silence", Unit: "s", Type: otlptranslator.MetricTypeGauge},

	{Name: "weir.fault.domain", Unit: "{verdict}", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir.probe.success", Unit: "{probe}", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir.probe.duration", Unit: "s", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir.probe.available", Unit: "1", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir.probe.tls.expiry", Unit: "s", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir.probe.clock.skew", Unit: "s", Type: otlptranslator.MetricTypeGauge},

	{Name: "system.cpu.utilization", Unit: "1", Type: otlptranslator.MetricTypeGauge},
	{Name: "system.cpu.load_average.1m", Unit: "{thread}", Type: otlptranslator.MetricTypeGauge},
	{Name: "system.cpu.load_average.5m", Unit: "{thread}", Type: otlptranslator.MetricTypeGauge},
	{Name: "system.cpu.load_average.15m", Unit: "{thread}", Type: otlptranslator.MetricTypeGauge},
	{Name: "system.memory.utilization", Unit: "1", Type: otlptranslator.MetricTypeGauge},
	{Name: "system.filesystem.utilization", Unit: "1", Type: otlptranslator.MetricTypeGauge},
	{Name: "system.filesystem.inodes.usage", Unit: "{inodes}", Type: otlptranslator.MetricTypeNonMonotonicCounter},
	{Name: "system.disk.io", Unit: "By", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "system.disk.io_time", Unit: "s", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "system.disk.pending_operations", Unit: "{operations}", Type: otlptranslator.MetricTypeNonMonotonicCounter},
	{Name: "system.network.io", Unit: "By", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "system.network.errors", Unit: "{errors}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "system.network.dropped", Unit: "{packets}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "system.network.connections", Unit: "{connections}", Type: otlptranslator.MetricTypeNonMonotonicCounter},
	{Name: "system.paging.faults", Unit: "{faults}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "system.paging.operations", Unit: "{operations}", Type: otlptranslator.MetricTypeMonotonicCounter},

	{Name: "otelcol_process_uptime", Unit: "s", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "otelcol_process_cpu_seconds", Unit: "s", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "otelcol_process_memory_rss", Unit: "By", Type: otlptranslator.MetricTypeGauge},
	{Name: "otelcol_process_runtime_heap_alloc_bytes", Unit: "By", Type: otlptranslator.MetricTypeGauge},
	{Name: "otelcol_receiver_accepted_log_records", Unit: "{records}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "otelcol_receiver_accepted_metric_points", Unit: "{datapoints}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "otelcol_receiver_accepted_spans", Unit: "{spans}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "otelcol_receiver_refused_log_records", Unit: "{records}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "otelcol_receiver_refused_metric_points", Unit: "{datapoints}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "otelcol_receiver_refused_spans", Unit: "{spans}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "otelcol_receiver_failed_log_records", Unit: "{records}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "otelcol_receiver_failed_metric_points", Unit: "{datapoints}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "otelcol_receiver_failed_spans", Unit: "{spans}", Type: otlptranslator.MetricTypeMonotonicCounter},

	{Name: "weir_fleet_report_sequence", Unit: "{report}", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir_fleet_install_info", Unit: "", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir_fleet_release_supported_until", Unit: "s", Type: otlptranslator.MetricTypeGauge},
}

// prometheusNames are the names that something of Weir writes: those above, those
// that our components declare, those that our rules record, and the alerts.
func prometheusNames(t *testing.T) map[string]bool {
	all := map[string]bool{"ALERTS": true}
	namer := otlptranslator.MetricNamer{WithMetricSuffixes: true}
	add := func(m otlptranslator.Metric) {
		name, err := namer.Build(m)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = true
		if m.Type == otlptranslator.MetricTypeHistogram {
			all[name+"_bucket"], all[name+"_count"] = true, true
		}
	}
	for _, m := range known {
		add(m)
	}
	for _, f := range environment.Facts {
		add(otlptranslator.Metric{Name: f.Metric, Unit: "{fact}", Type: otlptranslator.MetricTypeGauge})
	}
	files, err := filepath.Glob("../*/*/metadata.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d metadata.yaml found: %v", len(files), err)
	}
	for _, f := range files {
		var y struct {
			Telemetry struct {
				Metrics map[string]struct {
					Prefix, Unit string
					Sum          *struct{ Monotonic bool }
					Histogram    *struct{}
				}
			}
		}
		read(t, f, &y)
		for name, m := range y.Telemetry.Metrics {
			var kind otlptranslator.MetricType = otlptranslator.MetricTypeGauge
			if m.Sum != nil && m.Sum.Monotonic {
				kind = otlptranslator.MetricTypeMonotonicCounter
			}
			if m.Histogram != nil {
				kind = otlptranslator.MetricTypeHistogram
			}
			add(otlptranslator.Metric{Name: m.Prefix + name, Unit: m.Unit, Type: kind})
		}
	}
	for _, f := range []string{"rules/edge.yaml", "rules/fleet.yaml"} {
		var y struct {
			Groups []struct{ Rules []struct{ Record string } }
		}
		read(t, f, &y)
		for _, g := range y.Groups {
			for _, r := range g.Rules {
				if r.Record != "" {
					all[r.Record] = true
				}
			}
		}
	}
	return all
}

func read(t *testing.T, file string, into any) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
