package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/internal/simulate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// rulesCatalogue: 1.5.0 is in the canary ring before its day of general availability.
const rulesCatalogue = `version: 1
product: shop
services: [frontend, cart, payment]
releases:
  - {version: 1.4.1, ga: 2026-01-15, supported_until: 2026-02-15}
  - {version: 1.4.2, ga: 2026-03-01, security: true}
  - {version: 1.5.0, channel: beta}
rings:
  - {name: canary, channel: beta, desired: 1.5.0, installs: [%s, %s]}
`

// A fleet of simulated installs, the real binary, the rules that ship: what
// support asks is answered, and a release that fails more is paused.
func TestTheFleetsRulesAnswerOverWhatTheFleetStores(t *testing.T) {
	f := newFleet(t)
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(root, "policies", "sample-shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "shop.yaml")
	catalogue := filepath.Join(dir, "releases.yaml")
	for name, content := range map[string]string{
		file:      strings.Replace(string(text), "interval: 5s", "interval: 1s", 1),
		catalogue: fmt.Sprintf(rulesCatalogue, simulate.Install(0), simulate.Install(1)),
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	f.env = append(f.env, "WEIR_FLEET_POLICIES="+file, "WEIR_FLEET_RELEASES="+catalogue, "WEIR_FLEET_STATE="+filepath.Join(dir, "state"))
	f.launch("--set=extensions::local_store::rules::interval=1s", "--set=receivers::releases::interval=1s")
	f.ready()

	// Two of the canary ring fail 10 % on 1.5.0, four others 1 % on 1.4.2, one is
	// still on 1.4.1, and one of the four falls silent.
	products := []struct {
		simulate.Product
		installs []int
	}{
		{simulate.Product{Version: "1.5.0", Requests: 100, Errors: 10}, []int{0, 1}},
		{simulate.Product{Version: "1.4.2", Requests: 100, Errors: 1}, []int{2, 3, 4, 5}},
		{simulate.Product{Version: "1.4.1", Requests: 100, Errors: 1}, []int{6}},
	}
	const silent = 5
	began := time.Now().Truncate(time.Second)
	sources := make([]*simulate.Source, len(products))
	for i, one := range products {
		one.Services = []string{"frontend", "cart", "payment"}
		if sources[i], err = simulate.New(p, one.Product, began.Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	sequence := uint64(0)
	send := func(at time.Time, without int) {
		sequence++
		for i, one := range products {
			if err := sources[i].Next(at); err != nil {
				t.Fatal(err)
			}
			for _, n := range one.installs {
				if n == without {
					continue
				}
				body, err := sources[i].Body(simulate.Install(n), sequence)
				if err != nil {
					t.Fatal(err)
				}
				if status, answer := post(t, "http://"+f.otlp+"/v1/metrics", protobuf, body); status != 200 {
					t.Fatalf("a report of install %d: %d %s", n, status, answer)
				}
			}
		}
	}
	// A minute of the past at once, and then as time goes on.
	for s := -30; s < 0; s++ {
		send(began.Add(time.Duration(s)*time.Second), -1)
	}
	deadline := time.Now().Add(50 * time.Second)
	questions := map[string]string{
		"installs alive":               `weir:fleet:installs_alive == 6`,
		"installs silent":              `weir:fleet:installs_silent == 1`,
		"time since the last report":   `weir:install:silence_seconds{weir_install_id="` + simulate.Install(silent) + `"} > 30`,
		"versions":                     `weir:fleet:version_installs{service_name="cart", service_version="1.5.0"} == 2`,
		"skew":                         `weir:fleet:version_skew{service_name="cart"} == 3`,
		"adoption of 1.4.2":            `weir:release:adoption_ratio{service_name="cart", weir_release="1.4.2"} > 0.8`,
		"lag from GA to half":          `weir:release:adoption_lag_seconds{service_name="cart", weir_release="1.4.2", share="50"} > 0`,
		"lag from GA to 90 %, so far":  `weir:release:adoption_open_seconds{service_name="cart", weir_release="1.4.2", share="90"} > 0`,
		"not in the desired state":     `round(weir:fleet:undesired_ratio * 6) == 1`,
		"without support":              `weir:fleet:unsupported_installs{service_name="cart", service_version="1.4.1"} == 1`,
		"without a fix of security":    `round(weir:release:security_missing_ratio{service_name="cart", weir_release="1.4.2"} * 6) == 1`,
		"time to first signal":         `count(weir:install:time_to_first_signal_seconds) == 7`,
		"errors by release and ring":   `round(weir:release_ring:error_ratio15m{service_name="cart", service_version="1.5.0", weir_fleet_ring="canary"}, 0.01) == 0.1`,
		"errors of the rest":           `round(weir:rest:error_ratio15m{service_name="cart"}, 0.01) == 0.01`,
		"pause":                        `weir:canary:pause{service_name="cart", service_version="1.5.0", weir_fleet_ring="canary"} == 1`,
		"utilization":                  `weir:install:utilization{weir_install_id="` + simulate.Install(2) + `", resource="disk"} == 0.31`,
		"headroom":                     `count(weir:install:headroom > 0) >= 6`,
		"no gaps":                      `count(weir:install:missing_reports1h == 0) >= 6`,
		"policy revisions":             `weir:fleet:policy_revision_spread == 0`,
		"the alert on silence":         `ALERTS{alertname="WeirInstallSilent", weir_install_id="` + simulate.Install(silent) + `"}`,
		"the alert on the early stage": `ALERTS{alertname="WeirCanaryWorse"}`,
	}
	for len(questions) > 0 && time.Now().Before(deadline) {
		send(time.Now(), silent)
		for what, expr := range questions {
			if _, err := one(f.prom(expr)); err == nil {
				delete(questions, what)
			} else if strings.HasPrefix(what, "the alert on the early") {
				if found, err := f.prom(expr); err == nil && len(found) == 3 { // one for each service
					delete(questions, what)
				}
			}
		}
		time.Sleep(time.Second)
	}
	for what, expr := range questions {
		t.Errorf("%s: no answer to %s", what, expr)
	}
	var rules struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := f.get("/api/v1/rules", nil, &rules); err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Data.Groups {
		for _, r := range g.Rules {
			if r.Health == "err" {
				t.Errorf("rule %s: %s", r.Name, r.LastError)
			}
		}
	}
	if len(rules.Data.Groups) < 5 {
		t.Errorf("%d groups of rules", len(rules.Data.Groups))
	}

	for _, c := range []struct {
		args []string
		exit int
		says string
	}{
		{[]string{"fleet", "list"}, 0, "7 installs: 1 silent, 1 outdated, 5 ok"},
		{[]string{"fleet", "list", "--state", "silent"}, 0, simulate.Install(silent)},
		{[]string{"fleet", "show", simulate.Install(6)}, 0, "1.4.1, should run 1.4.2"},
		{[]string{"fleet", "gate", "--release", "1.5.0", "--ring", "canary"}, 1, "1.5.0 in ring canary: pause"},
		{[]string{"fleet", "gate", "--release", "1.4.1"}, 0, "1.4.1: go"},
		{[]string{"fleet", "gate", "--release", "2.0.0"}, 2, "2.0.0: unknown"},
	} {
		out, exit := f.run(c.args...)
		if exit != c.exit || !strings.Contains(out, c.says) {
			t.Errorf("weir %s: exit %d, want %d and %q:\n%s", strings.Join(c.args, " "), exit, c.exit, c.says, out)
		}
	}
	f.stop()
}
