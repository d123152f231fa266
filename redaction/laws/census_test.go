package laws

import (
	"strings"
	"testing"

	logs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// class says what becomes of a field on the road out.
type class uint8

const (
	// ignored: nothing on that road looks at it, in the shape it has below.
	ignored class = iota + 1
	// read: it decides where a point goes, or whether; it is not in a report.
	read
	// built: reports have it, written from the policy, the clock or the cells.
	// Whether the incoming one is read as well, the note says.
	built
)

type classified struct {
	class class
	note  string
}

// census has every field of OTLP's metrics, logs and traces, by message. Logs
// and traces have no road out but vitals, which counts them.
var census = func() map[string]classified {
	out := map[string]classified{}
	for _, line := range strings.Split(strings.TrimSpace(censusText), "\n") {
		if f := strings.Fields(line); len(f) > 2 {
			c := map[string]class{"ignored": ignored, "read": read, "built": built}[f[1]]
			out["opentelemetry.proto."+f[0]] = classified{c, strings.Join(f[2:], " ")}
		}
	}
	return out
}()

const censusText = `
collector.metrics.v1.ExportMetricsServiceRequest.resource_metrics built one; incoming ones are walked
collector.logs.v1.ExportLogsServiceRequest.resource_logs          read  vitals walks them
collector.trace.v1.ExportTraceServiceRequest.resource_spans       read  vitals walks them

common.v1.KeyValue.key                    built from the policy; incoming keys are compared, and hashed for the source
common.v1.KeyValue.value                  built from the policy's domains
common.v1.KeyValue.key_strindex           ignored an index into nothing
common.v1.AnyValue.string_value           built an enum's, a constant, a semver, a uuid or a keyed hash
common.v1.AnyValue.bool_value             built of a bool domain
common.v1.AnyValue.int_value              built of an int domain
common.v1.AnyValue.double_value           read  hashed for the source
common.v1.AnyValue.array_value            read  hashed for the source
common.v1.AnyValue.kvlist_value           read  hashed for the source
common.v1.AnyValue.bytes_value            read  hashed for the source
common.v1.AnyValue.string_value_strindex  read  as a value of no type; the number is not
common.v1.ArrayValue.values               read  hashed for the source
common.v1.KeyValueList.values             read  hashed for the source
common.v1.InstrumentationScope.name       built always "weir"; hashed for the source
common.v1.InstrumentationScope.version    read  hashed for the source
common.v1.InstrumentationScope.attributes read  hashed for the source
common.v1.InstrumentationScope.dropped_attributes_count ignored says nothing about a point
common.v1.EntityRef.schema_url            ignored with its resource's entity_refs
common.v1.EntityRef.type                  ignored with its resource's entity_refs
common.v1.EntityRef.id_keys               ignored with its resource's entity_refs
common.v1.EntityRef.description_keys      ignored with its resource's entity_refs
resource.v1.Resource.attributes           built the identity and the digest; looked up for what a point lacks, hashed for the source
resource.v1.Resource.dropped_attributes_count ignored says nothing about a point
resource.v1.Resource.entity_refs          ignored names attributes that are hashed anyway

metrics.v1.ResourceMetrics.resource       built as its parts
metrics.v1.ResourceMetrics.scope_metrics  built one; incoming ones are walked
metrics.v1.ResourceMetrics.schema_url     ignored the policy names attributes as they are
metrics.v1.ScopeMetrics.scope             built as its parts
metrics.v1.ScopeMetrics.metrics           built from the policy's signals; incoming ones are walked
metrics.v1.ScopeMetrics.schema_url        ignored the policy names attributes as they are
metrics.v1.Metric.name                    built from the policy; compared
metrics.v1.Metric.description             ignored text
metrics.v1.Metric.unit                    built from the policy; compared
metrics.v1.Metric.gauge                   built by the policy's kind; compared
metrics.v1.Metric.sum                     built by the policy's kind; compared
metrics.v1.Metric.histogram               built by the policy's kind; compared
metrics.v1.Metric.exponential_histogram   read  put onto the policy's bounds
metrics.v1.Metric.summary                 read  refused as another kind
metrics.v1.Metric.metadata                ignored text
metrics.v1.Gauge.data_points              built from cells; read into them
metrics.v1.Sum.data_points                built from cells; read into them
metrics.v1.Sum.aggregation_temporality    built always cumulative; decides how a point adds
metrics.v1.Sum.is_monotonic               built from the policy; compared
metrics.v1.Histogram.data_points          built from cells; read into them
metrics.v1.Histogram.aggregation_temporality built always cumulative; decides how a point adds
metrics.v1.ExponentialHistogram.data_points  read into cells
metrics.v1.ExponentialHistogram.aggregation_temporality read decides how a point adds
metrics.v1.Summary.data_points            read  counted as refused
metrics.v1.NumberDataPoint.attributes     built from the policy's domains; located and hashed
metrics.v1.NumberDataPoint.start_time_unix_nano built the table's own; tells resets
metrics.v1.NumberDataPoint.time_unix_nano built the report's own; tells order
metrics.v1.NumberDataPoint.as_double      built on the policy's grid; added to a cell
metrics.v1.NumberDataPoint.as_int         read  added to a cell
metrics.v1.NumberDataPoint.exemplars      ignored values and ids of single requests
metrics.v1.NumberDataPoint.flags          built "no recorded value" of a gauge's empty cell; its first bit is read
metrics.v1.HistogramDataPoint.attributes  built from the policy's domains; located and hashed
metrics.v1.HistogramDataPoint.start_time_unix_nano built the table's own; tells resets
metrics.v1.HistogramDataPoint.time_unix_nano built the report's own; tells order
metrics.v1.HistogramDataPoint.count       built the total of the buckets; read where there are none
metrics.v1.HistogramDataPoint.sum         built on the policy's grid; added to a cell
metrics.v1.HistogramDataPoint.bucket_counts   built saturated; added to a cell
metrics.v1.HistogramDataPoint.explicit_bounds built from the policy; say where a bucket goes
metrics.v1.HistogramDataPoint.exemplars   ignored values and ids of single requests
metrics.v1.HistogramDataPoint.flags       read  its first bit
metrics.v1.HistogramDataPoint.min         ignored the value of a single request
metrics.v1.HistogramDataPoint.max         ignored the value of a single request
metrics.v1.ExponentialHistogramDataPoint.attributes read located and hashed
metrics.v1.ExponentialHistogramDataPoint.start_time_unix_nano read tells resets
metrics.v1.ExponentialHistogramDataPoint.time_unix_nano read tells order
metrics.v1.ExponentialHistogramDataPoint.count      read where there are no buckets
metrics.v1.ExponentialHistogramDataPoint.sum        read added to a cell
metrics.v1.ExponentialHistogramDataPoint.scale      read says where a bucket goes
metrics.v1.ExponentialHistogramDataPoint.zero_count read added to a cell
metrics.v1.ExponentialHistogramDataPoint.positive   read added to cells
metrics.v1.ExponentialHistogramDataPoint.negative   read added to cells
metrics.v1.ExponentialHistogramDataPoint.flags      read its first bit
metrics.v1.ExponentialHistogramDataPoint.exemplars  ignored values and ids of single requests
metrics.v1.ExponentialHistogramDataPoint.min        ignored the value of a single request
metrics.v1.ExponentialHistogramDataPoint.max        ignored the value of a single request
metrics.v1.ExponentialHistogramDataPoint.zero_threshold ignored the zero bucket goes where zero lies
metrics.v1.ExponentialHistogramDataPoint.Buckets.offset        read says where a bucket goes
metrics.v1.ExponentialHistogramDataPoint.Buckets.bucket_counts read added to cells
metrics.v1.SummaryDataPoint.attributes           ignored with its metric
metrics.v1.SummaryDataPoint.start_time_unix_nano ignored with its metric
metrics.v1.SummaryDataPoint.time_unix_nano       ignored with its metric
metrics.v1.SummaryDataPoint.count                ignored with its metric
metrics.v1.SummaryDataPoint.sum                  ignored with its metric
metrics.v1.SummaryDataPoint.quantile_values      ignored with its metric
metrics.v1.SummaryDataPoint.flags                ignored with its metric
metrics.v1.SummaryDataPoint.ValueAtQuantile.quantile ignored with its metric
metrics.v1.SummaryDataPoint.ValueAtQuantile.value    ignored with its metric
metrics.v1.Exemplar.filtered_attributes   ignored with its point's exemplars
metrics.v1.Exemplar.time_unix_nano        ignored with its point's exemplars
metrics.v1.Exemplar.as_double             ignored with its point's exemplars
metrics.v1.Exemplar.as_int                ignored with its point's exemplars
metrics.v1.Exemplar.span_id               ignored with its point's exemplars
metrics.v1.Exemplar.trace_id              ignored with its point's exemplars

logs.v1.ResourceLogs.resource             read  vitals: service.name and service.version
logs.v1.ResourceLogs.scope_logs           read  vitals walks them
logs.v1.ResourceLogs.schema_url           ignored text
logs.v1.ScopeLogs.scope                   ignored text
logs.v1.ScopeLogs.log_records             read  vitals counts them
logs.v1.ScopeLogs.schema_url              ignored text
logs.v1.LogRecord.severity_number         read  vitals: one of seven classes
logs.v1.LogRecord.severity_text           read  vitals: one of seven classes
logs.v1.LogRecord.attributes              read  vitals: a level by a known key, one of seven classes
logs.v1.LogRecord.body                    read  vitals: a level by a known key, one of seven classes
logs.v1.LogRecord.time_unix_nano          ignored vitals takes the time of arrival
logs.v1.LogRecord.observed_time_unix_nano ignored vitals takes the time of arrival
logs.v1.LogRecord.dropped_attributes_count ignored says nothing about a record
logs.v1.LogRecord.flags                   ignored an id's
logs.v1.LogRecord.trace_id                ignored an id
logs.v1.LogRecord.span_id                 ignored an id
logs.v1.LogRecord.event_name              ignored text

trace.v1.ResourceSpans.resource           read  vitals: service.name and service.version
trace.v1.ResourceSpans.scope_spans        read  vitals walks them
trace.v1.ResourceSpans.schema_url         ignored text
trace.v1.ScopeSpans.scope                 ignored text
trace.v1.ScopeSpans.spans                 read  vitals counts them
trace.v1.ScopeSpans.schema_url            ignored text
trace.v1.Span.kind                        read  vitals counts servers' and consumers'
trace.v1.Span.start_time_unix_nano        read  vitals: a duration, into a bucket
trace.v1.Span.end_time_unix_nano          read  vitals: a duration, into a bucket
trace.v1.Span.attributes                  read  vitals: the HTTP status, one of six classes
trace.v1.Span.status                      read  vitals: its code
trace.v1.Status.code                      read  vitals: an error or none
trace.v1.Status.message                   ignored text
trace.v1.Span.trace_id                    ignored an id
trace.v1.Span.span_id                     ignored an id
trace.v1.Span.trace_state                 ignored text
trace.v1.Span.parent_span_id              ignored an id
trace.v1.Span.flags                       ignored an id's
trace.v1.Span.name                        ignored text
trace.v1.Span.dropped_attributes_count    ignored says nothing about a span
trace.v1.Span.events                      ignored text and values of single requests
trace.v1.Span.dropped_events_count        ignored says nothing about a span
trace.v1.Span.links                       ignored ids of single requests
trace.v1.Span.dropped_links_count         ignored says nothing about a span
trace.v1.Span.Event.time_unix_nano        ignored with its span's events
trace.v1.Span.Event.name                  ignored with its span's events
trace.v1.Span.Event.attributes            ignored with its span's events
trace.v1.Span.Event.dropped_attributes_count ignored with its span's events
trace.v1.Span.Link.trace_id               ignored with its span's links
trace.v1.Span.Link.span_id                ignored with its span's links
trace.v1.Span.Link.trace_state            ignored with its span's links
trace.v1.Span.Link.attributes             ignored with its span's links
trace.v1.Span.Link.dropped_attributes_count ignored with its span's links
trace.v1.Span.Link.flags                  ignored with its span's links
`

// A field that OTLP gains fails here until somebody has decided about it; so
// does one that it loses, and one without a reason.
func TestEveryFieldOfOTLPIsClassified(t *testing.T) {
	there := map[string]bool{}
	var walk func(protoreflect.MessageDescriptor)
	seen := map[protoreflect.FullName]bool{}
	walk = func(d protoreflect.MessageDescriptor) {
		if seen[d.FullName()] {
			return
		}
		seen[d.FullName()] = true
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			there[string(f.FullName())] = true
			if f.Message() != nil {
				walk(f.Message())
			}
		}
	}
	for _, m := range []proto.Message{&metrics.ExportMetricsServiceRequest{}, &logs.ExportLogsServiceRequest{}, &traces.ExportTraceServiceRequest{}} {
		walk(m.ProtoReflect().Descriptor())
	}
	for name := range there {
		if c := census[name]; c.class == 0 || c.note == "" {
			t.Errorf("%s is not classified: does anything on the road out read it, and why?", name)
		}
	}
	for name := range census {
		if !there[name] {
			t.Errorf("%s is classified and is not in OTLP any more", name)
		}
	}
	t.Logf("%d fields of %d messages", len(there), len(seen))
}

// What the census calls built is what a full report has, no less and no more.
func TestReportsHaveTheFieldsThatAreBuilt(t *testing.T) {
	p := parse(t, plantedPolicy)
	tab := lay(t, p)
	for _, kind := range plantedKinds {
		observe(t, tab, plantBase(kind))
	}
	var message metrics.ExportMetricsServiceRequest
	if err := proto.Unmarshal(marshal(t, report(t, tab, after(61))), &message); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	var walk func(protoreflect.Message)
	walk = func(m protoreflect.Message) {
		if len(m.GetUnknown()) > 0 {
			t.Errorf("%s has unknown fields", m.Descriptor().FullName())
		}
		m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			got[string(f.FullName())] = true
			switch {
			case f.Message() == nil:
			case f.IsList():
				for i := range v.List().Len() {
					walk(v.List().Get(i).Message())
				}
			default:
				walk(v.Message())
			}
			return true
		})
	}
	walk(message.ProtoReflect())
	for name, c := range census {
		if (c.class == built) != got[name] {
			t.Errorf("%s: built by the census %v, in a report %v", name, c.class == built, got[name])
		}
	}
}
