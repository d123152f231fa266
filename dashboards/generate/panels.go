package main

import "fmt"

// The data sources are variables, so that one file serves every Grafana.
var (
	metrics = datasource{Type: "prometheus", UID: "${metrics}"}
	logs    = datasource{Type: "loki", UID: "${logs}"}
)

// query is one expression and what its lines are called.
type query struct{ expr, legend string }

func ptr[T any](v T) *T { return &v }

// targets turns queries into Prometheus targets named A, B, C.
func targets(instant bool, queries []query) []target {
	all := make([]target, len(queries))
	for i, q := range queries {
		all[i] = target{
			RefID: string(rune('A' + i)), Datasource: metrics, Expr: q.expr, LegendFormat: q.legend,
			Instant: instant, Range: !instant,
		}
	}
	return all
}

// levels colours values: base below the first bound, then from each bound on.
func levels(base string, bounds ...any) *thresholds {
	t := &thresholds{Mode: "absolute", Steps: []step{{Color: base}}}
	for i := 0; i+1 < len(bounds); i += 2 {
		t.Steps = append(t.Steps, step{Color: bounds[i+1].(string), Value: ptr(bounds[i].(float64))})
	}
	return t
}

// stat is one number. Without a value it shows none, never "No data".
func stat(title, description, unit, none string, t *thresholds, q query) *panel {
	p := &panel{
		Type: "stat", Title: title, Description: description, Datasource: ptr(metrics),
		Targets: targets(true, []query{q}),
		FieldConfig: &fieldConfig{
			Defaults:  fieldDefaults{Unit: unit, NoValue: none, Thresholds: t, Color: map[string]any{"mode": "thresholds"}},
			Overrides: []override{},
		},
		Options: map[string]any{
			"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
			"reduceOptions": reduce(),
		},
	}
	return p
}

// names makes a stat show the series' names instead of their values.
func names(p *panel) *panel {
	p.Options["textMode"] = "name"
	return p
}

func reduce() map[string]any {
	return map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}
}

// lines is a timeseries.
func lines(title, description, unit, none string, queries ...query) *panel {
	return &panel{
		Type: "timeseries", Title: title, Description: description, Datasource: ptr(metrics),
		Targets: targets(false, queries),
		FieldConfig: &fieldConfig{
			Defaults: fieldDefaults{
				Unit: unit, NoValue: none, Min: ptr(0.0), Color: map[string]any{"mode": "palette-classic"},
				Custom: map[string]any{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false,
					"stacking": map[string]any{"mode": "none", "group": "A"}},
			},
			Overrides: []override{},
		},
		Options: map[string]any{
			"legend":  map[string]any{"showLegend": true, "displayMode": "list", "placement": "bottom", "calcs": []string{}},
			"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
		},
	}
}

// stacked puts the lines on top of each other, as bars.
func stacked(p *panel) *panel {
	p.FieldConfig.Defaults.Custom["drawStyle"] = "bars"
	p.FieldConfig.Defaults.Custom["fillOpacity"] = 70
	p.FieldConfig.Defaults.Custom["stacking"] = map[string]any{"mode": "normal", "group": "A"}
	return p
}

// atMost bounds the axis.
func atMost(p *panel, top float64) *panel {
	p.FieldConfig.Defaults.Max = ptr(top)
	return p
}

// coloured gives lines fixed colours by their names: "error", "red", ...
func coloured(p *panel, pairs ...string) *panel {
	for i := 0; i+1 < len(pairs); i += 2 {
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{
			Matcher:    map[string]any{"id": "byName", "options": pairs[i]},
			Properties: []map[string]any{{"id": "color", "value": map[string]any{"mode": "fixed", "fixedColor": pairs[i+1]}}},
		})
	}
	return p
}

// bars is a bar for each series, filled up to top.
func bars(title, description, unit, none string, top float64, t *thresholds, q query) *panel {
	return &panel{
		Type: "bargauge", Title: title, Description: description, Datasource: ptr(metrics),
		Targets: targets(true, []query{q}),
		FieldConfig: &fieldConfig{
			Defaults: fieldDefaults{Unit: unit, NoValue: none, Min: ptr(0.0), Max: ptr(top), Thresholds: t,
				Color: map[string]any{"mode": "thresholds"}},
			Overrides: []override{},
		},
		Options: map[string]any{
			"displayMode": "basic", "orientation": "horizontal", "showUnfilled": true, "valueMode": "color",
			"reduceOptions": reduce(),
		},
	}
}

// states is a band for each series that changes its colour with its value.
func states(title, description, unit, none string, t *thresholds, mappings map[string]string, q query) *panel {
	options := map[string]any{}
	for value, text := range mappings {
		options[value] = map[string]any{"text": text}
	}
	return &panel{
		Type: "state-timeline", Title: title, Description: description, Datasource: ptr(metrics),
		Targets: targets(false, []query{q}),
		FieldConfig: &fieldConfig{
			Defaults: fieldDefaults{Unit: unit, NoValue: none, Thresholds: t, Color: map[string]any{"mode": "thresholds"},
				Mappings: []any{map[string]any{"type": "value", "options": options}},
				Custom:   map[string]any{"lineWidth": 0, "fillOpacity": 70}},
			Overrides: []override{},
		},
		Options: map[string]any{
			"mergeValues": true, "showValue": "auto", "alignValue": "left", "rowHeight": 0.9,
			"legend":  map[string]any{"showLegend": true, "displayMode": "list", "placement": "bottom"},
			"tooltip": map[string]any{"mode": "single"},
		},
	}
}

// column is one query of a table: its values under a title.
type column struct {
	title, unit, expr string
	levels            *thresholds
}

// table joins its columns on the label key and hides every other label that is
// not in keep (label to title).
func table(title, description, none, key string, keep map[string]string, columns ...column) *panel {
	p := &panel{
		Type: "table", Title: title, Description: description, Datasource: ptr(metrics),
		FieldConfig: &fieldConfig{
			Defaults:  fieldDefaults{Unit: "short", NoValue: none, Custom: map[string]any{"align": "auto", "filterable": true}},
			Overrides: []override{},
		},
		Options: map[string]any{"showHeader": true, "cellHeight": "sm", "footer": map[string]any{"show": false}},
	}
	order, rename := map[string]any{key: 0}, map[string]any{}
	for label, name := range keep {
		rename[label] = name
	}
	for i, c := range columns {
		id := string(rune('A' + i))
		p.Targets = append(p.Targets, target{RefID: id, Datasource: metrics, Expr: c.expr, Format: "table", Instant: true})
		value := "Value #" + id
		order[value], rename[value] = i+1, c.title
		properties := []map[string]any{{"id": "unit", "value": c.unit}}
		if c.levels != nil {
			properties = append(properties,
				map[string]any{"id": "thresholds", "value": c.levels},
				map[string]any{"id": "custom.cellOptions", "value": map[string]any{"type": "color-text"}})
		}
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{
			Matcher: map[string]any{"id": "byName", "options": c.title}, Properties: properties,
		})
	}
	p.Transformations = []any{
		map[string]any{"id": "joinByField", "options": map[string]any{"byField": key, "mode": "outer"}},
		map[string]any{"id": "filterFieldsByName", "options": map[string]any{
			"include": map[string]any{"pattern": fmt.Sprintf("^(%s|Value.*|%s)$", key, alternatives(keep))}}},
		map[string]any{"id": "organize", "options": map[string]any{
			"excludeByName": map[string]any{}, "indexByName": order, "renameByName": rename}},
	}
	return p
}

// alternatives writes the labels as a regular expression, in a stable order.
func alternatives(keep map[string]string) string {
	text := ""
	for _, k := range sortedKeys(keep) {
		if text != "" {
			text += "|"
		}
		text += k + "( [0-9]+)?"
	}
	return text
}

// logLines is a panel of log lines.
func logLines(title, description, expr string) *panel {
	return &panel{
		Type: "logs", Title: title, Description: description, Datasource: ptr(logs),
		Targets: []target{{RefID: "A", Datasource: logs, Expr: expr, QueryType: "range", MaxLines: 200}},
		Options: map[string]any{
			"showTime": true, "showLabels": false, "showCommonLabels": false, "wrapLogMessage": true, "prettifyLogMessage": false,
			"enableLogDetails": true, "sortOrder": "Descending", "dedupStrategy": "none",
		},
	}
}

// text is an explanation in Markdown.
func text(title, description, markdown string) *panel {
	return &panel{
		Type: "text", Title: title, Description: description,
		Options: map[string]any{"mode": "markdown", "content": markdown},
	}
}
