package vitalsconnector

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/weir-telemetry/weir/vitals"
)

// Config is what the `vitals` connector can be told.
type Config struct {
	// Interval is the time between two emissions.
	Interval time.Duration `mapstructure:"interval"`
	// MaxServices is how many services are told apart; the rest is "other".
	MaxServices int `mapstructure:"max_services"`
}

func createDefaultConfig() component.Config {
	return &Config{Interval: 10 * time.Second, MaxServices: vitals.DefaultMaxServices}
}

const mostServices = 100_000

// Validate gathers every fault.
func (c *Config) Validate() error {
	var errs error
	if c.Interval < time.Second || c.Interval > time.Hour {
		errs = errors.Join(errs, fmt.Errorf("interval is %s: use 1s to 1h, such as 10s", c.Interval))
	}
	if c.MaxServices < 1 || c.MaxServices > mostServices {
		errs = errors.Join(errs, fmt.Errorf("max_services is %d: use 1 to %d; each costs about 25 series", c.MaxServices, mostServices))
	}
	return errs
}
