package ownreceiver

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
)

// Config is what the `own` receiver can be told.
type Config struct {
	// Interval is the time between two collections.
	Interval time.Duration `mapstructure:"interval"`
}

func createDefaultConfig() component.Config {
	return &Config{Interval: 10 * time.Second}
}

// Validate says what is wrong.
func (c *Config) Validate() error {
	if c.Interval < time.Second || c.Interval > time.Hour {
		return fmt.Errorf("interval is %s: use 1s to 1h, such as 10s", c.Interval)
	}
	return nil
}
