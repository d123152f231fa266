package e2e

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// uptime is an entry that the e2e policy does not have. Weir itself makes the
// metric, so that the only thing in its way is the policy.
const uptime = `  - name: process.uptime
    why: to see restarts
    owner: support@acme.example
    category: health
    kind: gauge
    merge: last
    unit: s
    value: {min: 0, max: 1e9, step: 1}
`

// has reports whether a report has the metric.
func has(md pmetric.Metrics, name string) bool {
	for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == name {
			return true
		}
	}
	return false
}

// digestOf is the digest that a report carries.
func digestOf(md pmetric.Metrics) string {
	v, _ := md.ResourceMetrics().At(0).Resource().Attributes().Get(gate.DigestAttribute)
	return v.Str()
}

// under waits for reports under a digest and returns those that came by then.
func under(e *node, v *vendor, digest policy.Digest, what string) []pmetric.Metrics {
	e.t.Helper()
	var found []pmetric.Metrics
	e.eventually(what, 30*time.Second, func() error {
		found = nil
		for _, md := range v.reports(e.t) {
			if digestOf(md) == digest.String() {
				found = append(found, md)
			}
		}
		if len(found) < 2 {
			return fmt.Errorf("%d reports under %s", len(found), digest)
		}
		return nil
	})
	return found
}

func parseFile(t *testing.T, file string) *policy.Policy {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(file, source)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A remark widens nothing: reports go on, under the new bytes' digest, without
// a restart and without anybody accepting it, and the ledger says who did.
func TestAChangedRemarkTakesEffectByItself(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	file := writePolicy(t, v.URL)
	e := newEdge(t, file)
	if _, exit := e.run("policy", "accept", file, "--by", "tester", "--reason", "ratchet"); exit != 0 {
		t.Fatalf("policy accept: exit %d", exit)
	}
	e.start()
	under(e, v, parseFile(t, file).Digest, "reports under what was accepted")
	appendTo(t, file, "# one more line\n")
	under(e, v, parseFile(t, file).Digest, "reports under the new digest")
	e.stop()
	if out, exit := e.run("ledger", "verify"); exit != 0 {
		t.Errorf("ledger verify: exit %d: %s", exit, out)
	}
}

// A widening revision runs as what it shares with the accepted one: reports go
// on, none holds the new signal, none what the new one took away; until it is
// accepted.
func TestAWideningWaitsForAcceptance(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	file := writePolicy(t, v.URL)
	e := newEdge(t, file)
	if _, exit := e.run("policy", "accept", file, "--by", "tester", "--reason", "ratchet"); exit != 0 {
		t.Fatalf("policy accept: exit %d", exit)
	}
	old := parseFile(t, file)
	e.start()
	under(e, v, old.Digest, "reports under what was accepted")

	// One entry more: the accepted policy itself stays in force.
	wide := writePolicy(t, v.URL, "revision: 1", "revision: 2")
	appendTo(t, wide, uptime)
	replaceFile(t, wide, file)
	e.eventually("the revision waits", 30*time.Second, func() error { return e.said("revision 2, widens what may leave and waits for acceptance") })

	// One entry more, one value fewer: what both let out.
	other := writePolicy(t, v.URL, "revision: 1", "revision: 3", "[eu, us]", "[eu]")
	appendTo(t, other, uptime)
	next := parseFile(t, other)
	replaceFile(t, other, file)
	m, err := policy.Meet(old, next)
	if err != nil {
		t.Fatal(err)
	}
	for _, md := range under(e, v, m.Digest, "reports under the meet") {
		if _, there := points(md, "shop.orders")["region=us"]; there {
			t.Error("a report under the meet holds what the new revision took away")
		}
	}
	for i, md := range v.reports(t) {
		if has(md, "process.uptime") {
			t.Errorf("report %d holds a signal that nobody accepted", i+1)
		}
		if d := digestOf(md); d != old.Digest.String() && d != m.Digest.String() {
			t.Errorf("report %d is under %s", i+1, d)
		}
	}

	if _, exit := e.run("policy", "accept", file, "--by", "tester", "--reason", "uptime is fine"); exit != 0 {
		t.Fatalf("policy accept: exit %d", exit)
	}
	for _, md := range under(e, v, next.Digest, "reports under the accepted revision") {
		if !has(md, "process.uptime") {
			t.Error("accepted, and the new signal is not there")
		}
	}
	e.stop()
	if out, exit := e.run("ledger", "verify"); exit != 0 {
		t.Errorf("ledger verify: exit %d: %s", exit, out)
	}
}

// said looks into what the process said.
func (n *node) said(text string) error {
	if !strings.Contains(n.out.String(), text) {
		return errors.New("not said: " + text)
	}
	return nil
}

// replaceFile puts a file in another's place at once, as an installer does.
func replaceFile(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
