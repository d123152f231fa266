package main

import (
	"maps"
	"slices"
)

// section is a titled row of the dashboard and what lies under it.
type section struct {
	title string
	lines []line
}

// line is a line of panels, all of one height; the widths add up to at most 24.
type line struct {
	height int
	panels []placed
}

type placed struct {
	width int
	panel *panel
}

// lay gives every panel its place and its number, in reading order.
func lay(sections ...section) []*panel {
	var all []*panel
	y := 0
	add := func(p *panel, at gridPos) {
		p.ID, p.GridPos = len(all)+1, at
		all = append(all, p)
	}
	for _, s := range sections {
		add(&panel{Type: "row", Title: s.title, Collapsed: ptr(false)}, gridPos{H: 1, W: 24, Y: y})
		y++
		for _, l := range s.lines {
			x := 0
			for _, p := range l.panels {
				add(p.panel, gridPos{H: l.height, W: p.width, X: x, Y: y})
				x += p.width
			}
			y += l.height
		}
	}
	return all
}

// even shares a line among its panels.
func even(height int, panels ...*panel) line {
	l := line{height: height}
	for _, p := range panels {
		l.panels = append(l.panels, placed{24 / len(panels), p})
	}
	return l
}

// shared is what all of our dashboards have in common.
func shared(d *dashboard) *dashboard {
	d.SchemaVersion = 39
	d.Version = 1
	d.GraphTooltip = 1
	d.Refresh = "10s"
	d.Timezone = "browser"
	d.Time = timeRange{From: "now-1h", To: "now"}
	d.Links = []link{{Title: "Weir", Type: "dashboards", Tags: []string{"weir"}, AsDropdown: true, IncludeVars: true, KeepTime: true}}
	return d
}

// source is a variable that picks a data source. The one that provisioning/
// sets up is chosen at first.
func source(name, label, kind, text, uid string) variable {
	return variable{
		Name: name, Label: label, Description: "Where this dashboard reads its " + name, Type: "datasource", Query: kind,
		Current: &option{Selected: true, Text: text, Value: uid}, Refresh: 1,
	}
}

// values is a variable that picks from the values of a label.
func values(name, label, description, metric, key string) variable {
	expr := "label_values(" + metric + ", " + key + ")"
	return variable{
		Name: name, Label: label, Description: description, Type: "query", Datasource: ptr(metrics),
		Query: map[string]any{"query": expr, "refId": name}, Definition: expr,
		Current: &option{Selected: true, Text: "All", Value: "$__all"}, IncludeAll: true, AllValue: ".+", Multi: true, Refresh: 2, Sort: 1,
	}
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
