package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
)

// chain is a pipeline of contrib processors; last is what came out of it.
type chain struct {
	first consumer.Metrics
	last  pmetric.Metrics
}

func (c *chain) run(md pmetric.Metrics) {
	if err := c.first.ConsumeMetrics(context.Background(), md); err != nil {
		panic(err)
	}
}

// stage is a processor and its configuration as a user would write it.
type stage struct {
	factory processor.Factory
	config  map[string]any
}

func newChain(stages ...stage) *chain {
	c := &chain{}
	next, err := consumer.NewMetrics(func(_ context.Context, md pmetric.Metrics) error {
		c.last = md
		return nil
	}, consumer.WithCapabilities(consumer.Capabilities{MutatesData: true}))
	if err != nil {
		panic(err)
	}
	c.first = next
	for i := len(stages) - 1; i >= 0; i-- {
		s := stages[i]
		cfg := s.factory.CreateDefaultConfig()
		if err := confmap.NewFromStringMap(s.config).Unmarshal(cfg); err != nil {
			panic(fmt.Errorf("%s: %w", s.factory.Type(), err))
		}
		if v, ok := cfg.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				panic(fmt.Errorf("%s: %w", s.factory.Type(), err))
			}
		}
		p, err := s.factory.CreateMetrics(context.Background(), processortest.NewNopSettings(s.factory.Type()), cfg, c.first)
		if err != nil {
			panic(fmt.Errorf("%s: %w", s.factory.Type(), err))
		}
		if err := p.Start(context.Background(), componenttest.NewNopHost()); err != nil {
			panic(err)
		}
		c.first = p
	}
	return c
}

// keptKeys are what may leave of a point's attributes.
var keptKeys = []string{"service.name", "http.response.status_class"}

func filterStrict(names []string) stage {
	return stage{filterprocessor.NewFactory(), map[string]any{
		"metrics": map[string]any{"include": map[string]any{"match_type": "strict", "metric_names": toAny(names)}},
	}}
}

// filterIsMatch drops what matches none of the names, one IsMatch a name: the
// list of a user who allows metrics one by one, each with its own pattern.
// filterAlternatives is the list of one who knows to make it a single pattern.
func filterIsMatch(names []string) stage {
	conditions := make([]string, len(names))
	for i, n := range names {
		conditions[i] = `IsMatch(name, "^` + strings.ReplaceAll(n, ".", `\\.`) + `$")`
	}
	return filterUnless(strings.Join(conditions, " or "))
}

func filterAlternatives(names []string) stage {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strings.ReplaceAll(n, ".", `\\.`)
	}
	return filterUnless(`IsMatch(name, "^(` + strings.Join(quoted, "|") + `)$")`)
}

func filterUnless(condition string) stage {
	return stage{filterprocessor.NewFactory(), map[string]any{
		"error_mode": "ignore",
		"metrics":    map[string]any{"metric": []any{"not (" + condition + ")"}},
	}}
}

func transformKeepKeys() stage {
	return stage{transformprocessor.NewFactory(), map[string]any{
		"error_mode": "ignore",
		"metric_statements": []any{map[string]any{
			"context":    "datapoint",
			"statements": []any{`keep_keys(attributes, ["` + strings.Join(keptKeys, `", "`) + `"])`},
		}},
	}}
}

// transformPerMetric keeps keys only where the metric is named, as those do
// whose metrics keep different keys.
func transformPerMetric(names []string) stage {
	var statements []any
	for _, n := range names {
		statements = append(statements, `keep_keys(attributes, ["`+strings.Join(keptKeys, `", "`)+`"]) where metric.name == "`+n+`"`)
	}
	return stage{transformprocessor.NewFactory(), map[string]any{
		"error_mode":        "ignore",
		"metric_statements": []any{map[string]any{"context": "datapoint", "statements": statements}},
	}}
}

func redactKeys() stage {
	return stage{redactionprocessor.NewFactory(), map[string]any{
		"allow_all_keys": false, "allowed_keys": toAny(keptKeys), "summary": "silent",
	}}
}

// redactValues looks for five kinds of secret in every value.
func redactValues() stage {
	return stage{redactionprocessor.NewFactory(), map[string]any{
		"allow_all_keys": true, "summary": "silent",
		"blocked_values": []any{
			`4[0-9]{12}(?:[0-9]{3})?`,
			`(5[1-5][0-9]{14})`,
			`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`,
			`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`,
			`\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b`,
		},
	}}
}

func toAny(s []string) []any {
	out := make([]any, len(s))
	for i := range s {
		out[i] = s[i]
	}
	return out
}
