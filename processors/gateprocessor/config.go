package gateprocessor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// Config of the processor.
type Config struct {
	// Policies are files, or patterns that match some, as the installs accepted
	// them: reports are looked up by their digest.
	Policies []string `mapstructure:"policies"`
	// MaxSkew is how far in the future a report may lie. How old it is does
	// not matter: what an outage held up comes late. 0: not checked.
	MaxSkew time.Duration `mapstructure:"max_skew"`
}

// A sample far in the future would make the store take everybody else's for
// too old, so there is a bound unless it is taken away.
func createDefaultConfig() component.Config {
	return &Config{MaxSkew: 10 * time.Minute}
}

// Validate reads the policies too, so that all that is wrong comes in one
// answer.
func (c *Config) Validate() error {
	var faults []error
	if len(c.Policies) == 0 {
		faults = append(faults, errors.New("policies is empty: name the files that the installs accepted, such as [policies/*.yaml]"))
	}
	if c.MaxSkew < 0 {
		faults = append(faults, errors.New("max_skew is negative: write a duration such as 10m, or 0 for any"))
	}
	_, err := load(c.Policies)
	return errors.Join(append(faults, err)...)
}

// load reads all policies, by digest. A pattern that matches nothing is a
// fault: a fleet that knows no policy refuses everything.
func load(patterns []string) (map[policy.Digest]*policy.Policy, error) {
	var faults []error
	policies := map[policy.Digest]*policy.Policy{}
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("policies: %q is no pattern: write a file's name, with * for any part", pattern))
		case len(files) == 0:
			faults = append(faults, fmt.Errorf("policies: no file matches %q: put the accepted policy there", pattern))
		}
		for _, file := range files {
			p, err := read(file)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			policies[p.Digest] = p
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return policies, nil
}

func read(file string) (*policy.Policy, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, policy.MaxFileSize+1)) // Parse says that it is too large
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return policy.Parse(file, data)
}
