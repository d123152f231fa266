package policyextension

import (
	"context"
	"encoding/json"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/internal/configuration"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/ledger/inbox"
)

var _ extensioncapabilities.ConfigWatcher = (*policyExtension)(nil)

// NotifyConfig notices a configuration that is another than that of the start
// before: who may send what where is decided there, too. It is called once,
// between Start and the pipelines' start. That it cannot be noticed keeps nothing
// from starting.
func (e *policyExtension) NotifyConfig(_ context.Context, conf *confmap.Conf) error {
	now := e.now()
	state, err := configuration.Notice(vfs.OS, e.cfg.Data, e.install.Key, conf.ToStringMap(), now, func(c configuration.Change) error {
		body, err := json.Marshal(c)
		if err != nil {
			return err
		}
		e.log.Info("the configuration is another than before", zap.String("before", c.Before), zap.String("after", c.After),
			zap.String("what", "see the console's page About, or "+configuration.Folder(e.cfg.Data)))
		return inbox.Put(vfs.OS, e.cfg.Data, ledger.Record{Kind: ledger.KindConfig, Body: body}, now)
	})
	if err != nil {
		e.log.Warn("a change of the configuration is not recorded", zap.Error(err))
		return nil
	}
	e.configuration.Store(&state)
	return nil
}

func (e *policyExtension) observeConfiguration(_ context.Context, o metric.Int64Observer) error {
	if s := e.configuration.Load(); s != nil {
		o.Observe(1, metric.WithAttributes(attribute.String("weir.configuration.hash", s.Hash)))
	}
	return nil
}

func (e *policyExtension) observeChanges(_ context.Context, o metric.Int64Observer) error {
	if s := e.configuration.Load(); s != nil {
		o.Observe(s.Changes)
	}
	return nil
}
