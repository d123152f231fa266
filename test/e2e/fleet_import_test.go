package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/fleet/receipts"
	"github.com/weir-telemetry/weir/internal/simulate"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// What an install behind an air gap recorded is carried to the fleet in one
// file, by the same door and the same checks, and comes back as receipts.
func TestAnExportedLedgerIsImportedOverAnAirGap(t *testing.T) {
	f := newFleet(t)
	dir := t.TempDir()
	file := writeShopPolicy(t, dir)
	f.env = append(f.env, "WEIR_FLEET_REQUIRE_IDENTITY=true", "WEIR_FLEET_POLICIES="+file, "WEIR_FLEET_URL=https://"+f.otlp,
		"WEIR_FLEET_STATE="+filepath.Join(f.data, "state"))
	f.start()

	const reports = 12
	export, verifier := exportedLedger(t, file, reports)
	name := filepath.Join(dir, "gap.weir")
	write := func(b []byte) {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	type answer struct {
		Reports, Accepted, Known int
		Refused                  map[string]int
	}
	run := func(wantExit int, args ...string) (a answer) {
		t.Helper()
		out, exit := f.run(append([]string{"fleet", "import", "--json", name}, args...)...)
		if exit != wantExit {
			t.Fatalf("weir fleet import %v: exit %d, want %d: %s", args, exit, wantExit, out)
		}
		if exit != 2 {
			if err := json.Unmarshal([]byte(out), &a); err != nil {
				t.Fatal(err)
			}
		}
		return a
	}

	torn := bytes.Clone(export)
	torn[len(torn)/2] ^= 1
	write(torn)
	run(2, "--customer", "acme", "--verifier", verifier)
	write(export)
	run(2)                                                                        // nobody said whose it is
	run(2, "--customer", "acme", "--verifier", verifier[:len(verifier)-4]+"AAAA") // another key
	if got, err := f.prom(`weir_fleet_report_sequence`); err != nil || len(got) != 0 {
		t.Fatalf("something got in: %v, %v", got, err)
	}

	if a := run(0, "--customer", "acme", "--verifier", verifier); a.Reports != reports || a.Accepted != reports || a.Known != 0 || len(a.Refused) != 0 {
		t.Errorf("imported %+v", a)
	}
	n := 0
	text, err := os.Open(name + ".receipts")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	if err := receipts.Read(text, func(r receipts.Receipt) error {
		n++
		if r.Install != simulate.Install(1) || r.Customer != "acme" || r.Sequence != uint64(n) {
			t.Errorf("receipt %+v", r)
		}
		return nil
	}); err != nil || n != reports {
		t.Errorf("%d receipts, %v", n, err)
	}
	f.eventually("the reports are stored", 10*time.Second, func() error {
		got, err := one(f.prom(`max_over_time(weir_fleet_report_sequence[1h])`))
		if err == nil && got != reports {
			err = fmt.Errorf("the last is %v", got)
		}
		return err
	})
	// Again: the last eight are remembered and acknowledged, the others known.
	if a := run(0); a.Accepted != 8 || a.Known != reports-8 {
		t.Errorf("imported again %+v", a)
	}
	f.stop()
}

func writeShopPolicy(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "policies", "sample-shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "shop.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// exportedLedger is a ledger of some reports, as `weir ledger export` writes it.
func exportedLedger(t *testing.T, policyFile string, reports int) (file []byte, verifier string) {
	t.Helper()
	text, err := os.ReadFile(policyFile)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(policyFile, text)
	if err != nil {
		t.Fatal(err)
	}
	mem := vfs.NewMem()
	id := simulate.Install(1)
	l, err := ledger.Open(mem, "ledger", ledger.Options{Install: id})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-10 * time.Minute).Truncate(p.Interval)
	s, err := simulate.New(p, simulate.Product{Version: "1.4.2", Services: []string{"cart"}, Requests: 10}, began)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(ledger.Record{Kind: ledger.KindPolicy, PolicyDigest: p.Digest, Destination: p.Destination, Body: p.Source}); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= reports; i++ {
		if err := s.Next(began.Add(time.Duration(i) * p.Interval)); err != nil {
			t.Fatal(err)
		}
		body, err := s.Body(id, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: uint64(i), PolicyDigest: p.Digest, Destination: p.Destination, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	summary, err := ledger.Export(mem, "ledger", &out, ledger.ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), summary.Verifier
}
