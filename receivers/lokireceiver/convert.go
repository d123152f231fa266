package lokireceiver

import (
	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/weir-telemetry/weir/localstore/logstore"
	"github.com/weir-telemetry/weir/localstore/otlplogs"
)

// toLogs makes a batch of the streams, in their order. Times before 1970, which
// OTLP cannot say, become the time zero, which says that it is not known.
// service_name and detected_level are added where they are missing.
func toLogs(streams []logstore.Stream) plog.Logs {
	ld := plog.NewLogs()
	ld.ResourceLogs().EnsureCapacity(len(streams))
	for _, s := range streams {
		if len(s.Entries) == 0 {
			continue
		}
		rl := ld.ResourceLogs().AppendEmpty()
		attributes := rl.Resource().Attributes()
		putAll(attributes, s.Labels)
		if name := service(s.Labels); name != "" {
			attributes.PutStr(serviceName, name)
		}
		given := givenLevel(s.Labels)
		hasLevel := s.Labels.Has(detectedLevel)
		sl := rl.ScopeLogs().AppendEmpty()
		sl.Scope().SetName(otlplogs.PushScope)
		records := sl.LogRecords()
		records.EnsureCapacity(len(s.Entries))
		for _, e := range s.Entries {
			r := records.AppendEmpty()
			r.SetTimestamp(pcommon.Timestamp(max(0, e.Timestamp)))
			r.Body().SetStr(e.Line)
			putAll(r.Attributes(), e.Metadata)
			if !hasLevel && !e.Metadata.Has(detectedLevel) {
				r.Attributes().PutStr(detectedLevel, level(given, e.Metadata, e.Line))
			}
		}
	}
	return ld
}

func putAll(m pcommon.Map, ls labels.Labels) {
	n := ls.Len()
	if n == 0 {
		return
	}
	m.EnsureCapacity(n + 1)
	ls.Range(func(l labels.Label) { m.PutStr(l.Name, l.Value) })
}
