package maskprocessor

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"

	"github.com/weir-telemetry/weir/redaction/mask"
)

// Config of the processor.
type Config struct {
	// Families are what is looked for. Empty: all of them.
	Families []string `mapstructure:"families"`
	// Keys are names, beside the built-in ones such as password, whose values
	// are masked: in JSON and key=value text of a body, and as attributes. One
	// with a dot in it is a path in a JSON line, and an attribute's whole name.
	Keys []string `mapstructure:"keys"`
}

func createDefaultConfig() component.Config { return &Config{} }

// Validate names all faults at once.
func (c *Config) Validate() error {
	_, err := c.masker()
	return err
}

func (c *Config) masker() (*mask.Masker, error) {
	o := mask.Options{Keys: c.Keys}
	var faults []error
	for _, name := range c.Families {
		f, err := mask.ParseFamily(name)
		if err != nil {
			faults = append(faults, fmt.Errorf("families: %w", err))
			continue
		}
		o.Families = append(o.Families, f)
	}
	m, err := mask.New(o)
	if err != nil {
		faults = append(faults, fmt.Errorf("keys: %w", err))
	}
	return m, errors.Join(faults...)
}
