package vitalsconnector

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-telemetry/weir/internal/ownmetrics"
	"github.com/weir-telemetry/weir/vitals/fault"
)

// health reads in Weir's own metrics what went wrong since it last looked.
type health struct {
	source  *ownmetrics.Source // nil: there are none
	read    metricdata.ResourceMetrics
	totals  map[count]int64   // nil: it has not looked yet
	lasting map[int]time.Time // symptoms that nothing has succeeded since, and when they were last seen
}

func newHealth(mp metric.MeterProvider) *health {
	h := &health{lasting: map[int]time.Time{}}
	if s, ok := ownmetrics.From(mp); ok && !s.Off() {
		h.source = s
	}
	return h
}

// count is a sum, or the part of it with an attribute of a value, which may be a
// component's type, or all but that part.
type count struct {
	name, key, value string
	others           bool
}

// What shows that upstream has got further than where it failed.
var (
	recorded = []count{{name: "weir_upstream_reports"}}
	answered = func(reason string) []count {
		return []count{{"weir_upstream_reports", "outcome", "acknowledged", false}, {"weir_upstream_retries", "reason", reason, true}}
	}
)

// symptoms are sums that grow when something is wrong. What upstream does is
// rarer than a round, once a policy's interval or after a pause that grows: its
// trouble lasts until one of mended grows.
var symptoms = []struct {
	count
	fault.Trouble
	mended []count
}{
	{count{name: "otelcol_receiver_refused_log_records"}, fault.DataRefused, nil},
	{count{name: "otelcol_receiver_refused_metric_points"}, fault.DataRefused, nil},
	{count{name: "otelcol_receiver_refused_spans"}, fault.DataRefused, nil},
	{count{"otelcol_exporter_send_failed_log_records", "exporter", "local_store", false}, fault.StoreFailed, nil},
	{count{"otelcol_exporter_send_failed_metric_points", "exporter", "local_store", false}, fault.StoreFailed, nil},
	{count{"weir_upstream_refused", "reason", "ledger_failed", false}, fault.LedgerFailed, recorded},
	{count{"weir_upstream_retries", "reason", "ledger_failed", false}, fault.LedgerFailed, recorded},
	{count{"weir_upstream_retries", "reason", "name", false}, fault.UpstreamName, answered("name")},
	{count{"weir_upstream_retries", "reason", "proxy", false}, fault.UpstreamProxy, answered("proxy")},
	{count{"weir_upstream_retries", "reason", "proxy_denied", false}, fault.UpstreamDenied, answered("proxy_denied")},
}

// longest is how long a trouble lasts that is neither seen again nor mended:
// thrice upstream's longest pause. Nothing may be left to send, by a policy that
// was revoked.
const longest = 15 * time.Minute

// troubles are those since the last call, and those that last. The first call
// only looks.
func (h *health) troubles(ctx context.Context, now time.Time) []fault.Trouble {
	if h.source == nil || h.source.Collect(ctx, &h.read) != nil {
		return nil
	}
	before := h.totals
	h.totals = h.count()
	if before == nil {
		return nil
	}
	grows := func(c count) bool { return h.totals[c] > before[c] }
	var all []fault.Trouble
	for i, s := range symptoms {
		seen, mended := grows(s.count), slices.ContainsFunc(s.mended, grows)
		if seen {
			h.lasting[i] = now
		}
		last, lasts := h.lasting[i]
		if lasts && now.Sub(last) > longest || !seen && mended {
			lasts = false
		}
		if lasts && !slices.Contains(all, s.Trouble) {
			all = append(all, s.Trouble)
		}
		if !lasts || mended || s.mended == nil {
			delete(h.lasting, i)
		}
	}
	return all
}

// count adds up what symptoms speak of.
func (h *health) count() map[count]int64 {
	totals := map[count]int64{}
	for _, s := range symptoms {
		totals[s.count] = 0
		for _, c := range s.mended {
			totals[c] = 0
		}
	}
	for _, sm := range h.read.ScopeMetrics {
		for _, m := range sm.Metrics {
			sum, ok := m.Data.(metricdata.Sum[int64])
			if !ok {
				continue
			}
			for c := range totals {
				if c.name != m.Name {
					continue
				}
				for _, p := range sum.DataPoints {
					if has(p.Attributes, c.key, c.value) != c.others {
						totals[c] += p.Value
					}
				}
			}
		}
	}
	return totals
}

// has says that an attribute has a value, or that of a component of that type.
func has(set attribute.Set, key, value string) bool {
	if key == "" {
		return true
	}
	v, ok := set.Value(attribute.Key(key))
	kind, _, _ := strings.Cut(v.AsString(), "/")
	return ok && kind == value
}
