package localstoreexporter

import (
	"errors"

	"go.opentelemetry.io/collector/component"
)

// Config is the user's.
type Config struct {
	// LocalStore is the extension that owns the stores.
	LocalStore component.ID `mapstructure:"local_store"`
}

func createDefaultConfig() component.Config {
	return &Config{LocalStore: component.MustNewID("local_store")}
}

// Validate implements the collector's check.
func (c *Config) Validate() error {
	if c.LocalStore == (component.ID{}) {
		return errors.New("local_store: no extension is named; leave the key out for the extension local_store")
	}
	return nil
}
