package summaryextension

import (
	"bytes"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
)

func conf() map[string]any {
	return map[string]any{
		"receivers": map[string]any{
			"otlp":         map[string]any{"protocols": map[string]any{"grpc": map[string]any{"endpoint": "127.0.0.1:4317"}, "http": map[string]any{"endpoint": "127.0.0.1:4318"}}},
			"file_log":     map[string]any{"include": []any{"/var/log/*.log", "./logs/*.log"}},
			"hostmetrics":  map[string]any{},
			"loki":         map[string]any{"local_store": "local_store"},
			"otlp/unused":  map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": "127.0.0.1:9999"}}},
			"kafka/events": nil,
		},
		"extensions": map[string]any{
			"local_store": map[string]any{"http": map[string]any{"endpoint": "127.0.0.1:7070"}, "data": "./data"},
		},
		"service": map[string]any{"pipelines": map[string]any{
			"logs":    map[string]any{"receivers": []any{"otlp", "file_log", "loki", "kafka/events"}},
			"metrics": map[string]any{"receivers": []any{"otlp", "hostmetrics"}},
		}},
	}
}

func TestTheSummaryNamesWhatRunsAndNothingElse(t *testing.T) {
	var out bytes.Buffer
	s := &summary{cfg: &Config{Policy: component.MustNewID("policy")}, out: &out, build: component.BuildInfo{Version: "1.2.3"}}
	if err := s.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	if err := s.NotifyConfig(t.Context(), confmap.NewFromStringMap(conf())); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Weir 1.2.3 is running", "OTLP/grpc at 127.0.0.1:4317", "OTLP/http at 127.0.0.1:4318",
		"/var/log/*.log ./logs/*.log", "metrics of this machine", "kafka/events", "http://127.0.0.1:7070/",
		"everything, in ./data", "leaving      nothing",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the summary does not say %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "9999") {
		t.Errorf("the summary names a receiver that no pipeline uses:\n%s", out.String())
	}
}

func TestAnEmptyConfigurationIsDescribed(t *testing.T) {
	if got := describe(nil); len(got) != 0 {
		t.Errorf("describe(nil) = %v, want nothing", got)
	}
}
