package main

import (
	"os"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The dashboards choose the provisioned data sources by uid.
func TestEveryDataSourceThatADashboardChoosesIsProvisioned(t *testing.T) {
	data, err := os.ReadFile("../provisioning/datasources/weir.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Datasources []struct{ Name, UID, Type, URL string }
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	provisioned := map[string]string{} // type and name by uid
	for _, d := range file.Datasources {
		provisioned[d.UID] = d.Type + " " + d.Name
	}
	chosen := 0
	forEach(t, func(t *testing.T, d *dashboard) {
		for _, v := range d.Templating.List {
			if v.Type != "datasource" {
				continue
			}
			chosen++
			if want := v.Query.(string) + " " + v.Current.Text; provisioned[v.Current.Value] != want {
				t.Errorf("variable %s chooses %s (%s), provisioned is %q", v.Name, v.Current.Value, want, provisioned[v.Current.Value])
			}
		}
	})
	if chosen != 3 {
		t.Errorf("%d data sources chosen, 3 provisioned", chosen)
	}
}
