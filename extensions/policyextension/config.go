package policyextension

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
)

// Config of the extension.
type Config struct {
	// File is the allowlist. Empty: there is none, and nothing leaves.
	File string `mapstructure:"file"`
	// Data is Weir's data folder: the install's identity and the acceptances.
	Data string `mapstructure:"data"`
	// PollInterval is how often the files are looked at.
	PollInterval time.Duration `mapstructure:"poll_interval"`
}

const (
	minPoll = 100 * time.Millisecond
	maxPoll = time.Minute
)

func createDefaultConfig() component.Config {
	return &Config{Data: "./data", PollInterval: time.Second}
}

// Validate judges the configuration, not the policy.
func (c *Config) Validate() error {
	var faults []error
	if c.Data == "" {
		faults = append(faults, errors.New("data is empty: name Weir's data folder, such as ./data"))
	}
	if c.PollInterval < minPoll || c.PollInterval > maxPoll {
		faults = append(faults, fmt.Errorf("poll_interval %s is not between %s and %s: write 1s", c.PollInterval, minPoll, maxPoll))
	}
	return errors.Join(faults...)
}
