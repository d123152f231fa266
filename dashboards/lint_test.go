package dashboards

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestDashboardsKeepTheConventions(t *testing.T) {
	uids := map[string]string{}
	forEach(t, func(t *testing.T, name string, b *board) {
		if other, ok := uids[b.UID]; ok || !strings.HasPrefix(b.UID, "weir-") || len(b.UID) > 40 {
			t.Errorf("uid %q does not begin with weir-, is too long for Grafana, or is that of %q", b.UID, other)
		}
		uids[b.UID] = name
		set, _, _ := strings.Cut(name, "/")
		if b.Editable || b.SchemaVersion != 39 || !strings.HasPrefix(b.Title, "Weir / ") || !sentence(b.Description) {
			t.Error("a dashboard has schema version 39, a title that begins with Weir, a description in sentences, and is not editable")
		}
		if !slices.Equal(b.Tags, []string{"weir", "weir-" + set}) {
			t.Errorf("tags %q", b.Tags)
		}
		if len(b.Links) == 0 {
			t.Error("no link to the other dashboards")
		}
		for _, l := range b.Links {
			if l.Type != "dashboards" || !slices.Equal(l.Tags, b.Tags[1:]) || !l.KeepTime || !l.IncludeVars {
				t.Error("links lead to the dashboards of the same tag and keep the time and the variables")
			}
		}
		checkAnnotations(t, b)
		sources := map[string]bool{}
		for _, v := range b.Templating.List {
			if v.Label == "" || v.Description == "" {
				t.Errorf("variable %s needs a label and a description", v.Name)
			}
			if v.Type == "datasource" {
				sources["${"+v.Name+"}"] = true
			}
		}
		for _, p := range b.Panels {
			checkPanel(t, p, sources)
		}
		checkLayout(t, b.Panels)
	})
}

func checkAnnotations(t *testing.T, b *board) {
	marked := map[string]bool{}
	for _, a := range b.Annotations.List {
		marked[a.Name] = a.Enable && a.Expr != "" && a.Step != "" && a.TitleFormat != "" && a.TextFormat != "" && a.Datasource.UID == "${metrics}"
	}
	if !marked["Deploys"] || !marked["Policy"] {
		t.Error("deploys and changes of the policy are marked")
	}
}

func sentence(s string) bool { return len(s) >= 15 && strings.HasSuffix(s, ".") }

func checkPanel(t *testing.T, p panel, sources map[string]bool) {
	if types := ofConsole(t, "dashboard/model.ts", "export type PanelType = ", ";", `"([a-z-]+)"`); !slices.Contains(types, p.Type) {
		t.Errorf("%q is a %s, which is not a core panel or not drawn by the console", p.Title, p.Type)
	}
	if p.Title == "" {
		t.Errorf("panel %d has no title", p.ID)
	}
	if p.Type == "row" {
		return
	}
	if !sentence(p.Description) {
		t.Errorf("%q needs a description in whole sentences", p.Title)
	}
	if p.Type == "text" {
		return
	}
	if !sources[p.Datasource.UID] || len(p.Targets) == 0 {
		t.Errorf("%q asks for nothing, or not at a data source that is a variable", p.Title)
	}
	letters := map[string]bool{}
	for _, q := range p.Targets {
		if q.Datasource != p.Datasource || letters[q.RefID] || q.RefID == "" {
			t.Errorf("%q, query %s: another data source, or another query's letter", p.Title, q.RefID)
		}
		letters[q.RefID] = true
		if q.LegendFormat == "" && p.Type != "logs" {
			t.Errorf("%q, query %s: no legend", p.Title, q.RefID)
		}
	}
	if p.FieldConfig.Defaults.NoValue == "" {
		t.Errorf("%q does not say what it means to have no value", p.Title)
	}
	if p.Type == "logs" {
		return
	}
	if (p.Type == "stat" || p.Type == "bargauge") && p.FieldConfig.Defaults.Thresholds == nil {
		t.Errorf("%q has no thresholds", p.Title)
	}
	checkUnits(t, p)
	for _, tr := range p.Transformations {
		if known := ofConsole(t, "dashboard/table.ts", "export const transformations = [", "]", `"(\w+)"`); !slices.Contains(known, tr.ID) {
			t.Errorf("%q: the console does not know the transformation %s", p.Title, tr.ID)
		}
	}
}

func checkUnits(t *testing.T, p panel) {
	known := ofConsole(t, "format/units.ts", "const formats: Record<string, (v: number) => string> = {", "};", `(?m)^  (\w+):`)
	if u := p.FieldConfig.Defaults.Unit; !slices.Contains(known, u) {
		t.Errorf("%q: unit %q is none that the console knows", p.Title, u)
	}
	for _, o := range p.FieldConfig.Overrides {
		for _, v := range o.Properties {
			if u, ok := v.Value.(string); v.ID == "unit" && (!ok || !slices.Contains(known, u)) {
				t.Errorf("%q, %s: unit %q is none that the console knows", p.Title, o.Matcher.Options, u)
			}
		}
	}
}

// checkLayout: no two panels have one number or one place.
func checkLayout(t *testing.T, panels []panel) {
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range panels {
		if p.ID == 0 || ids[p.ID] {
			t.Errorf("%q has no number, or another panel's: %d", p.Title, p.ID)
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

var toDashboard = regexp.MustCompile(`^/d/([a-z-]+)\?var-(\w+)=\$\{__data\.fields\.(\w+)\}&\$\{__url_time_range\}$`)

// A cell that leads to another dashboard sets a variable that is there, from a
// label that the table has, and keeps the time.
func TestCellsLeadToDashboardsThatExist(t *testing.T) {
	variables := map[string]bool{}
	forEach(t, func(_ *testing.T, _ string, b *board) {
		for _, v := range b.Templating.List {
			variables[b.UID+" "+v.Name] = true
		}
	})
	links := 0
	forEach(t, func(t *testing.T, _ string, b *board) {
		for _, p := range b.Panels {
			for _, o := range p.FieldConfig.Overrides {
				for _, v := range o.Properties {
					if v.ID != "links" {
						continue
					}
					links++
					url := v.Value.([]any)[0].(map[string]any)["url"].(string)
					m := toDashboard.FindStringSubmatch(url)
					if m == nil || !variables[m[1]+" "+m[2]] || !strings.Contains(p.Targets[0].Expr, m[3]) {
						t.Errorf("%q: %s leads nowhere, or sets what is not there", p.Title, url)
					}
				}
			}
		}
	})
	if links < 3 {
		t.Errorf("only %d links", links)
	}
}
