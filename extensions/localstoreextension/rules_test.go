package localstoreextension

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const hotRules = `groups:
  - name: g
    interval: 50ms
    rules:
      - {record: "temperature:max", expr: max(temperature)}
      - {alert: Warm, expr: "temperature:max > 20", labels: {severity: page}}
`

func writeRules(t *testing.T, file, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
}

func answered(t *testing.T, url, want string) {
	t.Helper()
	require.Eventually(t, func() bool {
		resp, body := get(t, url)
		return resp.StatusCode == http.StatusOK && strings.Contains(body, want)
	}, 5*time.Second, 20*time.Millisecond, "%s never says %s", url, want)
}

func TestRulesAreEvaluatedAndAnswered(t *testing.T) {
	cfg := testConfig(t)
	file := filepath.Join(t.TempDir(), "a.yaml")
	writeRules(t, file, hotRules)
	cfg.Rules.Files = []string{filepath.Dir(file) + "/*.yaml", file, ""}
	l := started(t, nop(), cfg)
	require.NoError(t, l.ConsumeMetrics(t.Context(), someMetrics(time.Now())))
	answered(t, l.url()+"/api/v1/query?query=temperature:max", `"21"`)
	answered(t, l.url()+"/api/v1/rules", `"state":"firing","name":"Warm"`)
	answered(t, l.url()+"/api/v1/alerts", `"alertname":"Warm"`)

	// A changed file takes effect; a broken one leaves the rules as they are.
	writeRules(t, file, strings.ReplaceAll(hotRules, "temperature:max", "temperature:most"))
	l.rules.look()
	answered(t, l.url()+"/api/v1/query?query=temperature:most", `"21"`)
	require.False(t, l.rules.refused.Load())
	writeRules(t, file, strings.ReplaceAll(hotRules, "max(", "max(("))
	l.rules.look()
	require.True(t, l.rules.refused.Load())
	require.Contains(t, l.rules.said, "a.yaml:5:")
	require.NoError(t, os.Remove(file))
	l.rules.look()
	require.Contains(t, l.rules.said, "no file matches")
	answered(t, l.url()+"/api/v1/rules", `temperature:most`)
	f, ok := l.figuresNow()
	require.True(t, ok)
	require.EqualValues(t, 2, f.rules.Rules)
}

func TestFaultsOfRulesAreSaidAtOnce(t *testing.T) {
	cfg := testConfig(t)
	file := filepath.Join(t.TempDir(), "a.yaml")
	writeRules(t, file, strings.ReplaceAll(hotRules, "max(", "max(("))
	cfg.Rules.Files = []string{file, "[", filepath.Join(t.TempDir(), "none.yaml")}
	cfg.Rules.Alertmanagers = []string{"localhost", ""}
	cfg.Rules.Interval = 0
	err := cfg.Validate()
	require.Error(t, err)
	for _, want := range []string{"a.yaml:5:", `"[" is no pattern`, "no file matches", "rules::alertmanagers: not the address", "rules::interval: out of range"} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "localhost:", "an address may hold a secret")
}
