package releasesreceiver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/weir-telemetry/weir/fleet/releases"
)

// Config is what the `releases` receiver can be told.
type Config struct {
	// Files are catalogues, or patterns that match some, one product each. A
	// pattern that matches nothing is no catalogue. Without a pattern nothing is
	// sent at all: of several gateways that write to one server, one has some.
	Files []string `mapstructure:"files"`
	// State is the folder that the fleet's gateways share. Whose each enrolled
	// install is comes from there. Empty: not asked.
	State string `mapstructure:"state"`
	// Interval is the time from one sending to the next. It must be shorter
	// than the five minutes for which queries look back.
	Interval time.Duration `mapstructure:"interval"`
}

func createDefaultConfig() component.Config { return &Config{Interval: 30 * time.Second} }

func (c *Config) off() bool {
	return !slices.ContainsFunc(c.Files, func(p string) bool { return p != "" })
}

// Validate reads the files too, so that all that is wrong comes in one answer.
func (c *Config) Validate() error {
	var faults []error
	if c.Interval < time.Second || c.Interval > 2*time.Minute {
		faults = append(faults, fmt.Errorf("interval is %s: use 1s to 2m, such as 30s", c.Interval))
	}
	_, err := c.read()
	return errors.Join(append(faults, err)...)
}

// read reads all catalogues as they are now.
func (c *Config) read() ([]*releases.Catalogue, error) {
	var (
		all    []*releases.Catalogue
		faults []error
	)
	services, seen := map[string]string{}, map[string]bool{}
	for _, pattern := range c.Files {
		names, err := filepath.Glob(pattern)
		if err != nil {
			faults = append(faults, fmt.Errorf("files: %q is no pattern: write a file's name, with * for any part", pattern))
		}
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true
			one, err := readOne(name)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			list := one.Services
			if len(list) == 0 {
				list = []string{""}
			}
			for _, s := range list {
				if other, taken := services[s]; taken {
					faults = append(faults, fmt.Errorf("%s: the service %q is in %s already: a service's versions are of one catalogue", name, s, other))
				}
				services[s] = name
			}
			all = append(all, one)
		}
	}
	return all, errors.Join(faults...)
}

func readOne(name string) (*releases.Catalogue, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read release catalogue: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, releases.MaxFileSize+1)) // Parse says that it is too large
	if err != nil {
		return nil, fmt.Errorf("read release catalogue: %w", err)
	}
	return releases.Parse(name, data)
}
