//go:build linux

package main

import (
	"context"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/weir-telemetry/weir/redaction/mask"
)

// contrib is the redaction processor with patterns.go's as its blocked values and
// everything else let through.
type contrib struct {
	next *kept
	logs processor.Logs
}

// kept holds what came out last.
type kept struct{ logs plog.Logs }

func (*kept) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

func (k *kept) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	k.logs = ld
	return nil
}

func newContrib(families []mask.Family) (*contrib, error) {
	f := redactionprocessor.NewFactory()
	cfg := f.CreateDefaultConfig().(*redactionprocessor.Config)
	cfg.AllowAllKeys = true
	cfg.Summary = "silent"
	cfg.BlockedValues = blocked(families)
	c := &contrib{next: &kept{}}
	var err error
	if c.logs, err = f.CreateLogs(context.Background(), processortest.NewNopSettings(component.MustNewType("redaction")), cfg, c.next); err != nil {
		return nil, err
	}
	return c, c.logs.Start(context.Background(), componenttest.NewNopHost())
}

func batch(lines [][]byte) plog.Logs {
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, l := range lines {
		records.AppendEmpty().Body().SetStr(string(l))
	}
	return ld
}

// changed says which lines come out different.
func (c *contrib) changed(lines [][]byte) ([]bool, error) {
	if err := c.logs.ConsumeLogs(context.Background(), batch(lines)); err != nil {
		return nil, err
	}
	out := make([]bool, len(lines))
	records := c.next.logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	for i, l := range lines {
		out[i] = records.At(i).Body().Str() != string(l)
	}
	return out, nil
}

// perByte builds the batch before the clock starts.
func (c *contrib) perByte(lines [][]byte) (float64, error) {
	ld := batch(lines)
	bytes := 0
	for _, l := range lines {
		bytes += len(l)
	}
	var err error
	d := cpu(func() { err = c.logs.ConsumeLogs(context.Background(), ld) })
	return d / float64(bytes), err
}
