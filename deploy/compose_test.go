// Package deploy holds what starts Weir elsewhere than from its folder. There is
// no code in it; the tests hold the files against what they name, and start the
// composition as far as that can be done without Docker. `make compose` reads it
// with docker compose's own library.
package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// composition is the part of the compose specification that compose.yaml uses. It
// is decoded strictly: a key that is not here is not looked at by any test.
type composition struct {
	Name     string
	Weir     any `yaml:"x-weir"`
	Services map[string]service
	Volumes  map[string]any
}

type service struct {
	Image       string
	Build       struct{ Context, Dockerfile, Target string }
	NetworkMode string `yaml:"network_mode"`
	Restart     string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	Volumes     []string
	Ports       []string
	Command     []string
	Environment map[string]string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck struct {
		Test              []string
		Interval, Timeout string
		Retries           int
	}
}

func readComposition(t *testing.T) composition {
	t.Helper()
	data, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c composition
	strict := yaml.NewDecoder(strings.NewReader(string(data)))
	strict.KnownFields(true)
	if err := strict.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) != 4 {
		t.Fatalf("%d services, not fleet, prepare, edge and grafana", len(c.Services))
	}
	return c
}

// What is mounted is there, services wait for services that say when they are
// ready, nothing is published beyond loopback, and Weir has no rights to spare.
func TestTheCompositionMountsWhatIsThereAndStaysOnLoopback(t *testing.T) {
	c := readComposition(t)
	version := weirVersion(t)
	for name, s := range c.Services {
		image, tag, ok := strings.Cut(s.Image, ":")
		if !ok || image == "" || tag == "latest" {
			t.Errorf("%s: the image %q has no version", name, s.Image)
		}
		if s.Build.Target != "" {
			if tag != version {
				t.Errorf("%s: the image is of version %s, Weir of %s", name, tag, version)
			}
			if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
				t.Errorf("%s has more rights than it needs", name)
			}
			if s.Build.Context != ".." || s.Build.Dockerfile != "deploy/Dockerfile" || readDockerfile(t)[s.Build.Target] == nil {
				t.Errorf("%s is built from %+v, which is not there", name, s.Build)
			}
		}
		if owner, ok := strings.CutPrefix(s.NetworkMode, "service:"); s.NetworkMode != "" && (!ok || c.Services[owner].Image == "") {
			t.Errorf("%s: network mode %q", name, s.NetworkMode)
		}
		for other, d := range s.DependsOn {
			waited, there := c.Services[other]
			healthy := d.Condition == "service_healthy" && len(waited.Healthcheck.Test) > 0
			completed := d.Condition == "service_completed_successfully" && waited.Restart == "no"
			if !there || !healthy && !completed {
				t.Errorf("%s waits for %s in vain: %s", name, other, d.Condition)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s publishes %s beyond loopback", name, p)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if _, named := c.Volumes[from]; named {
				continue
			}
			if _, err := os.Stat(from); err != nil {
				t.Errorf("%s mounts %s: %v", name, from, err)
			}
		}
		if i := slices.Index(s.Command, "--config"); i >= 0 {
			if _, err := os.Stat(filepath.Join("..", s.Command[i+1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Grafana looks for provisioning files in one place, and they for the dashboards in
// another.
func TestGrafanaFindsWhatIsProvisioned(t *testing.T) {
	at := map[string]string{} // place in the container by place here
	for _, v := range readComposition(t).Services["grafana"].Volumes {
		parts := strings.Split(v, ":")
		at[parts[0]] = parts[1]
	}
	for _, kind := range []string{"datasources", "dashboards"} {
		if got := at["../dashboards/provisioning/"+kind]; got != "/etc/grafana/provisioning/"+kind {
			t.Errorf("the provisioning files for %s are mounted at %q", kind, got)
		}
	}
	var y struct {
		Providers []struct{ Options struct{ Path string } }
	}
	data, err := os.ReadFile("../dashboards/provisioning/dashboards/weir.yaml")
	if err == nil {
		err = yaml.Unmarshal(data, &y)
	}
	if err != nil || len(y.Providers) != 2 {
		t.Fatalf("%d providers: %v", len(y.Providers), err)
	}
	for _, p := range y.Providers {
		if got := at["../dashboards/"+filepath.Base(p.Options.Path)]; got != p.Options.Path {
			t.Errorf("dashboards are looked for at %s and mounted at %q", p.Options.Path, got)
		}
	}
}

// weirVersion is what the collector builder stamps.
func weirVersion(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../builder-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var y struct{ Dist struct{ Version string } }
	if err := yaml.Unmarshal(data, &y); err != nil || y.Dist.Version == "" {
		t.Fatalf("builder-config.yaml has no version: %v", err)
	}
	return y.Dist.Version
}
