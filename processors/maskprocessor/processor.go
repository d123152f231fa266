package maskprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/weir-telemetry/weir/processors/maskprocessor/internal/metadata"
	"github.com/weir-telemetry/weir/redaction/mask"
)

type masker struct {
	component.StartFunc

	mask      *mask.Masker
	next      consumer.Logs
	telemetry *metadata.TelemetryBuilder
	families  [mask.Families]metric.AddOption
}

func newMasker(set processor.Settings, cfg *Config, next consumer.Logs) (*masker, error) {
	m, err := cfg.masker()
	if err != nil {
		return nil, err
	}
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	p := &masker{mask: m, next: next, telemetry: telemetry}
	for f := range mask.Families {
		p.families[f] = metric.WithAttributeSet(attribute.NewSet(attribute.String("family", f.String())))
	}
	return p, nil
}

// Capabilities: records are changed in place.
func (*masker) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

func (p *masker) Shutdown(context.Context) error {
	p.telemetry.Shutdown()
	return nil
}

func (p *masker) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	var c mask.Counts
	for _, rl := range ld.ResourceLogs().All() {
		p.attributes(rl.Resource().Attributes(), &c)
		for _, sl := range rl.ScopeLogs().All() {
			p.attributes(sl.Scope().Attributes(), &c)
			for _, record := range sl.LogRecords().All() {
				p.value("", record.Body(), &c)
				p.attributes(record.Attributes(), &c)
			}
		}
	}
	for f, n := range c {
		if n > 0 {
			p.telemetry.MaskMasked.Add(ctx, int64(n), p.families[f])
		}
	}
	return p.next.ConsumeLogs(ctx, ld)
}

func (p *masker) attributes(m pcommon.Map, c *mask.Counts) {
	for key, v := range m.All() {
		p.value(key, v, c)
	}
}

// value masks v, which stands under key. A key that is one of the masker's is a
// pair as it would be in text, whatever the type of its value.
func (p *masker) value(key string, v pcommon.Value, c *mask.Counts) {
	if key != "" && v.Type() != pcommon.ValueTypeEmpty && v.Type() != pcommon.ValueTypeBool && p.mask.Key(key) {
		if s := v.AsString(); s != "" && s != mask.Secret.Constant() {
			c[mask.Secret]++
			v.SetStr(mask.Secret.Constant())
		}
		return
	}
	switch v.Type() {
	case pcommon.ValueTypeStr:
		if s, changed := p.mask.String(v.Str(), c); changed {
			v.SetStr(s)
		}
	case pcommon.ValueTypeMap:
		p.attributes(v.Map(), c)
	case pcommon.ValueTypeSlice:
		for _, e := range v.Slice().All() {
			p.value("", e, c)
		}
	case pcommon.ValueTypeBytes:
		if raw := v.Bytes().AsRaw(); !p.mask.Clean(raw) {
			v.Bytes().FromRaw(p.mask.AppendCounted(nil, raw, c))
		}
	}
}
