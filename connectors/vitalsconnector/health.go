package vitalsconnector

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-telemetry/weir/internal/ownmetrics"
	"github.com/weir-telemetry/weir/vitals/fault"
)

// health reads in Weir's own metrics what went wrong since it last looked.
type health struct {
	source *ownmetrics.Source // nil: there are none
	read   metricdata.ResourceMetrics
	totals map[string]int64
}

func newHealth(mp metric.MeterProvider) *health {
	h := &health{}
	if s, ok := ownmetrics.From(mp); ok && !s.Off() {
		h.source = s
	}
	return h
}

// symptoms are sums that grow when something is wrong.
var symptoms = []struct {
	name       string
	key, value string // of an attribute; a value may be a component's type
	fault.Trouble
}{
	{"otelcol_receiver_refused_log_records", "", "", fault.DataRefused},
	{"otelcol_receiver_refused_metric_points", "", "", fault.DataRefused},
	{"otelcol_receiver_refused_spans", "", "", fault.DataRefused},
	{"otelcol_exporter_send_failed_log_records", "exporter", "local_store", fault.StoreFailed},
	{"otelcol_exporter_send_failed_metric_points", "exporter", "local_store", fault.StoreFailed},
	{"weir_upstream_refused", "reason", "ledger_failed", fault.LedgerFailed},
	{"weir_upstream_retries", "reason", "ledger_failed", fault.LedgerFailed},
	{"weir_upstream_retries", "reason", "name", fault.UpstreamName},
	{"weir_upstream_retries", "reason", "proxy", fault.UpstreamProxy},
	{"weir_upstream_retries", "reason", "proxy_denied", fault.UpstreamDenied},
}

// troubles are those since the last call. The first call only looks.
func (h *health) troubles(ctx context.Context) []fault.Trouble {
	if h.source == nil || h.source.Collect(ctx, &h.read) != nil {
		return nil
	}
	first, found := h.totals == nil, map[fault.Trouble]bool{}
	totals := map[string]int64{}
	for _, sm := range h.read.ScopeMetrics {
		for _, m := range sm.Metrics {
			sum, ok := m.Data.(metricdata.Sum[int64])
			if !ok {
				continue
			}
			for _, s := range symptoms {
				if s.name != m.Name {
					continue
				}
				for _, p := range sum.DataPoints {
					if !has(p.Attributes, s.key, s.value) {
						continue
					}
					key := s.name + "\x00" + string(s.Trouble)
					totals[key] += p.Value
				}
				key := s.name + "\x00" + string(s.Trouble)
				if !first && totals[key] > h.totals[key] {
					found[s.Trouble] = true
				}
			}
		}
	}
	h.totals = totals
	var all []fault.Trouble
	for _, s := range symptoms {
		if found[s.Trouble] {
			all = append(all, s.Trouble)
			delete(found, s.Trouble)
		}
	}
	return all
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
