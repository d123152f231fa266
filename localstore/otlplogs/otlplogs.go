// Package otlplogs turns OTLP log records into the local store's streams, as
// Loki's OTLP endpoint maps them, so that Loki's queries and dashboards work.
//
// A stated list of resource attributes becomes the stream's labels. Everything
// else becomes structured metadata of the record: the other resource
// attributes, the scope, the record's attributes and its fixed fields. The body
// is the line. Where two of them have one name after sanitising, the more
// specific wins: fixed field, record, scope, resource.
//
// Records that came over Loki's push protocol already have Loki's shape and are
// passed through as they are.
//
// It keeps no state and no clock: a record without any time has time zero,
// which the store refuses as too old.
package otlplogs

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/weir-telemetry/weir/localstore/logstore"
)

// PushScope is the scope name of records that came over Loki's push protocol.
const PushScope = "github.com/weir-telemetry/weir/receivers/lokireceiver"

const unknownService = "unknown_service"

// indexLabels are the resource attributes that name a stream.
var indexLabels = map[string]string{}

func init() {
	for _, name := range []string{
		"cloud.availability_zone", "cloud.region", "container.name", "deployment.environment",
		"deployment.environment.name", "k8s.cluster.name", "k8s.container.name", "k8s.cronjob.name",
		"k8s.daemonset.name", "k8s.deployment.name", "k8s.job.name", "k8s.namespace.name", "k8s.pod.name",
		"k8s.replicaset.name", "k8s.statefulset.name", "service.instance.id", "service.name", "service.namespace",
	} {
		indexLabels[name] = sanitize(name)
	}
}

// Streams maps a batch. The result keeps no reference to ld beyond strings,
// which are immutable.
func Streams(ld plog.Logs) []logstore.Stream {
	m := mapper{byLabels: map[string]int{}}
	for _, rl := range ld.ResourceLogs().All() {
		m.resource(rl)
	}
	return slices.DeleteFunc(m.streams, func(s logstore.Stream) bool { return len(s.Entries) == 0 })
}

type mapper struct {
	streams  []logstore.Stream
	byLabels map[string]int // of streams, by the bytes of their labels
	sb       labels.ScratchBuilder
	buf      []byte
	meta     []labels.Label // of one record
	shared   []labels.Label // of the scope and the resource
}

func (m *mapper) resource(rl plog.ResourceLogs) {
	attrs := rl.Resource().Attributes()
	otlp, push := -1, -1 // the streams' numbers, found when first needed
	for _, sl := range rl.ScopeLogs().All() {
		if sl.Scope().Name() == PushScope {
			if push < 0 {
				push = m.stream(pushLabels(attrs))
			}
			for _, lr := range sl.LogRecords().All() {
				m.push(push, lr)
			}
			continue
		}
		if otlp < 0 {
			otlp = m.stream(streamLabels(attrs))
		}
		m.shared = appendScope(m.shared[:0], sl.Scope())
		for k, v := range attrs.All() {
			if _, isLabel := indexLabels[k]; !isLabel {
				m.shared = appendAttribute(m.shared, k, v, 0)
			}
		}
		for _, lr := range sl.LogRecords().All() {
			m.record(otlp, lr)
		}
	}
}

// stream returns the number of the stream with these labels.
func (m *mapper) stream(all []labels.Label) int {
	ls := m.labels(all)
	m.buf = ls.Bytes(m.buf[:0])
	if i, ok := m.byLabels[string(m.buf)]; ok {
		return i
	}
	i := len(m.streams)
	m.streams = append(m.streams, logstore.Stream{Labels: ls})
	m.byLabels[string(m.buf)] = i
	return i
}

// labels sorts; of equal names the first stays.
func (m *mapper) labels(all []labels.Label) labels.Labels {
	slices.SortStableFunc(all, func(a, b labels.Label) int { return strings.Compare(a.Name, b.Name) })
	m.sb.Reset()
	last := ""
	for _, l := range all {
		if l.Name != last {
			m.sb.Add(l.Name, l.Value)
		}
		last = l.Name
	}
	return m.sb.Labels()
}

func streamLabels(attrs pcommon.Map) []labels.Label {
	var all []labels.Label
	service := ""
	for k, v := range attrs.All() {
		name, ok := indexLabels[k]
		if !ok {
			continue
		}
		value := strings.ToValidUTF8(text(v), "\uFFFD")
		if k == "service.name" && service == "" {
			service = value
		} else if value != "" {
			all = append(all, labels.Label{Name: name, Value: value})
		}
	}
	if service == "" {
		service = unknownService
	}
	return append([]labels.Label{{Name: "service_name", Value: service}}, all...)
}

func pushLabels(attrs pcommon.Map) []labels.Label {
	var all []labels.Label
	for k, v := range attrs.All() {
		all = append(all, labels.Label{Name: k, Value: text(v)})
	}
	return all
}

func (m *mapper) push(stream int, lr plog.LogRecord) {
	m.meta = m.meta[:0]
	for k, v := range lr.Attributes().All() {
		m.meta = append(m.meta, labels.Label{Name: k, Value: text(v)})
	}
	m.add(stream, lr, text(lr.Body()))
}

func (m *mapper) record(stream int, lr plog.LogRecord) {
	line := text(lr.Body())
	m.meta = appendFields(m.meta[:0], lr)
	m.meta = append(m.meta, labels.Label{Name: "detected_level", Value: Level(lr.SeverityNumber(), lr.SeverityText(), line)})
	for k, v := range lr.Attributes().All() {
		m.meta = appendAttribute(m.meta, k, v, 0)
	}
	m.meta = append(m.meta, m.shared...)
	m.add(stream, lr, line)
}

func (m *mapper) add(stream int, lr plog.LogRecord, line string) {
	s := &m.streams[stream]
	s.Entries = append(s.Entries, logstore.Entry{Timestamp: timestamp(lr), Line: line, Metadata: m.labels(m.meta)})
}

func timestamp(lr plog.LogRecord) int64 {
	t := lr.Timestamp()
	if t == 0 {
		t = lr.ObservedTimestamp()
	}
	return int64(min(t, math.MaxInt64))
}

// appendFields adds the record's fixed fields that are set.
func appendFields(b []labels.Label, lr plog.LogRecord) []labels.Label {
	add := func(set bool, name string, value func() string) {
		if set {
			b = append(b, labels.Label{Name: name, Value: value()})
		}
	}
	number := func(n uint64) func() string { return func() string { return strconv.FormatUint(n, 10) } }
	add(!lr.TraceID().IsEmpty(), "trace_id", lr.TraceID().String)
	add(!lr.SpanID().IsEmpty(), "span_id", lr.SpanID().String)
	add(lr.SeverityText() != "", "severity_text", lr.SeverityText)
	add(lr.SeverityNumber() != 0, "severity_number", func() string { return strconv.FormatInt(int64(lr.SeverityNumber()), 10) })
	add(lr.ObservedTimestamp() != 0, "observed_timestamp", number(uint64(lr.ObservedTimestamp())))
	add(lr.Flags() != 0, "flags", number(uint64(lr.Flags())))
	add(lr.EventName() != "", "event_name", lr.EventName)
	add(lr.DroppedAttributesCount() != 0, "dropped_attributes_count", number(uint64(lr.DroppedAttributesCount())))
	return b
}

func appendScope(b []labels.Label, scope pcommon.InstrumentationScope) []labels.Label {
	if n := scope.Name(); n != "" {
		b = append(b, labels.Label{Name: "scope_name", Value: n})
	}
	if v := scope.Version(); v != "" {
		b = append(b, labels.Label{Name: "scope_version", Value: v})
	}
	if n := scope.DroppedAttributesCount(); n != 0 {
		b = append(b, labels.Label{Name: "scope_dropped_attributes_count", Value: strconv.FormatUint(uint64(n), 10)})
	}
	for k, v := range scope.Attributes().All() {
		b = appendAttribute(b, k, v, 0)
	}
	return b
}
