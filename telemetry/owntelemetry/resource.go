package owntelemetry

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/service/telemetry"
	"go.opentelemetry.io/otel/attribute"
	sdkresource "go.opentelemetry.io/otel/sdk/resource"
)

// The attributes that every collector's resource has.
const (
	serviceName       = "service.name"
	serviceVersion    = "service.version"
	serviceInstanceID = "service.instance.id"
)

// createResource describes this collector, as the collector's own factory does:
// what is not configured is filled in, the instance with an id made for this
// start.
func createResource(_ context.Context, set telemetry.Settings, cfg component.Config) (pcommon.Resource, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return pcommon.Resource{}, err
	}
	all := map[string]string{
		serviceName:       set.BuildInfo.Command,
		serviceVersion:    set.BuildInfo.Version,
		serviceInstanceID: id.String(),
	}
	maps.Copy(all, cfg.(*Config).Resource)
	res := pcommon.NewResource()
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if all[k] != "" {
			res.Attributes().PutStr(k, all[k])
		}
	}
	return res, nil
}

// sdkResource is res in the SDK's form.
func sdkResource(res *pcommon.Resource) *sdkresource.Resource {
	var attrs []attribute.KeyValue
	if res != nil {
		for k, v := range res.Attributes().All() {
			attrs = append(attrs, attribute.String(k, v.AsString()))
		}
	}
	return sdkresource.NewSchemaless(attrs...)
}
