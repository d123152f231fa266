package localstoreextension

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"
)

func load(t *testing.T, text string) (*Config, error) {
	t.Helper()
	var raw map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &raw))
	cfg := createDefaultConfig().(*Config)
	return cfg, confmap.NewFromStringMap(raw).Unmarshal(cfg)
}

func TestConfigIsWrittenInDaysAndMebibytes(t *testing.T) {
	cfg, err := load(t, `
http: {endpoint: "localhost:9999"}
data: /srv/weir
metrics: {retention: 30d, max_bytes: 10GiB, max_series: 5, out_of_order_window: 1h}
logs: {retention: 168h, max_bytes: 1073741824, max_streams: 6, max_line_bytes: 256KiB, long_lines: cut,
  query: {timeout: 90s, max_series: 1, max_entries: 2, max_steps: 3, max_lines: 4, max_bytes: 5GiB, max_memory: 6MiB}}
`)
	require.NoError(t, err)
	require.NoError(t, cfg.Validate())
	require.Equal(t, "localhost:9999", cfg.HTTP.NetAddr.Endpoint)
	require.EqualValues(t, 20<<20, cfg.HTTP.MaxRequestBodySize)
	require.Equal(t, "/srv/weir", cfg.Data)
	require.Equal(t, MetricsConfig{Retention: Duration(30 * 24 * time.Hour), MaxBytes: 10 << 30, MaxSeries: 5, OutOfOrderWindow: Duration(time.Hour)}, cfg.Metrics)
	require.Equal(t, LogsConfig{Retention: Duration(7 * 24 * time.Hour), MaxBytes: 1 << 30, MaxStreams: 6, MaxLineBytes: 256 << 10, LongLines: "cut",
		Query: QueryConfig{Timeout: Duration(90 * time.Second), MaxSeries: 1, MaxEntries: 2, MaxSteps: 3, MaxLines: 4, MaxBytes: 5 << 30, MaxMemory: 6 << 20}}, cfg.Logs)
}

func TestDefaultsAreValidAndStayOnLoopback(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, cfg.Validate())
	require.Equal(t, "127.0.0.1:7070", cfg.HTTP.NetAddr.Endpoint)
	require.Equal(t, Duration(15*24*time.Hour), cfg.Metrics.Retention)
	require.Equal(t, Duration(7*24*time.Hour), cfg.Logs.Retention)
}

func TestUnreadableSizesAndDurationsSayHowToWriteThem(t *testing.T) {
	_, err := load(t, `{metrics: {retention: forever}}`)
	require.ErrorContains(t, err, "write it as 36h, 15d or 2w")
	_, err = load(t, `{logs: {max_bytes: lots}}`)
	require.ErrorContains(t, err, "512MiB")
}

func TestEveryFaultIsInOneAnswer(t *testing.T) {
	cfg, err := load(t, `
http: {endpoint: nowhere}
data: ""
metrics: {retention: 1m, max_bytes: -1, max_series: 0, out_of_order_window: 32d}
logs: {retention: 1m, max_bytes: -1, max_streams: 0, max_line_bytes: 17MiB, long_lines: fold,
  query: {timeout: 4m, max_series: 0, max_entries: 0, max_steps: 0, max_lines: 0, max_bytes: 0, max_memory: 1KiB}}
`)
	require.NoError(t, err)
	err = cfg.Validate()
	for _, key := range []string{
		"http::endpoint", "data:", "metrics::retention", "metrics::max_bytes", "metrics::max_series", "metrics::out_of_order_window",
		"logs::retention", "logs::max_bytes", "logs::max_streams", "logs::max_line_bytes", "logs::long_lines",
		"logs::query::timeout", "logs::query::max_series", "logs::query::max_entries", "logs::query::max_steps", "logs::query::max_lines",
		"logs::query::max_bytes", "logs::query::max_memory",
	} {
		require.ErrorContains(t, err, key)
	}
	require.Len(t, strings.Split(err.Error(), "\n"), 18)
}

func TestNothingIsServedToANetworkWithoutAuthentication(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"127.0.0.1:7070": true, "127.9.9.9:1": true, "[::1]:7070": true, "localhost:7070": true,
		"0.0.0.0:7070": false, ":7070": false, "[::]:7070": false, "10.0.0.1:7070": false, "weir.example:7070": false,
		"localhost.evil.example:7070": false,
	} {
		cfg := createDefaultConfig().(*Config)
		cfg.HTTP.NetAddr.Endpoint = endpoint
		if ok {
			require.NoError(t, cfg.Validate(), endpoint)
			continue
		}
		require.ErrorContains(t, cfg.Validate(), "http::auth", endpoint)
		cfg.HTTP.Auth = configoptional.Some(confighttp.AuthConfig{Config: configauth.Config{AuthenticatorID: component.MustNewID("basicauth")}})
		require.NoError(t, cfg.Validate(), endpoint)
	}
}
