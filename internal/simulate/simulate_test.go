package simulate

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

func TestASimulatedReportPassesTheGate(t *testing.T) {
	text, err := os.ReadFile("../../policies/sample-shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse("sample-shop.yaml", bytes.Replace(text, []byte("interval: 5s"), []byte("interval: 60s"), 1))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	s, err := New(p, Product{Version: "1.4.2", Services: []string{"frontend", "cart", "payment"}, Requests: 100, Errors: 1}, now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		now = now.Add(time.Minute)
		if err := s.Next(now); err != nil {
			t.Fatal(err)
		}
		for n := range 2 {
			body, err := s.Body(Install(n), uint64(i+1))
			if err != nil {
				t.Fatal(err)
			}
			if err := gate.CheckBytes(p, body, gate.Facts{Install: Install(n), Sequence: uint64(i + 1), Now: now}); err != nil {
				t.Fatalf("report %d of install %d: %v", i+1, n, err)
			}
			if i == 0 && n == 0 {
				t.Logf("%d points, %d bytes", s.Points(), len(body))
			}
		}
	}
}
