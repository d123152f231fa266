// Package maskprocessor is the `mask` processor: it replaces what people should
// not read in log records by typed constants, such as <mail> or <card>, with
// redaction/mask. It is for those who want even their local logs masked; no
// configuration that ships has it.
//
// It masks the body, with all strings inside of it, and the string attributes of
// the record, its scope and its resource, however deep. It does not touch keys,
// names, severities, times and ids. It has no part in what may leave: only a
// policy decides that, by construction.
//
// It declares that it mutates data: to change records is what it is for, and a
// fan-out before it copies the batch for it, so that a pipeline beside it keeps
// what was there. It writes only the values in which something was found.
package maskprocessor

//go:generate mdatagen metadata.yaml

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/weir-telemetry/weir/processors/maskprocessor/internal/metadata"
)

// NewFactory returns the factory of the processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(metadata.Type, createDefaultConfig,
		processor.WithLogs(func(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
			return newMasker(set, cfg.(*Config), next)
		}, metadata.LogsStability))
}
