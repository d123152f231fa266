// Generate writes the Grafana dashboards as classic JSON, the one form that
// Grafana 9 to 13 all load. The JSON is committed; a test fails when it is not
// what this program writes.
//
//	go run ./dashboards/generate [FOLDER]
//
// FOLDER is where customer/ and fleet/ lie, ./dashboards unless given.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// files are the dashboards by the name of their file under dashboards/.
func files() map[string]*dashboard {
	return map[string]*dashboard{
		"customer/overview.json": customerOverview(),
		"fleet/overview.json":    fleetOverview(),
	}
}

func main() {
	folder := "dashboards"
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	for name, d := range files() {
		if err := write(filepath.Join(folder, name), d); err != nil {
			fmt.Fprintf(os.Stderr, "generate: %v\n", err)
			os.Exit(1)
		}
	}
}

func write(name string, d *dashboard) error {
	data, err := render(d)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("create the dashboards' folder: %w", err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		return fmt.Errorf("write the dashboard: %w", err)
	}
	return nil
}

// render keeps "<" and "&" readable: nobody embeds these files in HTML.
func render(d *dashboard) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("encode dashboard %s: %w", d.UID, err)
	}
	return out.Bytes(), nil
}
