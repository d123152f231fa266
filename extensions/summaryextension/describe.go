package summaryextension

import (
	"fmt"
	"sort"
	"strings"
)

// line is one row of the summary. Rows with equal labels stand together.
type line struct{ label, text string }

// describe tells from a configuration what a person wants to know at start:
// the addresses that listen, the files that are read, the pages to open. A
// component it has no words for is named by its id.
func describe(conf map[string]any) []line {
	var collecting, look []line
	receivers := section(conf, "receivers")
	used := usedReceivers(conf)
	for _, id := range sortedKeys(receivers) {
		if !used[id] {
			continue
		}
		cfg := asMap(receivers[id])
		for _, text := range receiver(id, cfg) {
			collecting = append(collecting, line{"collecting", text})
		}
	}
	extensions := section(conf, "extensions")
	for _, id := range sortedKeys(extensions) {
		if kind(id) != "local_store" {
			continue
		}
		cfg := asMap(extensions[id])
		if at := text(cfg, "http", "endpoint"); at != "" {
			look = append(look,
				line{"look", "http://" + at + "/"},
				line{"look", "Grafana data sources: Prometheus and Loki, both at http://" + at},
			)
		}
		if data := text(cfg, "data"); data != "" {
			look = append(look, line{"staying", "everything, in " + data})
		}
	}
	return append(collecting, look...)
}

// receiver puts one receiver in words, one per address or source.
func receiver(id string, cfg map[string]any) []string {
	switch kind(id) {
	case "otlp":
		var out []string
		protocols := asMap(cfg["protocols"])
		for _, p := range sortedKeys(protocols) {
			if at := text(protocols, p, "endpoint"); at != "" {
				out = append(out, fmt.Sprintf("OTLP/%s at %s", p, at))
			}
		}
		return out
	case "file_log":
		return []string{"lines of the files " + strings.Join(list(cfg["include"]), " ")}
	case "hostmetrics":
		return []string{"metrics of this machine"}
	case "own":
		return []string{"Weir's own metrics"}
	case "prometheus":
		var targets []string
		for _, job := range asList(asMap(cfg["config"])["scrape_configs"]) {
			j := asMap(job)
			for _, sd := range asList(j["static_configs"]) {
				targets = append(targets, list(asMap(sd)["targets"])...)
			}
			for _, sd := range asList(j["file_sd_configs"]) {
				targets = append(targets, list(asMap(sd)["files"])...)
			}
		}
		return []string{"Prometheus targets of " + strings.Join(targets, " ")}
	case "loki":
		if at := text(cfg, "http", "endpoint"); at != "" {
			return []string{"Loki push at http://" + at + "/loki/api/v1/push"}
		}
		return []string{"Loki push at the address below, /loki/api/v1/push"}
	}
	return []string{id}
}

// usedReceivers are those that some pipeline names.
func usedReceivers(conf map[string]any) map[string]bool {
	used := map[string]bool{}
	for _, p := range asMap(section(conf, "service")["pipelines"]) {
		for _, id := range list(asMap(p)["receivers"]) {
			used[id] = true
		}
	}
	return used
}

func kind(id string) string { k, _, _ := strings.Cut(id, "/"); return k }

func section(conf map[string]any, name string) map[string]any { return asMap(conf[name]) }

func asMap(v any) map[string]any { m, _ := v.(map[string]any); return m }

func asList(v any) []any { l, _ := v.([]any); return l }

// list gives the strings of v, which is one string or many.
func list(v any) []string {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	var out []string
	for _, e := range asList(v) {
		out = append(out, fmt.Sprint(e))
	}
	return out
}

// text follows path through nested maps; "" if it leads nowhere.
func text(m map[string]any, path ...string) string {
	for _, p := range path[:len(path)-1] {
		m = asMap(m[p])
	}
	s, _ := m[path[len(path)-1]].(string)
	return s
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
