// Package simulate makes the reports of many installs, as edges make them: a
// table of the real policy observes telemetry and builds the report, and each
// install's own id and sequence number are stamped onto it. Tests and benchmarks
// feed a fleet with them.
//
// All installs of a product have the same numbers: what differs between installs
// in a test is given to products.
package simulate

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

// Product is what runs in an install.
type Product struct {
	Version  string
	Services []string
	Requests int64 // of each service, in an interval
	Errors   int64 // of those
}

// Source makes the reports of one product, one interval after the other.
type Source struct {
	policy    *policy.Policy
	product   Product
	table     *table.Table
	began     time.Time
	intervals int64
	report    pmetric.Metrics
}

// New begins at a time; the first interval ends one interval later.
func New(p *policy.Policy, product Product, began time.Time) (*Source, error) {
	t, err := table.New(p, table.Options{
		Key:      make([]byte, 32),
		Identity: map[string]string{gate.InstallKey: Install(0), "service.version": "0.1.0"},
		Start:    began,
	})
	if err != nil {
		return nil, fmt.Errorf("simulate installs: %w", err)
	}
	s := &Source{policy: p, product: product, table: t, began: began}
	s.table.Observe(s.telemetry(began)) // the sums' baselines
	return s, nil
}

// Install is the id of the n-th install.
func Install(n int) string {
	var id uuid.UUID
	copy(id[:], fmt.Sprintf("weir%012d", n))
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}

// Next observes another interval's telemetry and builds its report.
func (s *Source) Next(now time.Time) error {
	s.intervals++
	s.table.Observe(s.telemetry(now))
	report, err := s.table.Report(now)
	if err != nil {
		return fmt.Errorf("simulate installs: %w", err)
	}
	s.report = report
	at := pcommon.Timestamp(uint64(now.UnixNano()) - uint64(now.UnixNano())%uint64(s.policy.Interval))
	m := s.report.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	m.SetName(gate.SequenceMetric)
	m.SetUnit(gate.SequenceUnit)
	m.SetEmptyGauge().DataPoints().AppendEmpty().SetTimestamp(at)
	return nil
}

// Points is how many data points a report has.
func (s *Source) Points() int { return s.report.DataPointCount() }

// Body is the report of one install, as its upstream would send it. It is not
// for concurrent use.
func (s *Source) Body(install string, sequence uint64) ([]byte, error) {
	rm := s.report.ResourceMetrics().At(0)
	rm.Resource().Attributes().PutStr(gate.InstallKey, install)
	ms := rm.ScopeMetrics().At(0).Metrics()
	ms.At(ms.Len() - 1).Gauge().DataPoints().At(0).SetDoubleValue(float64(sequence))
	return (&pmetric.ProtoMarshaler{}).MarshalMetrics(s.report)
}

// telemetry is what vitals and the host's metrics say at a time.
func (s *Source) telemetry(now time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	w := writer{
		ms:    md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics(),
		start: pcommon.NewTimestampFromTime(s.began), at: pcommon.NewTimestampFromTime(now),
	}
	n, p := float64(s.intervals), s.product
	w.sum("weir.heartbeat", "{beat}", n)
	w.gauge("process.uptime", "s", now.Sub(s.began).Seconds())
	for _, service := range p.Services {
		w.gauge("weir.service.version", "{version}", 1, "service.name", service, "service.version", p.Version)
		w.sum("weir.service.requests", "{request}", n*float64(p.Requests-p.Errors), "service.name", service, "span.kind", "server", "http.response.status_class", "2xx")
		w.sum("weir.service.requests", "{request}", n*float64(p.Errors), "service.name", service, "span.kind", "server", "http.response.status_class", "5xx")
		w.sum("weir.service.errors", "{error}", n*float64(p.Errors), "service.name", service, "span.kind", "server", "error.type", "500")
		w.durations("http.server.request.duration", s.intervals*p.Requests, "service.name", service, "http.request.method", "GET")
		for _, severity := range []string{"info", "warn", "error"} {
			w.sum("weir.log.records", "{record}", 10*n, "service.name", service, "severity", severity)
		}
	}
	wave := float64(s.intervals%10) / 20
	for state, v := range map[string]float64{"idle": 0.3 + wave, "user": 0.6 - wave, "system": 0.08, "wait": 0.02} {
		w.gauge("system.cpu.utilization", "1", v, "state", state)
	}
	w.gauge("system.memory.utilization", "1", 0.4+wave/2, "state", "used")
	w.gauge("system.filesystem.utilization", "1", 0.31)
	return md
}

type writer struct {
	ms        pmetric.MetricSlice
	start, at pcommon.Timestamp
}

func (w writer) metric(name, unit string) pmetric.Metric {
	m := w.ms.AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	return m
}

func (w writer) gauge(name, unit string, v float64, labels ...string) {
	w.number(w.metric(name, unit).SetEmptyGauge().DataPoints().AppendEmpty(), v, labels)
}

func (w writer) sum(name, unit string, v float64, labels ...string) {
	s := w.metric(name, unit).SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	w.number(s.DataPoints().AppendEmpty(), v, labels)
}

func (w writer) number(p pmetric.NumberDataPoint, v float64, labels []string) {
	p.SetStartTimestamp(w.start)
	p.SetTimestamp(w.at)
	p.SetDoubleValue(v)
	put(p.Attributes(), labels)
}

func (w writer) durations(name string, count int64, labels ...string) {
	h := w.metric(name, "s").SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := h.DataPoints().AppendEmpty()
	p.SetStartTimestamp(w.start)
	p.SetTimestamp(w.at)
	p.ExplicitBounds().FromRaw([]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10})
	buckets := make([]uint64, 12)
	buckets[3] = uint64(count)
	p.BucketCounts().FromRaw(buckets)
	p.SetCount(uint64(count))
	p.SetSum(float64(count) * 0.04)
	put(p.Attributes(), labels)
}

func put(m pcommon.Map, labels []string) {
	for i := 0; i+1 < len(labels); i += 2 {
		m.PutStr(labels[i], labels[i+1])
	}
}
