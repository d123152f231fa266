package owntelemetry

import (
	"strings"
	"testing"

	"go.opentelemetry.io/collector/config/configtelemetry"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap/zapcore"
)

func load(conf map[string]any) (*Config, error) {
	cfg := createDefaultConfig().(*Config)
	if err := confmap.NewFromStringMap(conf).Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, cfg.Validate()
}

func TestWhatIsSetIsTaken(t *testing.T) {
	cfg, err := load(map[string]any{
		"logs":     map[string]any{"level": "debug", "encoding": "json"},
		"metrics":  map[string]any{"level": "detailed"},
		"resource": map[string]any{"service.name": "weir", "service.instance.id": nil},
	})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Logs.Level != zapcore.DebugLevel || cfg.Logs.Encoding != "json" || cfg.Metrics.Level != configtelemetry.LevelDetailed || cfg.Resource["service.name"] != "weir" {
		t.Errorf("loaded %+v", cfg)
	}
	if v, ok := cfg.Resource["service.instance.id"]; !ok || v != "" {
		t.Errorf("null in the resource is %q, %v, want the empty value that leaves it out", v, ok)
	}
}

func TestEveryFaultIsNamedWithAHint(t *testing.T) {
	for _, c := range []struct {
		name string
		conf map[string]any
		want []string
	}{
		{"readers and traces", map[string]any{
			"metrics": map[string]any{"readers": []any{}, "views": []any{}},
			"traces":  map[string]any{"level": "none"},
			"logs":    map[string]any{"processors": []any{}, "sampling": nil},
		}, []string{
			"service::telemetry::metrics::readers is not known", "service::telemetry::metrics::views", "`own` receiver",
			"service::telemetry::traces", "no traces of itself",
			"service::telemetry::logs::processors", "service::telemetry::logs::sampling", "terminal only; known here: level, encoding",
		}},
		{"bad values", map[string]any{"logs": map[string]any{"level": "fatal", "encoding": "xml"}},
			[]string{"use debug, info, warn or error", `"xml": use console or json`}},
		{"no level", map[string]any{"metrics": map[string]any{"level": "loud"}}, []string{"metrics.level", "loud"}},
		{"no section", map[string]any{"logs": "info"}, []string{"logs"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(c.conf)
			if err == nil {
				t.Fatal("taken")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("the error does not say %q:\n%v", w, err)
				}
			}
		})
	}
}
