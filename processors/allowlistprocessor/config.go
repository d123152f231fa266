package allowlistprocessor

import (
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/collector/component"
)

// Config of the processor.
type Config struct {
	// Policy is the extension that knows the policy.
	Policy component.ID `mapstructure:"policy"`
	// Identity holds values for the policy's identity attributes other than
	// Weir's own.
	Identity map[string]string `mapstructure:"identity"`
}

// Weir knows these itself.
const (
	installKey = "weir.install.id"
	versionKey = "service.version"
)

func createDefaultConfig() component.Config {
	return &Config{Policy: component.MustNewID("policy")}
}

// Validate judges what can be judged without the policy.
func (c *Config) Validate() error {
	var faults []error
	if c.Policy == (component.ID{}) {
		faults = append(faults, errors.New("policy is empty: name the policy extension, such as policy"))
	}
	for _, key := range []string{installKey, versionKey} {
		if _, ok := c.Identity[key]; ok {
			faults = append(faults, fmt.Errorf("identity has %s, which Weir fills in itself: remove it", key))
		}
	}
	keys := make([]string, 0, len(c.Identity))
	for k := range c.Identity {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if k == "" || c.Identity[k] == "" {
			faults = append(faults, fmt.Errorf("identity %q has no key or no value: write key: value", k))
		}
	}
	return errors.Join(faults...)
}
