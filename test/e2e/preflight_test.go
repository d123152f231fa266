package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
)

// TestPreflightKnowsTheEdgeThatRuns: the ports that were free before are then the
// edge's own, and the data folder that it made is one that can be written to.
func TestPreflightKnowsTheEdgeThatRuns(t *testing.T) {
	n := newEdge(t, "")
	look := func() map[string][]string {
		t.Helper()
		out, code := n.run("preflight", "--json", "--offline")
		var a struct {
			Findings []struct{ Check, State, Evidence string }
		}
		if err := json.Unmarshal([]byte(out), &a); err != nil {
			t.Fatalf("%v, exit %d\n%s", err, code, out)
		}
		said := map[string][]string{}
		for _, f := range a.Findings {
			said[f.Check] = append(said[f.Check], f.State+": "+f.Evidence)
		}
		return said
	}
	want := func(said map[string][]string, check string, n int, what string) {
		t.Helper()
		for _, one := range said[check] {
			if one != what {
				t.Errorf("%s is %q, want %q", check, one, what)
			}
		}
		if len(said[check]) != n {
			t.Errorf("%d findings of %s, want %d", len(said[check]), check, n)
		}
	}
	before := look()
	want(before, "configuration", 1, "fine: weir-collector takes it")
	want(before, "port", 3, "fine: free")
	want(before, "data", 1, "fine: is not there yet; the edge makes it at its first start")
	n.start()
	running := look()
	want(running, "port", 3, fmt.Sprintf("fine: weir-collector listens there, process %d", n.cmd.Process.Pid))
	if len(running["data"]) != 1 || running["data"][0] == before["data"][0] {
		t.Errorf("the data folder: %q", running["data"])
	}
}
