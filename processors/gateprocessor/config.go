package gateprocessor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// Config of the processor.
type Config struct {
	// Policies are files, or patterns that match some, as the installs accepted
	// them: reports are looked up by their digest. One that is added, changed or
	// removed while the fleet runs is so within PollInterval.
	Policies     []string      `mapstructure:"policies"`
	PollInterval time.Duration `mapstructure:"poll_interval"`
	// RequireIdentity refuses reports of which no receiver says who sent them.
	// One that says it is always held against the report.
	RequireIdentity bool `mapstructure:"require_identity"`
	// MaxSkew is how far in the future a report may lie. How old it is does
	// not matter: what an outage held up comes late. 0: not checked.
	MaxSkew time.Duration `mapstructure:"max_skew"`
}

const minPoll = 100 * time.Millisecond

// A sample far in the future would make the store take everybody else's for
// too old, so there is a bound unless it is taken away.
func createDefaultConfig() component.Config {
	return &Config{MaxSkew: 10 * time.Minute, PollInterval: 2 * time.Second}
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
	if c.PollInterval < minPoll {
		faults = append(faults, fmt.Errorf("poll_interval is less than %s: write a duration such as 2s", minPoll))
	}
	for _, pattern := range c.Policies {
		names, err := match(pattern)
		if err != nil {
			faults = append(faults, err)
		}
		for _, name := range names {
			if _, err := read(name); err != nil {
				faults = append(faults, err)
			}
		}
	}
	return errors.Join(faults...)
}

// patternFault is one of a pattern; without words, that no file matches it. A
// fleet that knows no policy refuses everything.
func patternFault(pattern, words string) error {
	if words != "" {
		return fmt.Errorf("policies: %q %s", pattern, words)
	}
	return fmt.Errorf("policies: no file matches %q: put the accepted policy there", pattern)
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
