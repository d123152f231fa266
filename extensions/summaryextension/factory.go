// Package summaryextension says on the terminal, once everything runs, what is
// collected, where to look and what leaves. It reads the effective
// configuration and the policy's state; it changes nothing and opens nothing.
// As the one part that knows when the start is over, it also has the memory
// given back that only the start needed.
package summaryextension

import (
	"context"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

// NewFactory returns the factory of the `summary` extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(
		component.MustNewType("summary"),
		func() component.Config { return &Config{Policy: component.MustNewID("policy")} },
		func(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
			return &summary{cfg: cfg.(*Config), build: set.BuildInfo, out: os.Stderr, log: set.Logger}, nil
		},
		component.StabilityLevelAlpha,
	)
}

// Config of the summary.
type Config struct {
	// Policy is the extension that knows what may leave. Where the
	// configuration has none, as in the fleet role, the line about leaving
	// says so.
	Policy component.ID `mapstructure:"policy"`
}
