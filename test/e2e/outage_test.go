package e2e

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// The vendor is away for several intervals, and the edge restarts meanwhile.
// Local work goes on; afterwards the reports arrive in order, none missing.
func TestAnOutageUpstreamLosesNoReportAndDisturbsNothing(t *testing.T) {
	v := newVendor(t)
	policy := writePolicy(t, v.URL)
	e := newEdge(t, policy)
	if _, exit := e.run("policy", "accept", policy, "--by", "tester", "--reason", "outage"); exit != 0 {
		t.Fatalf("policy accept: exit %d", exit)
	}
	e.start()
	e.eventually("a first report", 15*time.Second, func() error {
		if n := len(v.all()); n == 0 {
			return fmt.Errorf("%d reports", n)
		}
		return nil
	})

	v.setDown(true)
	time.Sleep(3 * time.Second)
	e.kill()
	e.start()
	time.Sleep(2 * time.Second)

	status, text := post(t, "http://"+e.otlp+"/v1/logs", protobuf, otlpLines(t, []string{"during the outage"}))
	if status != 200 {
		t.Fatalf("logs during the outage: %d %s", status, text)
	}
	if got, err := e.lines(`{service_name="crash"}`, 10); err != nil || len(got) != 1 {
		t.Fatalf("lines during the outage: %q, %v", got, err)
	}
	before := len(v.all())
	v.setDown(false)

	e.eventually("all reports of the outage", 60*time.Second, func() error {
		if n := len(v.all()); n < before+6 {
			return fmt.Errorf("%d reports, %d before the vendor came back", n, before)
		}
		return nil
	})
	e.stop()

	for i, md := range v.reports(t) {
		if got := points(md, "weir.report.sequence")[""]; got != float64(i+1) {
			t.Fatalf("report %d has the sequence %v: one is missing, doubled or out of order", i+1, got)
		}
	}
	recorded := ledgerBodies(t, filepath.Join(e.data, "ledger"))
	for i, r := range v.all() {
		if !bytes.Equal(r.body, recorded[i]) {
			t.Errorf("report %d arrived with other bytes than were recorded", i+1)
		}
	}
	if out, exit := e.run("ledger", "verify"); exit != 0 {
		t.Errorf("ledger verify: exit %d: %s", exit, out)
	}
}
