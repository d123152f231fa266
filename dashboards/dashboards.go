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

func overview(d Dashboard) int {
	if strings.HasSuffix(d.UID, "-overview") {
		return 1
	}
	return 0
}
