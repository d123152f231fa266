package dashboards

import (
	"os"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The dashboards choose the provisioned data sources by uid.
func TestEveryDataSourceThatADashboardChoosesIsProvisioned(t *testing.T) {
	for _, file := range []string{"provisioning/datasources/weir.yaml"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var y struct {
			Datasources []struct{ Name, UID, Type, URL string }
		}
		if err := yaml.Unmarshal(data, &y); err != nil {
			t.Fatal(err)
		}
		provisioned := map[string]string{} // type and name by uid
		for _, d := range y.Datasources {
			provisioned[d.UID] = d.Type + " " + d.Name
		}
		chosen := map[string]bool{}
		forEach(t, func(t *testing.T, _ string, b *board) {
			for _, v := range b.Templating.List {
				if v.Type != "datasource" {
					continue
				}
				uid := v.Current.Value.(string)
				chosen[uid] = true
				if want := v.Query.(string) + " " + v.Current.Text.(string); provisioned[uid] != want {
					t.Errorf("variable %s chooses %s (%s), provisioned in %s is %q", v.Name, uid, want, file, provisioned[uid])
				}
			}
		})
		if len(chosen) != len(provisioned) {
			t.Errorf("%s provisions %d data sources, %d are chosen", file, len(provisioned), len(chosen))
		}
	}
}
