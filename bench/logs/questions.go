package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// question is a query and how much dearer it shall be for Loki.
type question struct {
	name    string
	queries []url.Values
	paths   []string
	goal    float64
	rounds  int
}

const instant, ranged = "/loki/api/v1/query", "/loki/api/v1/query_range"

func nanos(t time.Time) string { return fmt.Sprint(t.UnixNano()) }

func questions(c *corpus, begin, end time.Time) []question {
	at := func(query string) url.Values { return url.Values{"query": {query}, "time": {nanos(end)}} }
	find := func(query string) url.Values {
		return url.Values{"query": {query}, "start": {nanos(begin)}, "end": {nanos(end)}, "limit": {"100"}}
	}
	window := fmt.Sprintf("[%ds]", int(end.Sub(begin).Seconds()))
	one := func(name string, goal float64, path string, q url.Values) question {
		return question{name, []url.Values{q}, []string{path}, goal, 3}
	}
	dashboard := question{name: "dashboard_of_12_panels_10_refreshes", goal: 1.5, rounds: 1}
	for refresh := range 10 {
		last := end.Add(time.Duration(refresh-10) * time.Minute) // at whole steps, as Grafana asks
		for _, query := range panels {
			dashboard.queries = append(dashboard.queries, url.Values{"query": {query}, "step": {"60"},
				"start": {nanos(last.Add(-time.Hour))}, "end": {nanos(last)}, "limit": {"100"}})
			dashboard.paths = append(dashboard.paths, ranged)
		}
	}
	return []question{
		one("count_a_phrase", 2.5, instant, at(`sum(count_over_time({namespace=~".+"} |= "`+rarePhrase+`" `+window+`))`)),
		one("count_a_regexp", 2.5, instant, at(`sum(count_over_time({namespace=~".+"} |~ "timeout after [0-9]+ms" `+window+`))`)),
		one("trace_id_in_metadata", 50, ranged, find(`{namespace=~".+"} | trace_id="`+c.inMetadata+`"`)),
		one("trace_id_in_the_line", 8, ranged, find(`{namespace=~".+"} |= "`+c.inLine+`"`)),
		one("json_filter_sum_by", 1.5, instant, at(`sum by (level) (count_over_time({format="json"} | json | status >= 500 `+window+`))`)),
		dashboard,
	}
}

// panels are what a dashboard of one service shows.
var panels = []string{
	`sum(count_over_time({app="app-1"}[1m]))`,
	`sum by (format) (rate({app="app-1"}[1m]))`,
	`sum(bytes_rate({app="app-1"}[1m]))`,
	`sum(count_over_time({app="app-1"} |= "error" [1m]))`,
	`sum(count_over_time({app="app-2"} |~ "timeout after [0-9]+ms" [1m]))`,
	`sum by (level) (count_over_time({app="app-2", format="json"} | json [1m]))`,
	`sum by (status) (count_over_time({app="app-2", format="json"} | json | status >= 400 [1m]))`,
	`avg(avg_over_time({app="app-2", format="json"} | json | unwrap duration_ms [1m]))`,
	`sum by (level) (count_over_time({app="app-3", format="logfmt"} | logfmt [1m]))`,
	`topk(5, sum by (pod) (count_over_time({namespace="ns-1"} |= "WARN" [1m])))`,
	`{app="app-1"} |= "` + rarePhrase + `"`,
	`{app="app-2"} |= "` + rarerPhrase + `"`,
}

// askAll measures both on every question. Their answers must be equal, or the
// figure does not count.
func askAll(f *figures, p pair, all []question) error {
	ctx := context.Background()
	if err := p.each(settle); err != nil {
		return err
	}
	for _, q := range all {
		took := map[*server][]float64{}
		for range q.rounds {
			answers := map[*server][]json.RawMessage{}
			err := p.each(func(s *server) error {
				before, err := s.used()
				if err != nil {
					return err
				}
				start := time.Now()
				for i := range q.queries {
					a, err := s.ask(ctx, q.paths[i], q.queries[i])
					if err != nil {
						return fmt.Errorf("%s: %w", q.queries[i].Get("query"), err)
					}
					answers[s] = append(answers[s], a)
				}
				wall := time.Since(start)
				after, err := s.used()
				own := time.Duration(s.idle * float64(wall))
				took[s] = append(took[s], max(1e-6, (after-before-own).Seconds()))
				return err
			})
			if err != nil {
				return err
			}
			for i := range q.queries {
				if err := equal(answers[p.ours][i], answers[p.loki][i]); err != nil {
					return fmt.Errorf("%s, query %s: %w", q.name, q.queries[i].Get("query"), err)
				}
			}
		}
		ours, loki := median(took[p.ours]), median(took[p.loki])
		f.note("ours: "+q.name+", s of processor time", ours)
		f.note("loki: "+q.name+", s of processor time", loki)
		f.atLeast(q.name+"_loki_per_ours", loki/ours, q.goal)
	}
	return nil
}

// equal compares two results whatever the order of their series.
func equal(a, b json.RawMessage) error {
	x, err := canonical(a)
	if err != nil {
		return err
	}
	y, err := canonical(b)
	if err != nil {
		return err
	}
	if len(x) == 0 {
		return fmt.Errorf("there is no answer, which shows nothing")
	}
	if !slices.EqualFunc(x, y, bytes.Equal) {
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				at := max(0, i-60)
				return fmt.Errorf("the answers differ: %.200s and %.200s", a[at:], b[at:])
			}
		}
		return fmt.Errorf("the answers differ in length: %d and %d series", len(x), len(y))
	}
	return nil
}

func canonical(raw json.RawMessage) ([][]byte, error) {
	var series []any
	if err := json.Unmarshal(raw, &series); err != nil {
		return nil, err
	}
	out := make([][]byte, len(series))
	for i, s := range series {
		b, err := json.Marshal(s) // sorts keys
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	slices.SortFunc(out, bytes.Compare)
	return out, nil
}
