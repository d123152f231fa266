package preflight

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// targets is one group in a file of targets.
type targets struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

// scrapes looks whether the lists of targets can be read as Prometheus reads
// them. It does not talk to a target.
func (s *Site) scrapes(context.Context) {
	for _, pattern := range s.Settings.Scrapes {
		f := Finding{Check: "scrape targets", About: pattern.Value, State: Fine, Area: responsibilities.Monitoring}
		files, err := filepath.Glob(pattern.Value)
		found, faults := 0, []string{}
		for _, name := range files {
			n, err := readTargets(name)
			if found += n; err != nil {
				faults = append(faults, fmt.Sprintf("%s: %v", name, err))
			}
		}
		switch {
		case err != nil:
			f.State, f.Evidence, f.Fix = Missing, "is no pattern", "write "+pattern.change()+" as /etc/weir/scrape/*.yaml"
		case len(faults) > 0:
			f.State, f.Evidence = Missing, listed(faults)
			f.Fix = `write lists of groups, such as: - targets: ["127.0.0.1:9100"]`
		case len(files) == 0:
			f.Evidence = "matches no file: nothing is scraped"
		default:
			f.Evidence = fmt.Sprintf("%s in %s", counted(found, "target"), counted(len(files), "file"))
		}
		s.add(f)
	}
}

func readTargets(name string) (n int, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, errors.New(reason(err))
	}
	var groups []targets
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&groups); err != nil && !errors.Is(err, io.EOF) {
		return 0, errors.New("not a list of groups of targets" + line(err))
	}
	for _, g := range groups {
		for _, one := range g.Targets {
			if one == "" || strings.Contains(one, "/") {
				return n, errors.New("a target is no host:port; paths and schemes go into labels or the scrape configuration")
			}
			n++
		}
	}
	return n, nil
}

// line is where a parser gave up. Its words may quote the file.
func line(err error) string {
	_, rest, ok := strings.Cut(err.Error(), "line ")
	at := 0
	if _, err := fmt.Sscan(strings.TrimRight(rest, ":"), &at); !ok || err != nil {
		if _, err := fmt.Sscanf(rest, "%d:", &at); err != nil {
			return ""
		}
	}
	return fmt.Sprintf(", line %d", at)
}
