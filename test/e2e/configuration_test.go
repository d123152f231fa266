package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A start with another configuration is seen at the fleet as another hash, and as
// nothing else: neither what is in the configuration nor the hash that the
// install itself goes by.
func TestTheFleetSeesThatAConfigurationChangedAndNothingOfIt(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	text, err := os.ReadFile(filepath.Join(root, "policies", "sample-shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte(strings.NewReplacer("https://127.0.0.1:4418", "http://"+f.otlp, "interval: 5s", "interval: 1s").Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	f.env = append(f.env, "WEIR_FLEET_POLICIES="+policy, "WEIR_FLEET_STATE="+filepath.Join(dir, "state"))
	f.launch("--set=extensions::local_store::rules::interval=1s")
	f.ready()
	e := newEdge(t, policy)
	if _, exit := e.run("policy", "accept", policy, "--by", "tester", "--reason", "configuration"); exit != 0 {
		t.Fatalf("policy accept: exit %d", exit)
	}
	// restart returns the install's own hash of what it runs with, once the fleet
	// has seen so many different ones.
	restart := func(seen int, extra ...string) (hash string) {
		t.Helper()
		e.launch(append(extra, "--set=receivers::own::interval=1s")...)
		e.ready()
		last, err := one(f.prom(`max(weir_fleet_report_sequence) or vector(0)`))
		if err != nil {
			t.Fatal(err)
		}
		f.eventually("the fleet's hashes after a start", 30*time.Second, func() error {
			if _, err := one(f.prom(fmt.Sprintf(`max(weir_fleet_report_sequence) > %g`, last+3))); err != nil {
				return err
			}
			_, err := one(f.prom(fmt.Sprintf(`count(count by (weir_configuration_hash) (last_over_time(weir_configuration{weir_install_id!=""}[1h]))) == %d`, seen)))
			return err
		})
		e.eventually("the install's own hash", 20*time.Second, func() error {
			found, err := e.prom(`topk(1, timestamp(weir_configuration))`)
			if err == nil && len(found) != 1 {
				err = fmt.Errorf("%d hashes", len(found))
			}
			if err == nil {
				hash = found[0].Metric["weir_configuration_hash"]
			}
			return err
		})
		e.stop()
		return hash
	}
	first := restart(1)
	if again := restart(1); again != first {
		t.Errorf("one configuration has the hashes %s and %s", first, again)
	}
	changed := restart(2, "--set=connectors::vitals::interval=2s", "--set=receivers::file_log::include=[/var/log/"+mark+"/*.log]")
	if changed == first {
		t.Error("the changed configuration has the hash of the first")
	}
	seen, err := f.prom(`last_over_time(weir_configuration{weir_install_id!=""}[1h])`)
	if err != nil || len(seen) != 2 {
		t.Errorf("the fleet has %v, %v", seen, err)
	}
	for _, s := range seen {
		if h := s.Metric["weir_configuration_hash"]; h == first || h == changed {
			t.Errorf("the fleet has the hash %s that the install goes by", h)
		}
	}
	f.stop()
	kept, err := filepath.Glob(filepath.Join(e.data, "configuration", "*"))
	if err != nil || len(kept) < 2 {
		t.Errorf("the change is kept in %q, %v", kept, err)
	}
	wantNoCanaryIn(t, filepath.Join(e.data, "ledger"))
	wantNoCanaryIn(t, f.data)
}
