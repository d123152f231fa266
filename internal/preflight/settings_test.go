package preflight

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &m))
	return m
}

// read reads a configuration whose variables, if it has any, are not looked at.
func read(t *testing.T, text string) Settings {
	t.Helper()
	m := parse(t, text)
	s, err := Read(m, []map[string]any{m})
	require.NoError(t, err)
	return s
}

const small = `
receivers:
  otlp: {protocols: {grpc: , http: {endpoint: "127.0.0.1:5318"}}}
  otlp/unused: {protocols: {grpc: {endpoint: "127.0.0.1:1"}}}
  file_log: {include: ["/var/log/*.log", "${env:WEIR_LOGS:-./logs/*.log}"], exclude: ["/var/log/btmp"]}
  prometheus: {config: {scrape_configs: [{job_name: a, file_sd_configs: [{files: ["${WEIR_SCRAPE}"]}]}]}}
processors:
  memory_limiter: {limit_mib: 512}
connectors: {vitals: {responsibilities: people.yaml}}
exporters:
  local_store:
  loki: {endpoint: "http://loki:3100"}
  otlp_http: {endpoint: "https://elsewhere.example"}
  upstream: {tls: {ca_file: ca.pem}, proxy: {url: "http://proxy:3128", username: weir}}
extensions:
  policy: {file: "${env:WEIR_POLICY:-}"}
  local_store: {data: /var/lib/weir, logs: {retention: 3d, max_bytes: 20GB}, rules: {alertmanagers: ["", "http://am:9093"]}}
service:
  extensions: [policy, local_store]
  pipelines:
    logs: {receivers: [otlp, file_log], processors: [memory_limiter], exporters: [local_store, vitals, loki]}
    metrics: {receivers: [vitals, prometheus], exporters: [local_store, otlp_http, upstream]}
`

// What is in use is found with the place where it is written, and the variable
// that it is taken from; what no pipeline uses is not there.
func TestTheConfigurationSaysWhatToLookAt(t *testing.T) {
	s := read(t, small)
	assert.Equal(t, []Listener{
		{Setting{Value: "localhost:4317", Key: "receivers::otlp::protocols::grpc::endpoint"}, "otlp"},
		{Setting{Value: "127.0.0.1:5318", Key: "receivers::otlp::protocols::http::endpoint"}, "otlp"},
		{Setting{Value: "127.0.0.1:7070", Key: "extensions::local_store::http::endpoint"}, "local_store"},
	}, s.Listeners)
	assert.Equal(t, "/var/lib/weir", s.Data.Value)
	assert.Equal(t, 72*time.Hour, s.Logs.For)
	assert.EqualValues(t, 20e9, s.Logs.MaxBytes)
	assert.Equal(t, 15*24*time.Hour, s.Metrics.For)
	assert.EqualValues(t, 512<<20, s.MemoryLimit)
	assert.Equal(t, "people.yaml", s.Responsibilities)
	assert.Equal(t, "WEIR_POLICY", s.Policy.File.Variable)
	assert.Equal(t, UpstreamSettings{Used: true, CAFile: "ca.pem", Proxy: ProxySettings{URL: "http://proxy:3128", Username: "weir"}}, s.Upstream)
	assert.Equal(t, []Patterns{{Component: "file_log", Exclude: []string{"/var/log/btmp"}, Include: []Setting{
		{Value: "/var/log/*.log", Key: "receivers::file_log::include::0"},
		{Value: "${env:WEIR_LOGS:-./logs/*.log}", Key: "receivers::file_log::include::1", Variable: "WEIR_LOGS"},
	}}}, s.LogFiles)
	assert.Equal(t, []Setting{{Value: "${WEIR_SCRAPE}", Key: "receivers::prometheus::config::scrape_configs::0::file_sd_configs::0::files::0", Variable: "WEIR_SCRAPE"}}, s.Scrapes)
	assert.Equal(t, []Door{
		{"loki", "http://loki:3100", "customer"},
		{"otlp_http", "https://elsewhere.example", "unknown"},
		{"local_store", "http://am:9093", "customer"},
	}, s.Doors)
}

func TestWhatIsNoCollectorsConfigurationIsRefused(t *testing.T) {
	for _, text := range []string{"{}", "receivers: {otlp: }", "service: {extensions: [a]}"} {
		_, err := Read(parse(t, text), nil)
		assert.ErrorContains(t, err, "no service::pipelines", text)
	}
	broken := parse(t, small)
	broken["extensions"].(map[string]any)["local_store"].(map[string]any)["logs"] = map[string]any{"retention": "soon"}
	_, err := Read(broken, nil)
	assert.ErrorContains(t, err, "extensions::local_store::logs::retention: not a duration")
}

// byDefault is a variable with what it stands for if it is not set.
var byDefault = regexp.MustCompile(`\$\{env:\w+(?::-([^}]*))?\}`)

// Every configuration that ships is read, and its listeners are found: one that
// is not would never be looked at.
func TestTheConfigurationsThatShipAreRead(t *testing.T) {
	for file, listeners := range map[string]int{"edge.yaml": 3, "edge-remote.yaml": 3, "fleet.yaml": 2, "fleet-remote.yaml": 1} {
		text, err := os.ReadFile("../../config/" + file)
		require.NoError(t, err)
		s, err := Read(parse(t, byDefault.ReplaceAllString(string(text), "$1")), []map[string]any{parse(t, string(text))})
		require.NoError(t, err, file)
		assert.Equal(t, !strings.Contains(file, "remote"), s.Stores, file)
		assert.Equal(t, file != "fleet-remote.yaml", s.Data.Variable == "WEIR_DATA", file)
		assert.Len(t, s.Listeners, listeners, file)
		for _, l := range s.Listeners {
			assert.NotEmpty(t, l.Variable, "%s: %s", file, l.Key)
		}
	}
}
