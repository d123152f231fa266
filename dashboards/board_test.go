package dashboards

import (
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// board is the part of a dashboard's JSON that the tests look at.
type board struct {
	UID, Title, Description string
	Tags                    []string
	SchemaVersion           int
	Editable                bool
	GraphTooltip            int
	Refresh, Timezone       string
	Time                    struct{ From, To string }
	Links                   []struct {
		Type                 string
		Tags                 []string
		KeepTime             bool
		IncludeVars          bool
		AsDropdown, TargetBl bool
	}
	Annotations struct{ List []annotation }
	Templating  struct{ List []variable }
	Panels      []panel
}

type annotation struct {
	Name, Expr, Step, TitleFormat, TextFormat string
	Enable                                    bool
	Datasource                                source
}

type variable struct {
	Name, Label, Description, Type string
	Query                          any
	Refresh                        int
	Datasource                     *source
	Current                        struct{ Text, Value any }
}

type source struct{ Type, UID string }

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               source
	Targets                  []target
	Transformations          []struct{ ID string }
	FieldConfig              struct {
		Defaults  defaults
		Overrides []override
	}
	Options struct {
		Legend *struct {
			ShowLegend bool
			Placement  string
		}
		Tooltip       *struct{ Mode string }
		ReduceOptions *struct{ Calcs []string }
	}
}

type target struct {
	RefID, Expr, LegendFormat, QueryType string
	Instant, Range                       bool
	Datasource                           source
}

type defaults struct {
	Unit, NoValue string
	Thresholds    *struct {
		Steps []struct {
			Value *float64
			Color string
		}
	}
}

type override struct {
	Matcher    struct{ ID, Options string }
	Properties []struct {
		ID    string
		Value any
	}
}

// forEach runs check on every committed dashboard.
func forEach(t *testing.T, check func(t *testing.T, name string, b *board)) {
	files := os.DirFS(".")
	names, err := fs.Glob(files, "[cf]*/*.json") // customer and fleet
	if err != nil || len(names) != 11 {
		t.Fatalf("%d dashboards found, not 11: %v", len(names), err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			data, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			var b board
			if err := json.Unmarshal(data, &b); err != nil {
				t.Fatal(err)
			}
			check(t, name, &b)
		})
	}
}

// ofConsole reads a list out of the console's source: what the console cannot
// draw, no dashboard may use.
func ofConsole(t *testing.T, file, begin, end, item string) []string {
	data, err := os.ReadFile("../console/src/" + file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(data), begin)
	part, _, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("console/src/%s has no list between %q and %q", file, begin, end)
	}
	var all []string
	for _, m := range regexp.MustCompile(item).FindAllStringSubmatch(part, -1) {
		all = append(all, m[1])
	}
	if len(all) < 5 {
		t.Fatalf("console/src/%s lists only %q", file, all)
	}
	slices.Sort(all)
	return all
}
