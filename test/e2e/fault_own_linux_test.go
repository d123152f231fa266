package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/vitals/fault"
)

// What Weir itself writes stands on three file systems that no probe looks at.
// Each runs full, which is Weir's own trouble, whose owner is who runs it.
func TestALedgerOrAStoreThatCannotBeWrittenIsTheCollectors(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	policy := writePolicy(t, v.URL)
	n := newFaultEdge(t, policy)
	mounts := map[string]string{"ledger": image(t, 32), "logs": image(t, 300), "metrics": image(t, 300)}
	if err := os.MkdirAll(n.data, 0o700); err != nil {
		t.Fatal(err)
	}
	for folder, mount := range mounts {
		own := filepath.Join(mount, folder)
		if err := os.Mkdir(own, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(own, filepath.Join(n.data, folder)); err != nil {
			t.Fatal(err)
		}
	}
	if _, exit := n.run("policy", "accept", policy, "--by", "tester", "--reason", "fault domain"); exit != 0 {
		t.Fatalf("policy accept: exit %d", exit)
	}
	// A round that is longer than vitals' interval sees each refused emission.
	n.launch("--config", n.probes, "--set=connectors::vitals::probe_interval=1500ms")
	n.ready()
	n.eventually("a first report", 15*time.Second, func() error {
		if len(v.all()) == 0 {
			return fmt.Errorf("none has come")
		}
		return nil
	})
	n.judges("at the start", "none/none")
	for _, c := range []struct {
		folder string
		reason fault.Trouble
	}{
		{"ledger", fault.LedgerFailed},
		{"logs", fault.StoreFailed},
		{"metrics", fault.EmissionRefused},
	} {
		what := "the folder of the " + c.folder + " is full"
		mend := fill(t, mounts[c.folder])
		stop := n.sendLines(t)
		r := n.judges(what, "collector/monitoring")
		found := false
		for _, s := range r.Signs {
			found = found || s.Reason == string(c.reason)
		}
		if !found || r.Contact == nil {
			t.Errorf("%s: signs %+v, contact %+v; want %s", what, r.Signs, r.Contact, c.reason)
		}
		if c.folder != "metrics" { // where it would have been stored
			n.eventually(what+": the metric", 10*time.Second, func() error {
				_, err := one(n.prom(`weir_fault_domain{weir_fault_domain="collector",weir_fault_owner="monitoring"} == 1`))
				return err
			})
		}
		mend()
		// The ledger is opened again a minute after it last was.
		n.judgesWithin(90*time.Second, what+" no more", "none/none")
		stop()
	}
	n.stop()
}

// sendLines sends lines all the time, whatever the answer is.
func (n *faultEdge) sendLines(t *testing.T) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	body := otlpLines(t, []string{"a line"})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
				if r, err := http.Post("http://"+n.otlp+"/v1/logs", protobuf, bytes.NewReader(body)); err == nil {
					_ = r.Body.Close()
				}
			}
		}
	}()
	return func() { close(done); <-ended }
}
