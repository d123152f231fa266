package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/weir-telemetry/weir/fleet/rollout"
)

const fleetGateUsage = "--release VERSION [--ring RING] [--service NAME] [--json] [--url URL]"

// gateWindow is that of the rules' rates.
const gateWindow = 15 * 60

// gateExit: a script goes on with 0, stops with 1, and with 2 nobody knows.
var gateExit = map[rollout.Decision]int{rollout.Go: exitYes, rollout.Pause: exitNo, rollout.Unknown: exitError}

func runFleetGate(e env, args []string) int {
	var (
		release, ring, service, address string
		asJSON                          bool
	)
	rest, err := parseArgs("fleet gate", fleetGateUsage, args, func(fs *flag.FlagSet) {
		fs.StringVar(&release, "release", "", "")
		fs.StringVar(&ring, "ring", "", "")
		fs.StringVar(&service, "service", "", "")
		fs.StringVar(&address, "url", "", "")
		fs.BoolVar(&asJSON, "json", false, "")
	})
	if err != nil {
		return e.fail(err)
	}
	if len(rest) != 0 || release == "" {
		return e.fail(fmt.Errorf("%w: usage: weir fleet gate %s", errUsage, fleetGateUsage))
	}
	store, err := e.fleetStore(address)
	if err != nil {
		return e.fail(err)
	}
	v, err := store.judge(context.Background(), release, ring, service)
	if err != nil {
		return e.fail(err)
	}
	if asJSON {
		return e.json(v, gateExit[v.Decision])
	}
	subject := release
	if ring != "" {
		subject += " in ring " + ring
	}
	fmt.Fprintf(e.out, "%s: %s\n", plain(subject), v.Decision)
	for _, why := range v.Why {
		fmt.Fprintf(e.out, "  %s\n", plain(why))
	}
	return gateExit[v.Decision]
}

// judge compares the installs that run the release, in the ring if one is named,
// with all that do not.
func (s localStore) judge(ctx context.Context, release, ring, service string) (rollout.Verdict, error) {
	type key struct{ install, service string }
	seen := map[key]*rollout.Observation{}
	runs := fmt.Sprintf("{service_version=%q", release)
	if ring != "" {
		runs += fmt.Sprintf(", weir_fleet_ring=%q", ring)
	}
	runs += "}"
	only := ""
	if service != "" {
		only = fmt.Sprintf("{service_name=%q}", service)
	}
	placed := map[key]string{} // the release of each
	inRing := map[string]string{}
	var silence rollout.Silence
	candidates := map[string]bool{}
	for _, q := range []struct {
		expr string
		set  func(key, sample)
	}{
		{"weir:install:release_ring" + only, func(k key, v sample) {
			placed[k], inRing[k.install] = v.Metric["service_version"], v.Metric["weir_fleet_ring"]
		}},
		{"weir:install_service:requests:rate15m" + only, func(k key, v sample) {
			version, known := placed[k]
			if !known {
				return
			}
			with := version == release
			// What runs it in other rings belongs to neither side.
			if with && ring != "" && inRing[k.install] != ring {
				return
			}
			seen[k] = &rollout.Observation{Install: k.install, Service: k.service, Requests: gateWindow * float64(v.Value), Candidate: with}
		}},
		{"weir:install_service:errors:rate15m" + only, func(k key, v sample) {
			if o := seen[k]; o != nil {
				o.Errors = gateWindow * float64(v.Value)
			}
		}},
		// A silent install says no version any more: what it ran within the day counts.
		{"group by (weir_install_id) (last_over_time(weir:install:release_ring" + runs + "[1d]))", func(k key, _ sample) {
			candidates[k.install] = true
		}},
		{"weir:install:alive", func(k key, v sample) {
			silent := 0
			if v.Value == 0 {
				silent = 1
			}
			if candidates[k.install] {
				silence.Candidates++
				silence.SilentCandidates += silent
			} else {
				silence.Others++
				silence.SilentOthers += silent
			}
		}},
	} {
		found, err := s.query(ctx, q.expr)
		if err != nil {
			return rollout.Verdict{}, err
		}
		for _, v := range found {
			q.set(key{v.Metric[installLabel], v.Metric["service_name"]}, v)
		}
	}
	if silence.Candidates+silence.Others == 0 {
		return rollout.Verdict{}, errNoRules
	}
	list := make([]rollout.Observation, 0, len(seen))
	for _, o := range seen {
		list = append(list, *o)
	}
	return rollout.Judge(list, silence), nil
}
