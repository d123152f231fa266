package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/otlptranslator"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// known are the metrics that the dashboards may ask for, as OTLP names them:
// vitals' own, the host's, Weir's own, and those of the fleet. The names in
// Prometheus follow from the translation, not from a second list.
var known = []otlptranslator.Metric{
	{Name: "weir.log.records", Unit: "{record}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "weir.service.requests", Unit: "{request}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "weir.service.errors", Unit: "{error}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "weir.service.request.duration", Unit: "s", Type: otlptranslator.MetricTypeHistogram},
	{Name: "weir.service.version", Unit: "{version}", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir.service.silence", Unit: "s", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir.heartbeat", Unit: "{beat}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "system.cpu.utilization", Unit: "1", Type: otlptranslator.MetricTypeGauge},
	{Name: "system.memory.utilization", Unit: "1", Type: otlptranslator.MetricTypeGauge},
	{Name: "system.filesystem.utilization", Unit: "1", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir_upstream_reports", Unit: "{report}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "weir_upstream_pending_reports", Unit: "{report}", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir_policy_state", Unit: "{state}", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir_fleet_report_sequence", Unit: "{report}", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir_fleet_last_report", Unit: "s", Type: otlptranslator.MetricTypeGauge},
	{Name: "weir_gate_refused_reports", Unit: "{report}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "weir_fleet_refused_requests", Unit: "{request}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "weir_upstream_refused", Unit: "{report}", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "weir_upstream_sent_bytes", Unit: "By", Type: otlptranslator.MetricTypeMonotonicCounter},
	{Name: "weir_upstream_last_success_time", Unit: "s", Type: otlptranslator.MetricTypeGauge},
}

func prometheusNames(t *testing.T) map[string]bool {
	namer := otlptranslator.MetricNamer{WithMetricSuffixes: true}
	all := map[string]bool{}
	for _, m := range known {
		name, err := namer.Build(m)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = true
		if m.Type == otlptranslator.MetricTypeHistogram {
			all[name+"_bucket"] = true
		}
	}
	return all
}

// fill replaces Grafana's variables as a viewer's first look does.
func fill(expr string) string {
	return strings.NewReplacer(
		"$__rate_interval", "1m", "$__range", "15m", "$service", ".+", "$install", ".+", "$interval", "60",
	).Replace(expr)
}

// expressions are a dashboard's PromQL queries by what asks for them.
func expressions(d *dashboard) map[string]string {
	all := map[string]string{}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			if q.Datasource == metrics {
				all[p.Title+" "+q.RefID] = fill(q.Expr)
			}
		}
	}
	for _, a := range d.Annotations.List {
		all["annotation "+a.Name] = fill(a.Expr)
	}
	for _, v := range d.Templating.List {
		if inner, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
			all["variable "+v.Name], _, _ = strings.Cut(inner, ",")
		}
	}
	return all
}

func TestEveryExpressionIsPromQLOverMetricsThatExist(t *testing.T) {
	names := prometheusNames(t)
	forEach(t, func(t *testing.T, d *dashboard) {
		found := 0
		for what, text := range expressions(d) {
			expr, err := parser.ParseExpr(text)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
				if s, ok := node.(*parser.VectorSelector); ok {
					found++
					if !names[s.Name] {
						t.Errorf("%s asks for %s, which nothing writes", what, s.Name)
					}
				}
				return nil
			})
		}
		if found < 20 {
			t.Errorf("only %d selectors found", found)
		}
	})
}

func TestEveryLogPanelAsksInLogQL(t *testing.T) {
	found := 0
	forEach(t, func(t *testing.T, d *dashboard) {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				if q.Datasource != logs {
					continue
				}
				found++
				if _, err := syntax.Parse(fill(q.Expr)); err != nil {
					t.Errorf("%q, query %s: %v", p.Title, q.RefID, err)
				}
			}
		}
	})
	if found == 0 {
		t.Error("no panel asks for logs")
	}
}

// A rate over a fixed window shows gaps when the scrape interval is longer.
func TestRatesTakeGrafanasIntervalOrTheWholeRange(t *testing.T) {
	forEach(t, func(t *testing.T, d *dashboard) {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				for _, f := range []string{"rate(", "increase("} {
					if strings.Contains(q.Expr, f) && !strings.Contains(q.Expr, "[$__rate_interval]") && !strings.Contains(q.Expr, "[$__range]") {
						t.Errorf("%q, query %s: %s over a fixed window", p.Title, q.RefID, f)
					}
				}
			}
		}
	})
}

func TestEveryQueryAnswersOverSeededData(t *testing.T) {
	seeds := map[string]string{"weir-customer-overview": "edge.load", "weir-fleet-overview": "fleet.load"}
	engine := promqltest.NewTestEngineWithOpts(t, promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute})
	now := time.Unix(0, 0).Add(time.Hour - 10*time.Second)
	forEach(t, func(t *testing.T, d *dashboard) {
		data, err := os.ReadFile(filepath.Join("testdata", seeds[d.UID]))
		if err != nil {
			t.Fatal(err)
		}
		store := promqltest.LoadedStorage(t, string(data))
		defer store.Close()
		for what, text := range expressions(d) {
			q, err := engine.NewInstantQuery(context.Background(), store, nil, text, now)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			result := q.Exec(context.Background())
			if result.Err != nil {
				t.Errorf("%s: %v", what, result.Err)
			} else if v, err := result.Vector(); err != nil || len(v) == 0 {
				t.Errorf("%s answers nothing over the seed: %s", what, text)
			}
			q.Close()
		}
		onlyKnown(t, store)
	})
}

// onlyKnown keeps the seeds honest: they hold no series that Weir would not write.
func onlyKnown(t *testing.T, store storage.Storage) {
	querier, err := store.Querier(0, time.Hour.Milliseconds())
	if err != nil {
		t.Fatal(err)
	}
	defer querier.Close()
	have, _, err := querier.LabelValues(context.Background(), model.MetricNameLabel, nil)
	if err != nil {
		t.Fatal(err)
	}
	names := prometheusNames(t)
	for _, name := range have {
		if !names[name] {
			t.Errorf("the seed holds %s, which nothing writes", name)
		}
	}
}
