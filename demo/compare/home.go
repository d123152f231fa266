package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/weir-telemetry/weir/demo/canary"
)

// everything is a LogQL selector that takes all streams.
const everything = `{service_name=~".+"}`

// home asks the edge what the customer has: everything.
func home(ctx context.Context, edge api) ([]row, error) {
	var errs []error
	one := func(samples []sample, err error) float64 {
		if err != nil {
			errs = append(errs, err)
			return 0
		}
		return total(samples)
	}
	lines := one(edge.counts(ctx, `sum(count_over_time(`+everything+`[1h]))`))
	withMail := one(edge.counts(ctx, fmt.Sprintf(`sum(count_over_time(%s |= %q [1h]))`, everything, canary.Mail)))
	series := one(edge.metrics(ctx, `count({__name__=~".+"})`))
	requests := one(edge.metrics(ctx, `sum(weir_service_requests_total)`))
	services, err := edge.metrics(ctx, `count by (service_name) (weir_service_requests_total)`)
	errs = append(errs, err)
	example, err := edge.newestLine(ctx, fmt.Sprintf(`%s |= %q`, everything, canary.Mail))
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("ask what stayed home: %w", err)
	}
	return []row{
		{"log lines", number(lines)},
		{"with a mail", number(withMail)},
		{"for example", example},
		{"series", number(series)},
		{"services", strings.Join(labelValues(services, "service_name"), ", ")},
		{"spans", "of " + number(requests) + " requests, with their SQL, names and links: counted, then let go"},
	}, nil
}

func total(samples []sample) float64 {
	sum := 0.0
	for _, s := range samples {
		sum += s.value
	}
	return sum
}

// labelValues are the distinct values of a label, sorted.
func labelValues(samples []sample, label string) []string {
	seen := map[string]bool{}
	var all []string
	for _, s := range samples {
		if v := s.labels[label]; v != "" && !seen[v] {
			seen[v] = true
			all = append(all, v)
		}
	}
	sort.Strings(all)
	return all
}
