//go:build grafana

package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// A real Grafana at GRAFANA_URL, set up with our provisioning files, with an
// edge and a fleet behind it. GRAFANA_TOKEN is a service account's, if Grafana
// lets nobody in without one.
type grafana struct{ url, token string }

func connect(t *testing.T) grafana {
	g := grafana{strings.TrimRight(os.Getenv("GRAFANA_URL"), "/"), os.Getenv("GRAFANA_TOKEN")}
	if g.url == "" {
		t.Fatal("GRAFANA_URL is not set: it names the Grafana to check, such as http://127.0.0.1:3000")
	}
	return g
}

// do asks Grafana and decodes its answer.
func (g grafana) do(method, path string, body, into any) error {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode the request to %s: %w", path, err)
		}
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, g.url+path, in)
	if err != nil {
		return fmt.Errorf("make the request to %s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if g.token != "" {
		req.Header.Set("Authorization", "Bearer "+g.token)
	}
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return fmt.Errorf("ask Grafana: %w", err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 32<<20))
	if err != nil {
		return fmt.Errorf("read the answer to %s: %w", path, err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s is answered with %s: %.300s", method, path, res.Status, data)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read the answer to %s: %w", path, err)
	}
	return nil
}

func TestGrafanaIsHealthyAndHasEveryDashboard(t *testing.T) {
	g := connect(t)
	var health struct{ Database, Version string }
	if err := g.do("GET", "/api/health", nil, &health); err != nil || health.Database != "ok" {
		t.Fatalf("Grafana's health is %+v: %v", health, err)
	}
	t.Logf("Grafana %s", health.Version)
	var hits []struct{ UID string }
	if err := g.do("GET", "/api/search?type=dash-db&tag=weir&limit=1000", nil, &hits); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, h := range hits {
		found[h.UID] = true
	}
	forEach(t, func(t *testing.T, _ string, b *board) {
		if !found[b.UID] {
			t.Fatalf("the search for the tag weir does not find %s", b.UID)
		}
		var answer struct {
			Meta      struct{ Provisioned bool }
			Dashboard board
		}
		if err := g.do("GET", "/api/dashboards/uid/"+b.UID, nil, &answer); err != nil {
			t.Fatal(err)
		}
		if !answer.Meta.Provisioned || answer.Dashboard.Title != b.Title || len(answer.Dashboard.Panels) != len(b.Panels) {
			t.Errorf("%s is not the provisioned file: %q with %d panels, provisioned %t",
				b.UID, answer.Dashboard.Title, len(answer.Dashboard.Panels), answer.Meta.Provisioned)
		}
	})
}

// Every target of every panel, as Grafana's front end asks for it, through
// Grafana's own data source to Weir.
func TestGrafanaAnswersEveryQueryWithFrames(t *testing.T) {
	g := connect(t)
	forEach(t, func(t *testing.T, _ string, b *board) {
		uids := map[string]string{}
		for _, v := range b.Templating.List {
			if v.Type == "datasource" {
				uids["${"+v.Name+"}"], _ = v.Current.Value.(string)
			}
		}
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				if err := g.ask(uids[q.Datasource.UID], p, q); err != nil {
					t.Errorf("%q, query %s: %v", p.Title, q.RefID, err)
				}
			}
		}
	})
}

func (g grafana) ask(uid string, p panel, q target) error {
	query := map[string]any{
		"refId": q.RefID, "expr": fill(q.Expr), "datasource": map[string]string{"type": q.Datasource.Type, "uid": uid},
		"intervalMs": 15000, "maxDataPoints": 500, "instant": q.Instant, "range": q.Range, "legendFormat": q.LegendFormat,
	}
	if q.Datasource.Type == "loki" {
		query["queryType"], query["maxLines"] = q.QueryType, 100
	}
	var answer struct {
		Results map[string]struct {
			Error  string
			Frames []struct{ Schema struct{ Fields []any } }
		}
	}
	if err := g.do("POST", "/api/ds/query", map[string]any{"queries": []any{query}, "from": "now-15m", "to": "now"}, &answer); err != nil {
		return err
	}
	result, ok := answer.Results[q.RefID]
	if !ok || result.Error != "" {
		return fmt.Errorf("answered with an error or not at all: %s", result.Error)
	}
	for _, f := range result.Frames {
		if len(f.Schema.Fields) > 0 {
			return nil
		}
	}
	// The same words as in the console's test: they say that nothing is good news.
	if none := p.FieldConfig.Defaults.NoValue; none == "0" || strings.HasPrefix(none, "none") || strings.HasPrefix(none, "nothing") {
		return nil
	}
	return fmt.Errorf("no frame has a field")
}
