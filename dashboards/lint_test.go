package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheCommittedDashboardsAreWhatThisProgramWrites(t *testing.T) {
	for name, d := range files() {
		want, err := render(d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got) {
			t.Errorf("dashboards/%s is not what dashboards/generate writes: run 'go run ./dashboards/generate'", name)
		}
	}
}

// corePanels come with every Grafana, and with the console.
var corePanels = []string{"stat", "timeseries", "bargauge", "table", "logs", "state-timeline", "heatmap", "text", "row"}

// forEach runs check on every dashboard as Grafana reads it: from the JSON.
func forEach(t *testing.T, check func(t *testing.T, d *dashboard)) {
	for _, name := range sortedKeys(files()) {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("..", name))
			if err != nil {
				t.Fatal(err)
			}
			var d dashboard
			strict := json.NewDecoder(bytes.NewReader(data))
			strict.DisallowUnknownFields()
			if err := strict.Decode(&d); err != nil {
				t.Fatal(err)
			}
			check(t, &d)
		})
	}
}

func TestDashboardsKeepTheConventions(t *testing.T) {
	uids := map[string]bool{}
	forEach(t, func(t *testing.T, d *dashboard) {
		if d.UID == "" || uids[d.UID] {
			t.Errorf("uid %q is empty or used twice", d.UID)
		}
		uids[d.UID] = true
		if d.SchemaVersion != 39 || d.Editable || d.Title == "" || d.Description == "" || !slices.Contains(d.Tags, "weir") {
			t.Error("a dashboard has schema version 39, a title, a description, the tag weir, and is not editable")
		}
		variables := map[string]bool{}
		for _, v := range d.Templating.List {
			if v.Type == "datasource" {
				variables["${"+v.Name+"}"] = true
			}
			if v.Description == "" || v.Label == "" {
				t.Errorf("variable %s needs a label and a description", v.Name)
			}
		}
		if len(d.Links) == 0 || !d.Links[0].KeepTime || !d.Links[0].IncludeVars {
			t.Error("links keep the time and the variables")
		}
		for _, p := range d.Panels {
			checkPanel(t, p, variables)
		}
		checkLayout(t, d.Panels)
	})
}

func checkPanel(t *testing.T, p *panel, variables map[string]bool) {
	if !slices.Contains(corePanels, p.Type) {
		t.Errorf("%q is a %s, which is not a core panel", p.Title, p.Type)
	}
	if p.Title == "" {
		t.Errorf("panel %d has no title", p.ID)
	}
	if p.Type == "row" {
		return
	}
	if len(p.Description) < 20 || !strings.HasSuffix(p.Description, ".") {
		t.Errorf("%q needs a description in whole sentences", p.Title)
	}
	if p.Type == "text" {
		return
	}
	if p.Datasource == nil || !variables[p.Datasource.UID] {
		t.Errorf("%q does not take its data source from a variable", p.Title)
	}
	if len(p.Targets) == 0 {
		t.Errorf("%q asks for nothing", p.Title)
	}
	for _, q := range p.Targets {
		if !variables[q.Datasource.UID] {
			t.Errorf("%q, query %s: the data source is not a variable", p.Title, q.RefID)
		}
		if (p.Type == "timeseries" || p.Type == "state-timeline" || p.Type == "bargauge") && q.LegendFormat == "" {
			t.Errorf("%q, query %s: no legend", p.Title, q.RefID)
		}
	}
	if p.Type == "logs" {
		return
	}
	if p.FieldConfig.Defaults.Unit == "" {
		t.Errorf("%q has no unit", p.Title)
	}
	if p.FieldConfig.Defaults.NoValue == "" {
		t.Errorf("%q says nothing when there is no value", p.Title)
	}
	if p.Type == "stat" && p.FieldConfig.Defaults.Thresholds == nil {
		t.Errorf("%q has no thresholds", p.Title)
	}
}

// checkLayout: no two panels have one number or one place.
func checkLayout(t *testing.T, panels []*panel) {
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range panels {
		if ids[p.ID] {
			t.Errorf("panel number %d is used twice", p.ID)
		}
		ids[p.ID] = true
		g := p.GridPos
		if g.X < 0 || g.W < 1 || g.X+g.W > 24 {
			t.Errorf("%q does not fit into 24 columns", p.Title)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("%q lies on %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
