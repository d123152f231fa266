package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/weir-telemetry/weir/internal/canary"
)

// An edge and a fleet, as a customer and a vendor run them: the fleet's own
// Prometheus API answers which installs are alive, what they run, how they do.
func TestTheFleetKnowsWhatThePolicyNamesAndNothingElse(t *testing.T) {
	f := newFleet(t)
	policy := writePolicy(t, "http://"+f.otlp)
	f.env = append(f.env, "WEIR_FLEET_POLICIES="+policy)
	f.start()
	e := newEdge(t, policy)
	if _, exit := e.run("policy", "accept", policy, "--by", "tester", "--reason", "fleet"); exit != 0 {
		t.Fatalf("policy accept: exit %d", exit)
	}
	e.start()
	p := newProduct(t, e.otlp, "frontend", "1.4.2")
	p.serve(20, 5)
	p.log(10)
	p.shutdown()
	e.sendCanaries(t, time.Now())

	for question, expr := range map[string]string{
		"how many installs are alive": `count(time() - weir_fleet_last_report_seconds < 30) == 1`,
		"when was the last heartbeat": `sum by (weir_install_id) (weir_heartbeat_total) > 0`,
		"which versions run":          `weir_service_version{service_name="frontend", service_version="1.4.2"} == 1`,
		"what is the error rate":      `sum by (weir_install_id) (weir_service_errors_total{service_name="frontend"}) / sum by (weir_install_id) (weir_service_requests_total{service_name="frontend"}) == 0.25`,
		"how loaded is the host":      `sum by (weir_install_id) (system_cpu_utilization_ratio{state="idle"}) >= 0`,
		"how many reports came":       `weir_fleet_report_sequence >= 3`,
	} {
		f.eventually(question, 30*time.Second, func() error {
			_, err := one(f.prom(expr))
			return err
		})
	}
	got, err := f.prom(`{__name__=~".+", weir_install_id!=""}`)
	if err != nil || len(got) == 0 {
		t.Fatalf("what the fleet stored: %d series, %v", len(got), err)
	}
	for _, s := range got {
		wantNoCanary(t, "a series of the fleet", fmt.Append(nil, s.Metric))
	}

	t.Run("what the policy would not have produced is refused and counted", func(t *testing.T) {
		f.t = t
		body, err := pmetricotlp.NewExportRequestFromMetrics(canary.Metrics(time.Now(), 1)).MarshalProto()
		if err != nil {
			t.Fatal(err)
		}
		status, text := post(t, "http://"+f.otlp+"/v1/metrics", protobuf, body)
		if status != 400 {
			t.Errorf("status %d, want 400", status)
		}
		wantNoCanary(t, "the answer", []byte(text))
		f.eventually("the refusal is counted", 30*time.Second, func() error {
			n, err := one(f.prom(`sum(weir_gate_refused_reports_total)`))
			if err == nil && n != 1 {
				err = errors.New("not counted once")
			}
			return err
		})
	})
	f.t = t
	e.stop()
	f.stop()
	wantNoCanaryIn(t, f.data)
	wantNoCanary(t, "what the fleet says", []byte(f.out.String()))
}
