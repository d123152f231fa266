package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/demo/canary"
)

// away asks the fleet what the vendor knows.
func away(ctx context.Context, fleet api, now time.Time) ([]row, error) {
	var errs []error
	ask := func(query string) []sample {
		samples, err := fleet.metrics(ctx, query)
		errs = append(errs, err)
		return samples
	}
	heartbeat := ask(`weir_heartbeat_total`)
	last := ask(`max(weir_fleet_last_report_seconds)`)
	versions := ask(`weir_service_version > 0`)
	classes := ask(`sum by (http_response_status_class) (weir_service_requests_total) > 0`)
	failed := ask(`sum(weir_service_errors_total) / sum(weir_service_requests_total)`)
	cpu := ask(`1 - sum by (weir_install_id) (system_cpu_utilization_ratio{state="idle"})`)
	memory := ask(`sum by (weir_install_id) (system_memory_utilization_ratio{state="used"})`)
	disk := ask(`max by (weir_install_id) (system_filesystem_utilization_ratio)`)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("ask what the fleet knows: %w", err)
	}
	beat := "none"
	if len(heartbeat) > 0 && len(last) > 0 {
		ago := max(now.Sub(time.Unix(int64(last[0].value), 0)).Seconds(), 0)
		beat = fmt.Sprintf("%s, the last %.0f s ago", number(total(heartbeat)), ago)
	}
	return []row{
		{"install", or(strings.Join(labelValues(heartbeat, "weir_install_id"), ", "), "none")},
		{"Weir", or(strings.Join(labelValues(heartbeat, "service_version"), ", "), "unknown")},
		{"heartbeats", beat},
		{"versions", or(pairs(versions, "service_name", "service_version"), "none")},
		{"requests", or(tally(classes, "http_response_status_class"), "none")},
		{"failed", share(failed)},
		{"processor", share(cpu)},
		{"memory", share(memory)},
		{"fullest disk", share(disk)},
	}, nil
}

// leaked looks for the canaries in every label of every series that the fleet
// has, and says how many series those are.
func leaked(ctx context.Context, fleet api) (found []string, series int, err error) {
	data, err := fleet.get(ctx, "/api/v1/series", url.Values{"match[]": {`{__name__=~".+"}`}})
	if err != nil {
		return nil, 0, fmt.Errorf("look for canaries at the fleet: %w", err)
	}
	var all []map[string]string
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, 0, fmt.Errorf("look for canaries at the fleet: %w", err)
	}
	for _, labels := range all {
		for name, value := range labels {
			found = append(found, canary.Find([]byte(name+"\n"+value))...)
		}
	}
	return found, len(all), nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// share writes the first sample as a percentage.
func share(samples []sample) string {
	if len(samples) == 0 {
		return "not reported"
	}
	return percent(samples[0].value)
}

// pairs lists "frontend 1.4.2, cart 2.0.1".
func pairs(samples []sample, first, second string) string {
	var all []string
	for _, s := range samples {
		all = append(all, s.labels[first]+" "+s.labels[second])
	}
	sort.Strings(all)
	return strings.Join(all, ", ")
}

// tally lists "2xx 1 425, 5xx 45".
func tally(samples []sample, label string) string {
	var all []string
	for _, s := range samples {
		all = append(all, or(s.labels[label], "none")+" "+number(s.value))
	}
	sort.Strings(all)
	return strings.Join(all, ", ")
}
