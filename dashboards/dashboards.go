// Package dashboards holds the dashboards as Grafana loads them, for the
// console, which draws the same files. They are rendered from src by `make
// dashboards`; the tests hold the JSON against the conventions, and ask every query.
package dashboards

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Dashboard is one of them.
type Dashboard struct {
	UID         string `json:"uid"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Source      []byte `json:"-"` // the JSON, as it is in the file
}

// Of returns the dashboards of a folder: the overview first, the others by title.
func Of(files fs.FS, folder string) ([]Dashboard, error) {
	names, err := fs.Glob(files, path.Join(folder, "*.json"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("there are no dashboards of %q", folder)
	}
	var all []Dashboard
	for _, name := range names {
		source, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read dashboard %s: %w", name, err)
		}
		d := Dashboard{Source: source}
		if err := json.Unmarshal(source, &d); err != nil {
			return nil, fmt.Errorf("read dashboard %s: %w", name, err)
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Dashboard) int {
		if x, y := overview(a), overview(b); x != y {
			return y - x
		}
		return strings.Compare(a.Title, b.Title)
	})
	return all, nil
}

// Interval is how often a data source gets new points: what its provisioning file
// tells Grafana, from which a query's step and $__rate_interval follow.
func Interval(files fs.FS, name, uid string) (time.Duration, error) {
	source, err := fs.ReadFile(files, name)
	if err != nil {
		return 0, fmt.Errorf("read the data sources: %w", err)
	}
	var provisioned struct {
		Datasources []struct {
			UID      string `yaml:"uid"`
			JSONData struct {
				TimeInterval time.Duration `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		} `yaml:"datasources"`
	}
	if err := yaml.Unmarshal(source, &provisioned); err != nil {
		return 0, fmt.Errorf("read the data sources: %w", err)
	}
	for _, d := range provisioned.Datasources {
		if d.UID == uid && d.JSONData.TimeInterval > 0 {
			return d.JSONData.TimeInterval, nil
		}
	}
	return 0, fmt.Errorf("%s gives the data source %q no timeInterval", name, uid)
}

func overview(d Dashboard) int {
	if strings.HasSuffix(d.UID, "-overview") {
		return 1
	}
	return 0
}
