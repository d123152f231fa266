package e2e

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/weir-telemetry/weir/internal/canary"
)

const protobuf = "application/x-protobuf"

// The main job: telemetry of a real product comes in with canaries in every
// slot; what the policy names arrives at the vendor, nothing else does, all of
// what left is in the ledger, and all that came in is answered at home.
func TestOnlyWhatThePolicyNamesLeavesAndAllStaysHome(t *testing.T) {
	v := newVendor(t)
	policy := writePolicy(t, v.URL)
	e := newEdge(t, policy)
	if _, exit := e.run("policy", "accept", policy, "--by", "tester", "--reason", "end to end"); exit != 0 {
		t.Fatalf("policy accept: exit %d", exit)
	}
	// The product measures no request itself, and is not waited for to do so.
	e.launch("--set=connectors::vitals::own_metrics_within=0s")
	e.ready()

	const requests, failures, lines = 20, 5, 50
	p := newProduct(t, e.otlp, "frontend", "1.4.2")
	p.serve(requests, failures)
	p.log(lines)
	p.shutdown()
	e.sendCanaries(t, time.Now())

	e.eventually("the vendor knows version, heartbeat, errors and utilization", 30*time.Second, func() error {
		all := v.reports(t)
		if len(all) == 0 {
			return errors.New("no report yet")
		}
		// The newest value of each point: a gauge has none in a report of an
		// interval in which nothing was measured.
		newest := func(name string) map[string]float64 {
			out := map[string]float64{}
			for _, md := range all {
				maps.Copy(out, points(md, name))
			}
			return out
		}
		var missing []error
		want := func(name, point string, ok func(float64) bool) {
			got, found := newest(name)[point]
			if !found || !ok(got) {
				missing = append(missing, fmt.Errorf("%s{%s} is %v (there: %v), have %v", name, point, got, found, newest(name)))
			}
		}
		is := func(n float64) func(float64) bool { return func(v float64) bool { return v == n } }
		positive := func(v float64) bool { return v > 0 }
		want("weir.heartbeat", "", positive)
		want("weir.service.version", "service.name=frontend,service.version=1.4.2", is(1))
		want("weir.service.requests", "http.response.status_class=2xx,service.name=frontend", is(requests-failures))
		want("weir.service.requests", "http.response.status_class=5xx,service.name=frontend", is(failures))
		want("weir.service.requests", "http.response.status_class=5xx,service.name=cart", is(1))
		want("weir.service.errors", "service.name=frontend", is(failures))
		want("http.server.request.duration", "service.name=frontend", is(requests))
		want("weir.log.records", "service.name=frontend,severity=info", func(v float64) bool { return v >= lines })
		want("system.cpu.utilization", "state=idle", func(v float64) bool { return v >= 0 && v <= 1 })
		want("shop.orders", "region=eu", is(3))
		want("shop.orders", "region=us", is(3))
		want("shop.orders", "region=other", is(3))
		return errors.Join(missing...)
	})

	t.Run("everything that came in is answered at home", func(t *testing.T) {
		for what, check := range map[string]func() error{
			"the product's log lines": func() error {
				got, err := one(e.loki(`sum(count_over_time({service_name="frontend"} |= "order number" [1h]))`))
				if err == nil && got != lines {
					err = fmt.Errorf("%v lines, want %d", got, lines)
				}
				return err
			},
			"canaries in bodies": func() error {
				got, err := e.lines(`{service_name="frontend"} |= "`+mark+`_body"`, 100)
				if err == nil && len(got) != 3 {
					err = fmt.Errorf("%d lines with a canary, want 3: %q", len(got), got)
				}
				return err
			},
			"a body of bytes, in base64 as at Loki": func() error {
				got, err := e.lines(`{service_name="frontend"} |= "`+base64.StdEncoding.EncodeToString([]byte(slot("body_bytes")))+`"`, 100)
				if err == nil && len(got) != 1 {
					err = fmt.Errorf("%d lines, want 1", len(got))
				}
				return err
			},
			"a line pushed as to Loki": func() error {
				got, err := e.lines(`{job="pushed"}`, 10)
				if err == nil && (len(got) != 1 || !strings.Contains(got[0], slot("push_line"))) {
					err = fmt.Errorf("lines %q", got)
				}
				return err
			},
			"a line of a file": func() error {
				got, err := e.lines(`{service_name="shop"}`, 10)
				if err == nil && (len(got) != 1 || !strings.Contains(got[0], slot("file_line"))) {
					err = fmt.Errorf("lines %q", got)
				}
				return err
			},
			"a metric that the policy does not know": func() error {
				_, err := one(e.prom(slot("gauge_name") + "_ratio"))
				return err
			},
			"the product's own metric": func() error {
				_, err := one(e.prom(`e2e_work_total{service_name="frontend"}`))
				return err
			},
			"vitals": func() error {
				got, err := one(e.prom(`sum(weir_service_requests_total{service_name="frontend"})`))
				if err == nil && got != requests {
					err = fmt.Errorf("%v requests, want %d", got, requests)
				}
				return err
			},
			"vitals' durations, a native histogram": func() error {
				got, err := one(e.prom(`histogram_count(sum(http_server_request_duration_seconds{service_name="frontend"}))`))
				if err == nil && got != requests {
					err = fmt.Errorf("%v durations, want %d", got, requests)
				}
				return err
			},
			"the host": func() error {
				_, err := one(e.prom(`count(count by (cpu) (system_cpu_utilization_ratio))`))
				return err
			},
		} {
			e.t = t
			e.eventually(what, 15*time.Second, check)
		}
	})
	e.t = t

	e.stop()

	t.Run("no canary left, and none is in the ledger or in what the edge says", func(t *testing.T) {
		for i, r := range v.all() {
			wantNoCanary(t, fmt.Sprintf("the body of report %d", i+1), r.body)
			wantNoCanary(t, fmt.Sprintf("the head of report %d", i+1), []byte(r.head))
		}
		wantNoCanaryIn(t, filepath.Join(e.data, "ledger"))
		wantNoCanaryIn(t, filepath.Join(e.data, "policy"))
		wantNoCanary(t, "what the edge says", []byte(e.out.String()))
	})

	t.Run("every request is the same but for its body", func(t *testing.T) {
		all := v.all()
		for _, r := range all {
			if strip(r.head) != strip(all[0].head) {
				t.Errorf("the head of one request is\n%s\nof another\n%s", all[0].head, r.head)
			}
		}
	})

	t.Run("every byte that left is in the ledger, and the ledger holds", func(t *testing.T) {
		if out, exit := e.run("ledger", "verify"); exit != 0 {
			t.Errorf("ledger verify: exit %d: %s", exit, out)
		}
		recorded := ledgerBodies(t, filepath.Join(e.data, "ledger"))
		for i, r := range v.all() {
			if i >= len(recorded) || !bytes.Equal(r.body, recorded[i]) {
				t.Errorf("the bytes of request %d are not report %d of the ledger", i+1, i+1)
			}
		}
	})
}

// strip takes the one header that may differ, the length, out of a head.
func strip(head string) string {
	var keep []string
	for _, l := range strings.Split(head, "\n") {
		if !strings.HasPrefix(l, "Content-Length:") {
			keep = append(keep, l)
		}
	}
	return strings.Join(keep, "\n")
}

// sendCanaries sends every kind of telemetry by every road, canaries in all.
func (n *node) sendCanaries(t *testing.T, now time.Time) {
	t.Helper()
	logs, err := plogotlp.NewExportRequestFromLogs(canary.Logs(now)).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := pmetricotlp.NewExportRequestFromMetrics(canary.Metrics(now, 3)).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	traces, err := ptraceotlp.NewExportRequestFromTraces(canary.Traces(now)).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	for path, body := range map[string][]byte{"/v1/logs": logs, "/v1/metrics": metrics, "/v1/traces": traces} {
		status, text := post(t, "http://"+n.otlp+path, protobuf, body,
			"User-Agent", slot("user_agent"), "Baggage", "k="+slot("baggage"), "Traceparent", "00-"+traceID.String()+"-"+spanID.String()+"-01")
		if status != 200 {
			t.Fatalf("%s answers %d: %s", path, status, text)
		}
	}
	push := fmt.Sprintf(`{"streams":[{"stream":{"job":"pushed","%s":"%s"},"values":[["%d","%s",{"%s":"%s"}]]}]}`,
		slot("push_label"), slot("push_value"), now.UnixNano(), slot("push_line"), slot("push_meta"), slot("push_meta_value"))
	if status, text := post(t, "http://"+n.api+"/loki/api/v1/push", "application/json", []byte(push)); status != 204 {
		t.Fatalf("push answers %d: %s", status, text)
	}
	n.writeLog(t, "shop.log", slot("file_line")+" level=info\n")
}

// writeLog appends to a file in the folder that the edge follows.
func (n *node) writeLog(t *testing.T, name, text string) {
	t.Helper()
	dir := filepath.Join(filepath.Dir(n.data), "logs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}
