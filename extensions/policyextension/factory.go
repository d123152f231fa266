// Package policyextension is the `policy` extension: the one place in a
// collector that knows whether anything may leave, and under which policy.
//
// It implements consent.Source. It looks at the policy file and at its
// acceptance once a second, reads them again when they changed, and says each
// change of state once in the log. A policy that is missing, broken, expired or
// not accepted never stops the collector: nothing leaves, and everything local
// goes on. A data folder that cannot hold the install's identity does stop it.
//
// It also notices that the collector's configuration is another than at the start
// before, keeps what changed beside the data and leaves a record for the ledger.
//
// It accepts nothing, builds nothing and sends nothing.
package policyextension

//go:generate mdatagen metadata.yaml

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/weir-telemetry/weir/extensions/policyextension/internal/metadata"
)

// NewFactory returns the factory of the extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(metadata.Type, createDefaultConfig,
		func(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
			return newPolicy(set, cfg.(*Config))
		}, metadata.ExtensionStability)
}
