// Package consoleextension is the `console` extension: it serves the web pages
// of package console on the local store's listener, behind its authentication,
// and tells them who is asking and what they may do.
//
// It opens no listener of its own. What it changes is what an approver accepts.
package consoleextension

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

// NewFactory returns the factory of the `console` extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(
		component.MustNewType("console"),
		createDefaultConfig,
		func(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
			return newConsole(set, cfg.(*Config)), nil
		},
		component.StabilityLevelAlpha,
	)
}
