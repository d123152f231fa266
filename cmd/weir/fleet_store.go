package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// fleetStore asks the fleet's Prometheus API: the gateway's own, or that of the
// server that it writes to.
func (e env) fleetStore(address string) (localStore, error) {
	if address == "" {
		address = e.getenv("WEIR_FLEET_LISTEN")
	}
	if address == "" {
		address = "127.0.0.1:7171"
	}
	s := newLocalStore(address)
	if strings.Contains(address, "://") {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return s, errors.New("--url is not the address of a Prometheus API: write it such as http://127.0.0.1:7171")
		}
		s.base = strings.TrimSuffix(address, "/")
	}
	s.what, s.hint = "fleet", "start it, or set WEIR_FLEET_LISTEN or --url to where it listens"
	return s, nil
}

// installState is what the fleet's rules say of one install.
type installState struct {
	Install    string            `json:"install"`
	Customer   string            `json:"customer,omitempty"`
	Ring       string            `json:"ring,omitempty"`
	State      string            `json:"state"`
	LastReport time.Time         `json:"lastReport"`
	AgeSeconds float64           `json:"ageSeconds"`
	Interval   float64           `json:"intervalSeconds,omitempty"`
	Versions   map[string]string `json:"versions"` // by service; "" where versions are reported without one
	Behind     int               `json:"releasesBehind"`
	ErrorRatio *float64          `json:"errorRatio"` // null: no requests
	Headroom   *float64          `json:"headroom"`   // null: not reported
	Revision   int               `json:"policyRevision,omitempty"`
	Missing    int               `json:"missingReports"`
}

// The states, the gravest first.
const (
	stateSilent   = "silent"
	stateOutdated = "outdated" // not what its ring should run
	stateOK       = "ok"
)

var fleetStates = []string{stateSilent, stateOutdated, stateOK}

const installLabel = "weir_install_id"

// errNoRules is what a store says that has reports and no rules' results.
var errNoRules = errors.New("the fleet's rules are not evaluated: local_store::rules names dashboards/rules/fleet.yaml, and it takes a minute after the start")

// installs reads the whole fleet, or with an id one install.
func (s localStore) installs(ctx context.Context, only string) (map[string]*installState, error) {
	match := ""
	if only != "" {
		match = fmt.Sprintf("%s=%q", installLabel, only)
	}
	all := map[string]*installState{}
	now := time.Now()
	each := func(metric string, set func(*installState, sample)) error {
		found, err := s.query(ctx, metric+"{"+match+"}")
		if err != nil {
			return err
		}
		for _, one := range found {
			if i := all[one.Metric[installLabel]]; i != nil {
				set(i, one)
			}
		}
		return nil
	}
	known, err := s.query(ctx, "weir:install:last_report_seconds{"+match+"}")
	if err != nil {
		return nil, err
	}
	if len(known) == 0 {
		if raw, err := s.query(ctx, "count(weir_fleet_last_report_seconds)"); err == nil && len(raw) > 0 {
			return nil, errNoRules
		}
	}
	for _, one := range known {
		at := time.Unix(int64(one.Value), 0).UTC()
		all[one.Metric[installLabel]] = &installState{
			Install: one.Metric[installLabel], State: stateOK, LastReport: at, AgeSeconds: max(0, now.Sub(at).Seconds()), Versions: map[string]string{},
		}
	}
	for _, q := range []struct {
		metric string
		set    func(*installState, sample)
	}{
		{"weir:install:in_desired_state", func(i *installState, v sample) {
			if v.Value == 0 {
				i.State = stateOutdated
			}
		}},
		{"weir:install:alive", func(i *installState, v sample) {
			if v.Value == 0 {
				i.State = stateSilent
			}
		}},
		{"weir:install:interval_seconds", func(i *installState, v sample) { i.Interval = float64(v.Value) }},
		{"weir:install:ring", func(i *installState, v sample) { i.Ring = v.Metric["weir_fleet_ring"] }},
		{"weir:install:release", func(i *installState, v sample) { i.Versions[v.Metric["service_name"]] = v.Metric["service_version"] }},
		{"weir:install:releases_behind", func(i *installState, v sample) { i.Behind = max(i.Behind, int(v.Value)) }},
		{"weir:install:error_ratio15m", func(i *installState, v sample) { i.ErrorRatio = pointer(float64(v.Value)) }},
		{"weir:install:headroom", func(i *installState, v sample) { i.Headroom = pointer(float64(v.Value)) }},
		{"weir:install:policy_revision", func(i *installState, v sample) { i.Revision = int(v.Value) }},
		{"weir:install:missing_reports1h", func(i *installState, v sample) { i.Missing = int(v.Value) }},
		{"weir_fleet_install_info", func(i *installState, v sample) { i.Customer = v.Metric["weir_customer"] }},
	} {
		if err := each(q.metric, q.set); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func pointer(v float64) *float64 { return &v }

// versionText is all versions in one cell: one if all services agree.
func (i *installState) versionText() string {
	distinct := map[string]bool{}
	for _, v := range i.Versions {
		distinct[v] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(distinct)), ",")
}

func percent(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100**v)
}

// ago is an age in one word.
func ago(seconds float64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
