package rules

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/localstore/metricstore"
	"github.com/weir-telemetry/weir/localstore/promengine"
)

const twoRules = `groups:
  - name: g
    interval: 50ms
    rules:
      - {record: "temperature:max", expr: max(temperature)}
      - {alert: TooHot, expr: "temperature:max > 90", labels: {severity: page}, annotations: {summary: "it is {{ $value }}"}}
`

func openStore(t *testing.T) *metricstore.Store {
	t.Helper()
	s, err := metricstore.Open(t.TempDir(), metricstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func put(t *testing.T, s *metricstore.Store, value float64) {
	t.Helper()
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("temperature")
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	p.SetDoubleValue(value)
	if _, err := s.Append(t.Context(), md); err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, s *metricstore.Store, expr string) (float64, bool) {
	t.Helper()
	q, err := promengine.New(promengine.Options{}).NewInstantQuery(t.Context(), s, nil, expr, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	v, err := q.Exec(context.Background()).Vector()
	if err != nil {
		t.Fatal(err)
	}
	if len(v) == 0 {
		return 0, false
	}
	return func(s promql.Sample) float64 { return s.F }(v[0]), true
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("%s: not within 10 s", what)
}

func run(t *testing.T, s *metricstore.Store, o Options, text string) *Manager {
	t.Helper()
	m, err := New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Stop)
	apply(t, m, text)
	m.Start()
	return m
}

func apply(t *testing.T, m *Manager, text string) {
	t.Helper()
	set, err := Parse([]File{{"rules.yaml", []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Apply(set); err != nil {
		t.Fatal(err)
	}
}

func TestResultsAreInTheStoreAndAlertsFireAndEnd(t *testing.T) {
	s := openStore(t)
	put(t, s, 95)
	m := run(t, s, Options{}, twoRules)
	eventually(t, "the recording rule's result", func() bool { v, ok := ask(t, s, "temperature:max"); return ok && v == 95 })
	eventually(t, "the alert", func() bool { _, ok := ask(t, s, `ALERTS{alertname="TooHot", alertstate="firing"}`); return ok })
	if st := m.Stats(); st.Rules != 2 || st.Firing != 1 || st.Evaluations == 0 || st.Failures != 0 {
		t.Errorf("figures %+v", st)
	}
	if got := m.AlertingRules(); len(got) != 1 || got[0].ActiveAlerts()[0].Annotations.Get("summary") != "it is 95" {
		t.Errorf("alerting rules %v", got)
	}
	put(t, s, 20)
	eventually(t, "the alert's end", func() bool { return m.Stats().Firing == 0 })
}

func TestAnotherSetReplacesTheRulesAndEndsTheirSeries(t *testing.T) {
	s := openStore(t)
	put(t, s, 95)
	m := run(t, s, Options{Interval: 50 * time.Millisecond}, twoRules)
	eventually(t, "the old result", func() bool { _, ok := ask(t, s, "temperature:max"); return ok })
	apply(t, m, `groups: [{name: h, rules: [{record: "temperature:min", expr: min(temperature)}]}]`)
	eventually(t, "the new result", func() bool { _, ok := ask(t, s, "temperature:min"); return ok })
	if n := m.Stats().Rules; n != 1 {
		t.Errorf("%d rules, want 1", n)
	}
}

func TestAFailedEvaluationIsCounted(t *testing.T) {
	s := openStore(t)
	put(t, s, 95)
	m := run(t, s, Options{}, `groups: [{name: g, interval: 50ms, rules: [{record: x, expr: 'label_replace(temperature, "a", "$1", "b", "(.*)") / on() group_right() (temperature or label_replace(temperature, "c", "1", "", ""))'}, {record: y, expr: 'temperature * on() (temperature or label_replace(temperature, "c", "1", "", ""))'}]}]`)
	eventually(t, "the failure", func() bool { return m.Stats().Failures > 0 })
}

func TestAManagerThatNeverBeganEnds(t *testing.T) {
	m, err := New(openStore(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, m, twoRules)
	m.Stop()
	m.Stop()
	m.Start()
}

func TestAResultWithoutAStoreToTakeItIsCounted(t *testing.T) {
	s := openStore(t)
	put(t, s, 95)
	m := run(t, s, Options{}, twoRules)
	eventually(t, "a result", func() bool { _, ok := ask(t, s, "temperature:max"); return ok })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the failure", func() bool { return m.Stats().Failures > 0 })
}

// alertmanager is a server that takes alerts as the real one does.
type alertmanager struct {
	mu     sync.Mutex
	paths  []string
	alerts []map[string]any
}

func (a *alertmanager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.paths = append(a.paths, r.Method+" "+r.URL.Path)
	var list []map[string]any
	if json.Unmarshal(body, &list) == nil {
		a.alerts = append(a.alerts, list...)
	}
}

func TestAlertsGoToTheAlertmanagersThatAreNamed(t *testing.T) {
	one, two := &alertmanager{}, &alertmanager{}
	first, second := httptest.NewServer(one), httptest.NewServer(two)
	defer first.Close()
	defer second.Close()
	s := openStore(t)
	put(t, s, 95)
	m := run(t, s, Options{Alertmanagers: []string{first.URL, second.URL + "/prefix/"}, ExternalURL: "http://fleet.example:7171/"}, twoRules)
	eventually(t, "the alert is sent to both", func() bool { return m.Stats().Sent >= 2 })
	for path, am := range map[string]*alertmanager{"POST /api/v2/alerts": one, "POST /prefix/api/v2/alerts": two} {
		am.mu.Lock()
		if am.paths[0] != path {
			t.Errorf("asked %q, want %q", am.paths, path)
		}
		labels := am.alerts[0]["labels"].(map[string]any)
		if labels["alertname"] != "TooHot" || labels["severity"] != "page" {
			t.Errorf("labels %v", labels)
		}
		if link := am.alerts[0]["generatorURL"].(string); len(link) < 30 || link[:32] != "http://fleet.example:7171/graph?" {
			t.Errorf("links to %q", link)
		}
		am.mu.Unlock()
	}
}

func TestNoRedirectOfAnAlertmanagerIsFollowed(t *testing.T) {
	elsewhere := &alertmanager{}
	other := httptest.NewServer(elsewhere)
	defer other.Close()
	redirecting := httptest.NewServer(http.RedirectHandler(other.URL+"/api/v2/alerts", http.StatusTemporaryRedirect))
	defer redirecting.Close()
	s := openStore(t)
	put(t, s, 95)
	m := run(t, s, Options{Alertmanagers: []string{redirecting.URL}}, twoRules)
	eventually(t, "the alert is dropped", func() bool { return m.Stats().Dropped > 0 })
	elsewhere.mu.Lock()
	defer elsewhere.mu.Unlock()
	if len(elsewhere.paths) > 0 {
		t.Errorf("followed to %v", elsewhere.paths)
	}
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1:9093", "ftp://x", "http://", "http://user:pass@host", "http://host?a=b", "://"} {
		if err := CheckAlertmanager(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
		if _, err := New(openStore(t), Options{Alertmanagers: []string{bad}}); err == nil {
			t.Errorf("%q is taken by New", bad)
		}
	}
}
