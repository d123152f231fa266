package dashboards

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// grafana is a Grafana that was set up with our provisioning files, asked over its
// HTTP API. The token is a service account's, if it lets nobody in without one.
type grafana struct{ url, token string }

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

// health says Grafana's version if its database is well.
func (g grafana) health() (version string, err error) {
	var h struct{ Database, Version string }
	if err := g.do("GET", "/api/health", nil, &h); err != nil {
		return "", err
	}
	if h.Database != "ok" {
		return "", fmt.Errorf("Grafana's database is %q", h.Database)
	}
	return h.Version, nil
}

// found are the uids of all dashboards with our tag.
func (g grafana) found() (map[string]bool, error) {
	var hits []struct{ UID string }
	if err := g.do("GET", "/api/search?type=dash-db&tag=weir&limit=1000", nil, &hits); err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, h := range hits {
		all[h.UID] = true
	}
	return all, nil
}

// has says whether Grafana has the dashboard, provisioned and whole.
func (g grafana) has(b *board) error {
	var answer struct {
		Meta      struct{ Provisioned bool }
		Dashboard board
	}
	if err := g.do("GET", "/api/dashboards/uid/"+b.UID, nil, &answer); err != nil {
		return err
	}
	if d := answer.Dashboard; !answer.Meta.Provisioned || d.Title != b.Title || len(d.Panels) != len(b.Panels) {
		return fmt.Errorf("%s is not the provisioned file: %q with %d panels, provisioned %t", b.UID, d.Title, len(d.Panels), answer.Meta.Provisioned)
	}
	return nil
}

// answers asks every target of every panel, as Grafana's front end does, through
// Grafana's own data sources.
func (g grafana) answers(b *board) error {
	uids := map[string]string{}
	for _, v := range b.Templating.List {
		if v.Type == "datasource" {
			uids["${"+v.Name+"}"], _ = v.Current.Value.(string)
		}
	}
	var errs error
	for _, p := range b.Panels {
		for _, q := range p.Targets {
			if err := g.ask(uids[q.Datasource.UID], p, q); err != nil {
				errs = errors.Join(errs, fmt.Errorf("%q, query %s: %w", p.Title, q.RefID, err))
			}
		}
	}
	return errs
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
	if isGoodNews(p.FieldConfig.Defaults.NoValue) {
		return nil
	}
	return errors.New("no frame has a field")
}
