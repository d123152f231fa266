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

// A remark changes the bytes and nothing else: reports go on under the accepted
// digest, without a restart and without anybody accepting it, and the ledger has
// the text. The vendor's next revision takes effect under its own digest. What is
// taken back stops, and the ledger says so.
func TestARemarkIsHeldToTheAcceptedText(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	file := writePolicy(t, v.URL)
	e := newEdge(t, file)
	if _, exit := e.run("policy", "accept", file, "--by", "tester", "--reason", "ratchet"); exit != 0 {
		t.Fatalf("policy accept: exit %d", exit)
	}
	accepted := parseFile(t, file).Digest
	e.start()
	under(e, v, accepted, "reports under what was accepted")
	appendTo(t, file, "# one more line\n")
	remark := parseFile(t, file).Digest
	e.eventually("the remark is seen", 30*time.Second, func() error { return e.said("in other words") })
	before := len(under(e, v, accepted, "reports under what was accepted"))
	e.eventually("reports go on", 30*time.Second, func() error {
		if n := len(under(e, v, accepted, "reports")); n < before+2 {
			return fmt.Errorf("%d reports, as before", n)
		}
		out, _ := e.run("ledger", "tail", "--json", "-n", "1000")
		if !strings.Contains(out, remark.String()) {
			return errors.New("the ledger does not have the remark")
		}
		return nil
	})
	next := writePolicy(t, v.URL, "revision: 1", "revision: 2")
	two := parseFile(t, next).Digest
	replaceFile(t, next, file)
	under(e, v, two, "reports under the vendor's revision")

	if out, exit := e.run("policy", "revoke", file, "--by", "tester", "--reason", "enough"); exit != 0 {
		t.Fatalf("policy revoke: exit %d: %s", exit, out)
	}
	e.eventually("it is recorded", 30*time.Second, func() error {
		out, _ := e.run("ledger", "tail", "--json", "-n", "1000")
		if n := strings.Count(out, `"revocation"`); n != 2 {
			return fmt.Errorf("%d revocations", n)
		}
		return e.said("was taken back by tester")
	})
	n := len(v.reports(t))
	time.Sleep(3 * time.Second)
	if m := len(v.reports(t)); m != n {
		t.Errorf("%d reports after it was taken back", m-n)
	}
	for i, md := range v.reports(t) {
		if d := digestOf(md); d != accepted.String() && d != two.String() {
			t.Errorf("report %d is under %s", i+1, d)
		}
	}
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
