package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

var top = regexp.MustCompile(`\btopk\(\d+,`)

// ofDashboards makes questions of what the dashboards ask for logs, so that
// Loki's own parser and engine judge them too. The corpus calls app what an edge
// calls service_name.
func ofDashboards(folder string, begin time.Time) ([]question, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*", "*.json"))
	if err != nil {
		return nil, err
	}
	var all []question
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var d struct {
			Panels []struct {
				Targets []struct {
					Expr, QueryType string
					Datasource      struct{ Type string }
				}
			}
		}
		if err := json.Unmarshal(data, &d); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		for _, p := range d.Panels {
			for _, t := range p.Targets {
				if t.Datasource.Type != "loki" {
					continue
				}
				shape := "query_range start=T+0m end=T+30m step=180 limit=200"
				if t.QueryType == "instant" {
					shape = "query time=T+29m"
				}
				q, err := request("dashboards", shape, begin)
				if err != nil {
					return nil, err
				}
				q.query = strings.NewReplacer("service_name", "app", "$service", "api|worker", "$search", "o", "$__auto", "3m", "$__range", "15m").Replace(t.Expr)
				// Of elements with one value a server picks any.
				q.query = top.ReplaceAllString(q.query, "topk(500,")
				q.ties = ordered.MatchString(q.query)
				q.form.Set("query", q.query)
				q.name = "dashboards: " + q.query
				all = append(all, q)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no dashboard in %s asks for logs", folder)
	}
	return all, nil
}
