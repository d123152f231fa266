package dashboards

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// All dashboards of a viewer open alike: the same refresh, the viewer's own time
// zone, one crosshair over all graphs, variables that follow the time shown.
func TestDashboardsOpenAlike(t *testing.T) {
	forEach(t, func(t *testing.T, _ string, b *board) {
		if b.Refresh != "10s" || b.Timezone != "browser" || b.GraphTooltip != 1 || b.Time.To != "now" || !strings.HasPrefix(b.Time.From, "now-") {
			t.Errorf("refresh %q, time zone %q, tooltip %d, time %v", b.Refresh, b.Timezone, b.GraphTooltip, b.Time)
		}
		for _, v := range b.Templating.List {
			switch v.Type {
			case "datasource":
				if v.Query != "prometheus" && v.Query != "loki" {
					t.Errorf("variable %s chooses among data sources of type %v", v.Name, v.Query)
				}
			case "query":
				if v.Refresh != 2 || v.Datasource == nil || !strings.HasPrefix(v.Datasource.UID, "${") {
					t.Errorf("variable %s does not follow the time shown, or asks at a data source that is no variable", v.Name)
				}
			case "textbox":
			default:
				t.Errorf("variable %s is a %s", v.Name, v.Type)
			}
		}
		if len(b.Panels) == 0 || b.Panels[0].Type != "row" {
			t.Error("a dashboard begins with a row")
		}
		titles := map[string]bool{}
		for _, p := range b.Panels {
			if key := p.Title; titles[key] && p.Type != "row" {
				t.Errorf("two panels are called %q", p.Title)
			} else if p.Type != "row" {
				titles[key] = true
			}
		}
	})
}

// A figure asks for one moment, a graph for the time shown, and a graph says
// whose line is whose.
func TestPanelsAskForWhatTheyShow(t *testing.T) {
	forEach(t, func(t *testing.T, _ string, b *board) {
		for _, p := range b.Panels {
			moment := slices.Contains([]string{"stat", "bargauge", "table"}, p.Type)
			for _, q := range p.Targets {
				asked := q.Instant && !q.Range || q.QueryType == "instant"
				if p.Type == "logs" || q.Datasource.Type == "loki" && !moment {
					asked = q.QueryType == "range"
				} else if !moment {
					asked = q.Range && !q.Instant
				}
				if !asked {
					t.Errorf("%q, query %s: a %s asks for another time than it shows", p.Title, q.RefID, p.Type)
				}
				if strings.HasPrefix(q.LegendFormat, "__") {
					t.Errorf("%q, query %s: the legend is left to chance", p.Title, q.RefID)
				}
			}
			switch l := p.Options.Legend; p.Type {
			case "timeseries", "state-timeline":
				if l == nil || !l.ShowLegend || l.Placement != "bottom" || p.Options.Tooltip == nil {
					t.Errorf("%q has no legend below it, or no tooltip", p.Title)
				}
			case "stat", "bargauge":
				if r := p.Options.ReduceOptions; r == nil || !slices.Equal(r.Calcs, []string{"lastNotNull"}) {
					t.Errorf("%q does not show the last value", p.Title)
				}
			}
		}
	})
}

// aMishap is what a query asks about when nothing is good news.
var aMishap = regexp.MustCompile(`refused|rejected|failed_|retries|missing|ALERTS|duplicate|weir_probe_success == 0|_dropped_total\b`)

// Where no series means that nothing happened, the panel says so as good news;
// where thresholds turn from green at the first one, too.
func TestNothingIsGoodNewsWhereZeroIsHealthy(t *testing.T) {
	found := 0
	forEach(t, func(t *testing.T, _ string, b *board) {
		for _, p := range b.Panels {
			if p.Type == "row" || p.Type == "text" || p.Type == "table" {
				continue
			}
			mishap := len(p.Targets) > 0
			for _, q := range p.Targets {
				mishap = mishap && aMishap.MatchString(q.Expr)
			}
			if th := p.FieldConfig.Defaults.Thresholds; p.Type == "stat" && th != nil && len(th.Steps) > 1 && *th.Steps[1].Value == 1 && th.Steps[0].Color == "green" && counts(p) {
				mishap = true
			}
			if !mishap {
				continue
			}
			found++
			if !isGoodNews(p.FieldConfig.Defaults.NoValue) {
				t.Errorf("%q says %q of what is good news", p.Title, p.FieldConfig.Defaults.NoValue)
			}
		}
	})
	if found < 20 {
		t.Errorf("only %d panels are about mishaps", found)
	}
}

// counts says that a stat shows how many of something there are.
func counts(p panel) bool {
	e := p.Targets[0].Expr
	return p.FieldConfig.Defaults.Unit == "short" && (strings.HasPrefix(e, "count(") || strings.Contains(e, "increase("))
}

// isGoodNews is what the console's test and Grafana's take for an empty panel that
// is meant to be empty.
func isGoodNews(none string) bool {
	return none == "0" || strings.HasPrefix(none, "none") || strings.HasPrefix(none, "nothing")
}

// Thresholds are in order and begin with a colour below them all.
func TestThresholdsAscend(t *testing.T) {
	forEach(t, func(t *testing.T, _ string, b *board) {
		for _, p := range b.Panels {
			th := p.FieldConfig.Defaults.Thresholds
			if th == nil {
				continue
			}
			for i, s := range th.Steps {
				if (i == 0) != (s.Value == nil) || s.Color == "" || i > 1 && *s.Value <= *th.Steps[i-1].Value {
					t.Errorf("%q: thresholds %+v", p.Title, th.Steps)
				}
			}
		}
	})
}
