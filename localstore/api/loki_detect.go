package api

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/weir-telemetry/weir/localstore/logql"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

const (
	defaultDetectLines  = 100
	defaultDetectFields = 1000
)

// detectedLabels lists labels worth offering: not those whose values are all
// numbers or ids.
func (l *loki) detectedLabels(r *http.Request) (answer, error) {
	matchers, from, to, err := l.labelRequest(r)
	if err != nil {
		return nil, err
	}
	names, err := l.store.LabelNames(r.Context(), matchers, from, to)
	if err != nil {
		return nil, err
	}
	type detected struct {
		Label       string `json:"label"`
		Cardinality int    `json:"cardinality"`
	}
	var out struct {
		Labels []detected `json:"detectedLabels,omitempty"`
	}
	for _, name := range names {
		values, err := l.store.LabelValues(r.Context(), name, matchers, from, to)
		if err != nil {
			return nil, err
		}
		if !allIDs(values) {
			out.Labels = append(out.Labels, detected{name, len(values)})
		}
	}
	return answer{}.json(out), nil
}

func allIDs(values []string) bool {
	for _, v := range values {
		if _, err := strconv.ParseFloat(v, 64); err == nil {
			continue
		}
		if _, err := uuid.Parse(v); err != nil {
			return false
		}
	}
	return true
}

func (l *loki) fields(r *http.Request) (fields []logql.Field, limit int, err error) {
	p := logql.Params{}
	if p.Start, p.End, err = l.timeRange(r, defaultRange); err != nil {
		return nil, 0, err
	}
	if p.Limit, err = formLimit(r, "line_limit", defaultDetectLines); err != nil {
		return nil, 0, err
	}
	p.Limit = min(p.Limit, 5000)
	if limit, err = formLimit(r, "limit", defaultDetectFields); err != nil {
		return nil, 0, err
	}
	expr, err := syntax.ParseLog(r.Form.Get("query"))
	if err != nil {
		return nil, 0, err
	}
	fields, err = l.engine.DetectFields(r.Context(), expr, p)
	return fields, limit, err
}

func (l *loki) detectedFields(r *http.Request) (answer, error) {
	fields, limit, err := l.fields(r)
	if err != nil {
		return nil, err
	}
	type detected struct {
		Label       string   `json:"label"`
		Type        string   `json:"type"`
		Cardinality int      `json:"cardinality"`
		Parsers     []string `json:"parsers"`
		JSONPath    []string `json:"jsonPath,omitempty"`
	}
	var out struct {
		Fields []detected `json:"fields,omitempty"`
		Limit  int        `json:"limit,omitempty"`
	}
	if len(fields) > 0 {
		out.Limit = limit
	}
	for _, f := range fields[:min(limit, len(fields))] {
		d := detected{Label: f.Name, Type: f.Type, Cardinality: len(f.Values), JSONPath: f.JSONPath}
		if len(f.Parsers) > 0 {
			d.Parsers = f.Parsers // else null, as structured metadata has it
		}
		out.Fields = append(out.Fields, d)
	}
	return answer{}.json(out), nil
}

func (l *loki) detectedValues(r *http.Request) (answer, error) {
	fields, limit, err := l.fields(r)
	if err != nil {
		return nil, err
	}
	var out struct {
		Values []string `json:"values,omitempty"`
		Limit  int      `json:"limit,omitempty"`
	}
	for _, f := range fields {
		if f.Name == r.PathValue("name") {
			out.Limit = limit
			out.Values = f.Values[:min(limit, len(f.Values))]
		}
	}
	return answer{}.json(out), nil
}

// drilldownLimits tells Grafana's Logs Drilldown what it may use.
func (l *loki) drilldownLimits(*http.Request) (answer, error) {
	o := l.engine.Options()
	return answer{}.json(map[string]any{
		"limits": map[string]any{
			"discover_log_levels":         true,
			"max_entries_limit_per_query": o.MaxEntries,
			"max_query_series":            o.MaxSeries,
			"pattern_persistence_enabled": true, // they reach as far back as the logs
			"query_timeout":               syntax.FormatDuration(o.Timeout),
			"volume_enabled":              true,
			"volume_max_series":           1000,
		},
		"pattern_ingester_enabled": true, // that patterns are answered, by whomever
		"version":                  lokiVersion,
	}), nil
}
