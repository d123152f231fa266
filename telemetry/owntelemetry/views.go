package owntelemetry

import (
	"errors"

	otelconf "go.opentelemetry.io/contrib/otelconf/v0.3.0"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

var errView = errors.New("a default view of the collector asks for more than to select by meter and name, to drop, and to leave attributes out")

// view makes the SDK's view of one of the collector's default views, which come
// in the words of otelconf. Only its types are used: its code knows every
// exporter, and the linker leaves out what is not called. What the defaults of
// this collector release do not use is refused, so that a later release cannot
// be half understood.
func view(v otelconf.View) (sdkmetric.View, error) {
	if v.Selector == nil || v.Stream == nil {
		return nil, errView
	}
	sel, str := *v.Selector, *v.Stream
	if sel.InstrumentType != nil || sel.MeterSchemaUrl != nil || sel.MeterVersion != nil || sel.Unit != nil ||
		sel.MeterName == nil && sel.InstrumentName == nil ||
		str.Name != nil || str.Description != nil {
		return nil, errView
	}
	which := sdkmetric.Instrument{Name: text(sel.InstrumentName), Scope: instrumentation.Scope{Name: text(sel.MeterName)}}
	var how sdkmetric.Stream
	if a := str.Aggregation; a != nil {
		if a.Drop == nil || a.Base2ExponentialBucketHistogram != nil || a.Default != nil ||
			a.ExplicitBucketHistogram != nil || a.LastValue != nil || a.Sum != nil {
			return nil, errView
		}
		how.Aggregation = sdkmetric.AggregationDrop{}
	}
	if k := str.AttributeKeys; k != nil {
		if len(k.Included) > 0 {
			return nil, errView
		}
		keys := make([]attribute.Key, len(k.Excluded))
		for i, e := range k.Excluded {
			keys[i] = attribute.Key(e)
		}
		how.AttributeFilter = attribute.NewDenyKeysFilter(keys...)
	}
	return sdkmetric.NewView(which, how), nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
