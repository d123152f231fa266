package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/weir-telemetry/weir/vitals/environment"
)

const fleetShowUsage = "[--json] [--url URL] INSTALL"

// installDetail is what `show` knows beyond the list.
type installDetail struct {
	*installState
	Desired       map[string]string  `json:"desired"`     // version by service, where the catalogue wants one
	Utilization   map[string]float64 `json:"utilization"` // by resource
	Began         time.Time          `json:"began,omitzero"`
	FirstSignal   *float64           `json:"timeToFirstSignalSeconds"`
	Sequence      int                `json:"lastSequence"`
	Weir          string             `json:"weirVersion,omitempty"`
	Environment   map[string]string  `json:"environment"`    // a word by fact, as its policy lets them out
	Configuration []time.Time        `json:"configurations"` // when each of the last day was last reported, newest first; which is which only the install knows
	Fault         string             `json:"faultDomain,omitempty"`
	FiringAlerts  []string           `json:"alerts"`
	ServiceErrors map[string]float64 `json:"errorRatioByService"`
}

func runFleetShow(e env, args []string) int {
	var (
		asJSON  bool
		address string
	)
	rest, err := parseArgs("fleet show", fleetShowUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
		fs.StringVar(&address, "url", "", "")
	})
	if err != nil {
		return e.fail(err)
	}
	if len(rest) != 1 || strings.Trim(rest[0], "0123456789abcdef-") != "" {
		return e.fail(fmt.Errorf("%w: usage: weir fleet show %s; INSTALL is its id or the beginning of it", errUsage, fleetShowUsage))
	}
	store, err := e.fleetStore(address)
	if err != nil {
		return e.fail(err)
	}
	ctx := context.Background()
	id, err := store.findInstall(ctx, rest[0])
	if err != nil {
		return e.fail(err)
	}
	if id == "" {
		fmt.Fprintf(e.err, "weir: no install %s was heard within 30 days\n", rest[0])
		return exitNo
	}
	d, err := store.install(ctx, id)
	if err != nil {
		return e.fail(err)
	}
	if asJSON {
		return e.json(d, exitYes)
	}
	d.print(e)
	return exitYes
}

// findInstall completes the beginning of an id; "" if there is none.
func (s localStore) findInstall(ctx context.Context, begin string) (string, error) {
	found, err := s.query(ctx, fmt.Sprintf("weir:install:last_report_seconds{%s=~%q}", installLabel, begin+".*"))
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0].Metric[installLabel], nil
	}
	return "", errors.New("more than one install begins so: write more of its id")
}

func (s localStore) install(ctx context.Context, id string) (*installDetail, error) {
	all, err := s.installs(ctx, id)
	if err != nil {
		return nil, err
	}
	d := &installDetail{installState: all[id], Desired: map[string]string{}, Environment: map[string]string{}, Utilization: map[string]float64{}, ServiceErrors: map[string]float64{}, FiringAlerts: []string{}}
	if d.installState == nil {
		return nil, errors.New("the install has just been forgotten")
	}
	match := fmt.Sprintf("{%s=%q}", installLabel, id)
	for _, q := range []struct {
		expr string
		set  func(sample)
	}{
		{fmt.Sprintf("weir_fleet_release_desired{weir_fleet_ring=%q}", d.Ring), func(v sample) {
			if _, runs := d.Versions[v.Metric["service_name"]]; runs {
				d.Desired[v.Metric["service_name"]] = v.Metric["service_version"]
			}
		}},
		{"weir:install:utilization" + match, func(v sample) { d.Utilization[v.Metric["resource"]] = float64(v.Value) }},
		{"weir:install:began_seconds" + match, func(v sample) { d.Began = time.Unix(int64(v.Value), 0).UTC() }},
		{"weir:install:time_to_first_signal_seconds" + match, func(v sample) { d.FirstSignal = pointer(float64(v.Value)) }},
		{"last_over_time(weir_fleet_report_sequence" + match + "[1d])", func(v sample) {
			if int(v.Value) >= d.Sequence {
				d.Sequence, d.Weir = int(v.Value), v.Metric["service_version"]
			}
		}},
		// As its last reports said; one that is silent has not moved since.
		{fmt.Sprintf("last_over_time({__name__=~\"weir_environment_.+\", %s=%q}[%ds] @ %d) == 1", installLabel, id, int(3*max(d.Interval, 60)), d.LastReport.Unix()+1), func(v sample) {
			for _, f := range environment.Facts {
				if word := v.Metric[strings.ReplaceAll(f.Attribute, ".", "_")]; word != "" {
					d.Environment[strings.TrimPrefix(f.Metric, "weir.environment.")] = word
				}
			}
		}},
		{fmt.Sprintf("max by (weir_configuration_hash) (max_over_time(timestamp(weir_configuration%s)[1d:1m] @ %d))", match, d.LastReport.Unix()+1), func(v sample) {
			d.Configuration = append(d.Configuration, time.Unix(int64(v.Value), 0).UTC())
		}},
		{"last_over_time(weir_fault_domain" + match + "[15m]) == 1", func(v sample) { d.Fault = v.Metric["weir_fault_domain"] }},
		{fmt.Sprintf("ALERTS{alertstate=\"firing\", %s=%q}", installLabel, id), func(v sample) { d.FiringAlerts = append(d.FiringAlerts, v.Metric["alertname"]) }},
		{"weir:install_service:errors:rate15m" + match + " / (weir:install_service:requests:rate15m > 0)", func(v sample) { d.ServiceErrors[v.Metric["service_name"]] = float64(v.Value) }},
	} {
		found, err := s.query(ctx, q.expr)
		if err != nil {
			return nil, err
		}
		for _, v := range found {
			q.set(v)
		}
	}
	slices.Sort(d.FiringAlerts)
	slices.SortFunc(d.Configuration, func(a, b time.Time) int { return b.Compare(a) })
	return d, nil
}

func (d *installDetail) print(e env) {
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, plain(fmt.Sprintf(format, args...)))
	}
	line("Install", "%s", d.Install)
	line("Customer", "%s", orDash(d.Customer))
	line("Ring", "%s", orDash(d.Ring))
	line("State", "%s", d.State)
	line("Last report", "%s, %s ago; number %d, %d of the last hour did not come", d.LastReport.Format(time.RFC3339), ago(d.AgeSeconds), d.Sequence, d.Missing)
	line("Interval", "%gs", d.Interval)
	if !d.Began.IsZero() {
		line("Began", "%s", d.Began.Format(time.RFC3339))
	}
	if d.FirstSignal != nil {
		line("First signal", "%s after that", time.Duration(*d.FirstSignal*float64(time.Second)).Round(time.Second))
	}
	line("Weir", "%s", orDash(d.Weir))
	if words := d.environmentText(); words != "" {
		line("Environment", "%s", words)
	}
	switch len(d.Configuration) {
	case 0: // its policy does not name it
	case 1:
		line("Config", "the same for a day, or since it was first reported")
	default:
		line("Config", "changed %s ago", ago(time.Since(d.Configuration[1]).Seconds()))
	}
	line("Policy", "revision %s", revisionText(d.Revision))
	for _, service := range slices.Sorted(maps.Keys(d.Versions)) {
		wants := ""
		if v := d.Desired[service]; v != "" && v != d.Versions[service] {
			wants = ", should run " + v
		}
		errors := ""
		if r, ok := d.ServiceErrors[service]; ok {
			errors = fmt.Sprintf(", %.2f %% of requests fail", 100*r)
		}
		name := service
		if name == "" {
			name = "Product"
		}
		line("  "+plain(name), "%s%s%s", d.Versions[service], wants, errors)
	}
	line("Errors", "%s of requests", percent(d.ErrorRatio))
	for _, r := range slices.Sorted(maps.Keys(d.Utilization)) {
		line("  "+plain(r), "%.0f %% in use", 100*d.Utilization[r])
	}
	line("Headroom", "%s", percent(d.Headroom))
	if d.Fault != "" {
		line("Fault domain", "%s", d.Fault)
	}
	if len(d.FiringAlerts) > 0 {
		line("Alerts", "%s", strings.Join(d.FiringAlerts, ", "))
	}
	_ = w.Flush()
}

// environmentText is "container, kubernetes, debian, amd64, proxy: true, ...", in
// the order of the facts.
func (d *installDetail) environmentText() string {
	var words []string
	for _, f := range environment.Facts {
		fact := strings.TrimPrefix(f.Metric, "weir.environment.")
		word := d.Environment[fact]
		if word != "" && (f.Bool() || word == environment.Other) {
			word = strings.ReplaceAll(fact, "_", " ") + ": " + word
		}
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}
