package dashboards

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// fill replaces Grafana's variables as a viewer's first look does.
func fill(expr string) string {
	return strings.NewReplacer(
		"$__rate_interval", "1m", "$__range", "15m", "$__auto", "1m", "$service", ".+", "$install", "a", "$ring", ".+", "$search", "",
	).Replace(expr)
}

// expressions are a dashboard's PromQL queries by what asks for them.
func expressions(b *board) map[string]string {
	all := map[string]string{}
	for _, p := range b.Panels {
		for _, q := range p.Targets {
			if q.Datasource.Type == "prometheus" {
				all[p.Title+" "+q.RefID] = fill(q.Expr)
			}
		}
	}
	for _, a := range b.Annotations.List {
		all["annotation "+a.Name] = fill(a.Expr)
	}
	for _, v := range b.Templating.List {
		if q, ok := v.Query.(map[string]any); ok {
			text, _ := q["query"].(string)
			inner, ok := strings.CutPrefix(text, "label_values(")
			if ok {
				all["variable "+v.Name], _, _ = strings.Cut(inner, ",")
			}
		}
	}
	return all
}

func TestEveryExpressionIsPromQLOverMetricsThatExist(t *testing.T) {
	names := prometheusNames(t)
	forEach(t, func(t *testing.T, _ string, b *board) {
		found := 0
		for what, text := range expressions(b) {
			expr, err := parser.ParseExpr(text)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
				if s, ok := node.(*parser.VectorSelector); ok {
					found++
					for _, name := range asked(s) {
						if !names[name] {
							t.Errorf("%s asks for %q, which nothing writes", what, name)
						}
					}
				}
				return nil
			})
		}
		if found < 5 {
			t.Errorf("only %d selectors found", found)
		}
	})
}

// asked are the names that a selector asks for: its own, or those that a pattern
// (a|b)c of names spells out.
func asked(s *parser.VectorSelector) []string {
	for _, m := range s.LabelMatchers {
		if m.Name != model.MetricNameLabel || m.Type == labels.MatchEqual {
			continue
		}
		inner, rest, ok := strings.Cut(strings.TrimPrefix(m.Value, "("), ")")
		if !ok || m.Type != labels.MatchRegexp {
			return []string{m.String()}
		}
		all := strings.Split(inner, "|")
		for i := range all {
			all[i] += rest
		}
		return all
	}
	return []string{s.Name}
}

func TestEveryLogPanelAsksInLogQL(t *testing.T) {
	found := 0
	forEach(t, func(t *testing.T, _ string, b *board) {
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				if q.Datasource.Type != "loki" {
					continue
				}
				found++
				if _, err := syntax.Parse(fill(q.Expr)); err != nil {
					t.Errorf("%q, query %s: %v", p.Title, q.RefID, err)
				}
			}
		}
	})
	if found < 6 {
		t.Errorf("only %d queries for logs", found)
	}
}

var aWindow = regexp.MustCompile(`\[(\$__\w+|[0-9]+[a-z]+)\]`)

// A rate over a fixed window shows gaps when the scrape interval is longer; only
// what installs report, every minute or so, is taken over a quarter of an hour.
func TestRatesTakeGrafanasIntervalOrTheWholeRange(t *testing.T) {
	forEach(t, func(t *testing.T, _ string, b *board) {
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				for _, f := range []string{"rate(", "increase(", "count_over_time("} {
					for _, part := range strings.Split(q.Expr, f)[1:] {
						m := aWindow.FindStringSubmatch(part)
						if m == nil {
							t.Errorf("%q, query %s: %s has no window", p.Title, q.RefID, f)
							continue
						}
						window := m[1]
						reported := window == "15m" && strings.Contains(part, "weir_install_id")
						if window != "$__rate_interval" && window != "$__range" && window != "$__auto" && !reported {
							t.Errorf("%q, query %s: %s over the fixed window %q", p.Title, q.RefID, f, window)
						}
					}
				}
			}
		}
	})
}

func TestEveryQueryAnswersOverSeededData(t *testing.T) {
	seeds := map[string]string{"customer": "edge.load", "fleet": "fleet.load"}
	engine := promqltest.NewTestEngineWithOpts(t, promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute})
	now := time.Unix(0, 0).Add(time.Hour - 10*time.Second)
	stores := map[string]storage.Storage{}
	for folder, file := range seeds {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		s := promqltest.LoadedStorage(t, string(data))
		defer s.Close()
		onlyKnown(t, s)
		stores[folder] = s
	}
	forEach(t, func(t *testing.T, name string, b *board) {
		store := stores[path.Dir(name)]
		for what, text := range expressions(b) {
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
	})
}

// A reason's counter begins with 1: the first refusal of all counts too.
func TestTheFirstRefusalIsSeen(t *testing.T) {
	store := promqltest.LoadedStorage(t, "load 10s\n  weir_upstream_refused_total{reason=\"no_policy\"} _x330 1x29\n")
	defer store.Close()
	engine := promqltest.NewTestEngineWithOpts(t, promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute})
	forEach(t, func(t *testing.T, name string, b *board) {
		if name != "customer/leaves.json" {
			return
		}
		q, err := engine.NewInstantQuery(context.Background(), store, nil, expressions(b)["Refused here A"], time.Unix(0, 0).Add(time.Hour-10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		v, err := q.Exec(context.Background()).Vector()
		if err != nil || len(v) != 1 || v[0].F != 1 {
			t.Errorf("one refusal shows as %v, %v", v, err)
		}
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
