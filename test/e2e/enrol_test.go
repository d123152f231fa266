package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// A customer's edge and two gateways of its vendor, from the token to the day on
// which it is thrown out, and back.
func TestAnInstallEnrolsReportsIsRevokedAndComesBack(t *testing.T) {
	f, second := newFleet(t), newFleet(t)
	policy := writePolicy(t, "https://"+f.otlp)
	for _, gateway := range []*node{f, second} {
		gateway.env = append(gateway.env, "WEIR_FLEET_REQUIRE_IDENTITY=true", "WEIR_FLEET_STATE="+f.data+"/state",
			"WEIR_FLEET_POLICIES="+policy, "WEIR_FLEET_URL=https://"+f.otlp)
		gateway.launch()
	}
	for _, gateway := range []*node{f, second} {
		gateway.ready()
	}
	e := newEdge(t, policy)
	if _, exit := e.run("policy", "accept", policy, "--by", "tester", "--reason", "enrolment"); exit != 0 {
		t.Fatalf("policy accept: exit %d", exit)
	}
	token, exit := f.run("fleet", "enroll", "acme")
	if exit != 0 {
		t.Fatalf("fleet enroll: exit %d", exit)
	}
	e.env = append(e.env, "WEIR_ENROLL_TOKEN="+strings.TrimSpace(token))
	e.start()
	arrived := func(at *node, least float64) func() error {
		return func() error {
			n, err := one(at.prom(`weir_fleet_report_sequence`))
			if err == nil && n < least {
				err = fmt.Errorf("the last sequence is %v", n)
			}
			return err
		}
	}
	f.eventually("reports arrive", 30*time.Second, arrived(f, 3))

	// The fleet's receipts are in the edge's ledger, and the other way round.
	id := installOf(t, e)
	receipts := 0
	for _, o := range outcomes(t, e) {
		if o.Receipt != "" {
			receipts++
		}
	}
	if receipts < 2 {
		t.Errorf("%d receipts in the ledger, want one for each report", receipts)
	}
	out, exit := f.run("fleet", "receipts", "export", "--install", id)
	if n := strings.Count(out, "\n"); exit != 0 || n < 3 {
		t.Errorf("receipts export: exit %d, %d lines", exit, n)
	}
	for line := range strings.Lines(out) {
		var r struct{ Install, Customer, Checkpoint string }
		if json.Unmarshal([]byte(line), &r) != nil || r.Install != id || r.Customer != "acme" || strings.Count(r.Checkpoint, "\n— ") != 2 {
			t.Fatalf("no receipt: %s", line)
		}
	}

	// The token was spent.
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	thief := newEdge(t, policy)
	if _, exit := thief.run("enroll", "--token-file", file); exit != 1 {
		t.Errorf("enrolling with a spent token: exit %d, want 1", exit)
	}

	// Thrown out: refused from the next report on. The edge keeps what it has, and
	// says once why.
	if _, exit := second.run("fleet", "revoke", id); exit != 0 {
		t.Fatalf("fleet revoke: exit %d", exit)
	}
	e.eventually("the edge says why", 30*time.Second, func() error { return e.said("certificate_revoked") })
	before, err := one(f.prom(`weir_fleet_report_sequence`))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(6 * time.Second)
	if after, err := one(f.prom(`max_over_time(weir_fleet_report_sequence[1m])`)); err != nil || after > before+1 {
		t.Errorf("the last sequence was %v and is %v, %v: a revoked install is heard", before, after, err)
	}
	if n := strings.Count(e.out.String(), "certificate_revoked"); n != 1 {
		t.Errorf("the edge says why %d times, want once", n)
	}
	// Its own metrics are stored every ten seconds.
	f.eventually("the fleet's dashboards see the refusals of the install", 30*time.Second, func() error {
		n, err := one(f.prom(`sum(weir_fleet_refused_requests_total{reason="certificate_revoked", weir_install_id="` + id + `"})`))
		if err == nil && n < 1 {
			err = fmt.Errorf("%v refusals", n)
		}
		return err
	})

	// Back with a new token, by hand and while the edge runs: nothing is missing.
	token, exit = second.run("fleet", "enroll", "acme")
	if exit != 0 {
		t.Fatalf("fleet enroll: exit %d", exit)
	}
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, exit := e.run("enroll", "--token-file", file); exit != 0 {
		t.Fatalf("enroll: exit %d", exit)
	}
	f.eventually("the backlog arrives", 60*time.Second, arrived(f, before+6))
	e.stop()
	acknowledged := 0
	for _, o := range outcomes(t, e) {
		if o.Result == "refused" {
			t.Error("a report was given up")
		}
		if o.Result == "acknowledged" {
			acknowledged++
		}
	}
	if acknowledged < int(before)+6 {
		t.Errorf("%d reports are acknowledged, want at least %v", acknowledged, before+6)
	}
	if out, exit := e.run("ledger", "verify"); exit != 0 {
		t.Errorf("ledger verify: exit %d: %s", exit, out)
	}
	second.stop()
	f.stop()
}

// installOf is the edge's id.
func installOf(t *testing.T, e *node) string {
	t.Helper()
	in, err := install.Load(vfs.OS, e.data)
	if err != nil {
		t.Fatal(err)
	}
	return in.ID
}

// outcomes are those in the edge's ledger.
func outcomes(t *testing.T, e *node) []ledger.Outcome {
	t.Helper()
	r, err := ledger.NewReader(vfs.OS, filepath.Join(e.data, "ledger"), -1)
	if err != nil {
		t.Fatal(err)
	}
	var list []ledger.Outcome
	if err := r.Read(func(rec ledger.Record) error {
		if rec.Kind != ledger.KindOutcome {
			return nil
		}
		o, err := ledger.ParseOutcome(rec.Body)
		list = append(list, o)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return list
}
