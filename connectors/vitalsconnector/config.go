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
	// OwnMetricsWithin is how long a new service has to show that it measures
	// its requests itself, before what was derived from its spans is said.
	OwnMetricsWithin time.Duration `mapstructure:"own_metrics_within"`
	// Data is the folder in which the names of services and versions outlive a
	// restart, in vitals/services.json. Without it each start begins anew.
	// fault.json beside it has whose a fault is.
	Data string `mapstructure:"data"`
	// Probes look at what the product stands on, beside those that every edge
	// has.
	Probes []ProbeConfig `mapstructure:"probes"`
	// ProbeInterval is the time between two rounds of probes; a probe may have a
	// longer one.
	ProbeInterval time.Duration `mapstructure:"probe_interval"`
	// Responsibilities is the file that says who answers for what; empty: nobody
	// is named.
	Responsibilities string `mapstructure:"responsibilities"`
}

func createDefaultConfig() component.Config {
	return &Config{Interval: 10 * time.Second, MaxServices: vitals.DefaultMaxServices, OwnMetricsWithin: vitals.DefaultOwnWithin, ProbeInterval: defaultProbeInterval}
}

const mostServices = 100_000

// Validate gathers every fault.
func (c *Config) Validate() error {
	var errs error
	if c.Interval < time.Second || c.Interval > time.Hour {
		errs = errors.Join(errs, fmt.Errorf("interval is %s: use 1s to 1h, such as 10s", c.Interval))
	}
	if c.MaxServices < 1 || c.MaxServices > mostServices {
		errs = errors.Join(errs, fmt.Errorf("max_services is %d: use 1 to %d; each costs about 30 series", c.MaxServices, mostServices))
	}
	if c.OwnMetricsWithin < 0 || c.OwnMetricsWithin > time.Hour {
		errs = errors.Join(errs, fmt.Errorf("own_metrics_within is %s: use 0s to 1h; %s is more than the minute that most services take", c.OwnMetricsWithin, vitals.DefaultOwnWithin))
	}
	return errors.Join(errs, c.validateProbes())
}
