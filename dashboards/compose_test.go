package dashboards

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// composition is the part of the compose specification that deploy/compose.yaml
// uses. It is decoded strictly: a misspelt key is a fault.
type composition struct {
	Name     string
	Weir     any `yaml:"x-weir"`
	Services map[string]struct {
		Image       string
		WorkingDir  string `yaml:"working_dir"`
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
	Volumes map[string]any
}

// Docker is not needed to see that what is mounted is there, that services
// wait for services that exist, and that nothing is published beyond loopback.
func TestTheCompositionMountsWhatIsThereAndStaysOnLoopback(t *testing.T) {
	data, err := os.ReadFile("../deploy/compose.yaml")
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
	for name, s := range c.Services {
		image, tag, ok := strings.Cut(s.Image, ":")
		if !ok || image == "" || tag == "latest" {
			t.Errorf("%s: the image %q has no version", name, s.Image)
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
			if _, named := c.Volumes[from]; named || from == "../bin" {
				continue
			}
			if _, err := os.Stat(filepath.Join("../deploy", from)); err != nil {
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
