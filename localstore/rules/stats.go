package rules

import (
	dto "github.com/prometheus/client_model/go"
	promrules "github.com/prometheus/prometheus/rules"
)

// Stats are the manager's figures at one moment.
type Stats struct {
	Rules       int64
	Evaluations int64 // of single rules, since the start
	Failures    int64 // of those
	Missed      int64 // rounds of a group that came too late, because the one before was slow
	Firing      int64 // alerts
	Sent        int64 // notifications that an Alertmanager took
	Dropped     int64 // notifications that none took
}

// Stats returns the present figures.
func (m *Manager) Stats() Stats {
	var s Stats
	for _, g := range m.manager.RuleGroups() {
		s.Rules += int64(len(g.Rules()))
	}
	for _, r := range m.manager.AlertingRules() {
		for _, a := range r.ActiveAlerts() {
			if a.State == promrules.StateFiring {
				s.Firing++
			}
		}
	}
	// A partial answer is what there is; the registry is ours alone.
	families, _ := m.registry.Gather()
	for _, f := range families {
		switch f.GetName() {
		case "prometheus_rule_evaluations_total":
			s.Evaluations = sum(f)
		case "prometheus_rule_evaluation_failures_total":
			s.Failures = sum(f)
		case "prometheus_rule_group_iterations_missed_total":
			s.Missed = sum(f)
		case "prometheus_notifications_sent_total":
			s.Sent = sum(f)
		case "prometheus_notifications_dropped_total":
			s.Dropped = sum(f)
		}
	}
	return s
}

func sum(f *dto.MetricFamily) int64 {
	var n float64
	for _, m := range f.GetMetric() {
		n += m.GetCounter().GetValue()
	}
	return int64(n)
}
