package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whatever is wrong with the policy, nothing leaves, local work goes on, and
// the reason is said once and is a metric.
func TestNothingLeavesWithoutAnAcceptedPolicy(t *testing.T) {
	for name, c := range map[string]struct {
		state  string
		accept bool
		spoil  func(t *testing.T, file string) string // returns the file to run under
	}{
		"none":       {state: "no_policy", spoil: func(*testing.T, string) string { return "" }},
		"missing":    {state: "unreadable", spoil: func(_ *testing.T, f string) string { return f + ".gone" }},
		"unaccepted": {state: "unaccepted", spoil: func(_ *testing.T, f string) string { return f }},
		"another product's after it was accepted": {state: "unaccepted", accept: true, spoil: func(t *testing.T, f string) string {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f, []byte(strings.Replace(string(text), "product: e2e", "product: another", 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			return f
		}},
		"broken": {state: "invalid", accept: true, spoil: func(t *testing.T, f string) string {
			appendTo(t, f, "surprise: [\n")
			return f
		}},
		"expired": {state: "expired", spoil: func(t *testing.T, f string) string {
			appendTo(t, f, "expires: 2020-01-01\n")
			return f
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t)
			file := writePolicy(t, v.URL)
			e := newEdge(t, file)
			if c.accept {
				if _, exit := e.run("policy", "accept", file, "--by", "tester", "--reason", "to be spoiled"); exit != 0 {
					t.Fatalf("policy accept: exit %d", exit)
				}
			}
			e.env = append(e.env, "WEIR_POLICY="+c.spoil(t, file))
			e.start()
			if status, text := post(t, "http://"+e.otlp+"/v1/logs", protobuf, otlpLines(t, []string{"at home"})); status != 200 {
				t.Fatalf("logs: %d %s", status, text)
			}
			if got, err := e.lines(`{service_name="crash"}`, 10); err != nil || len(got) != 1 {
				t.Errorf("local lines: %q, %v", got, err)
			}
			e.eventually("the state is a metric", 30*time.Second, func() error {
				_, err := one(e.prom(`weir_policy_state{state="` + c.state + `"} == 1`))
				return err
			})
			e.stop()
			if got := v.all(); len(got) != 0 {
				t.Errorf("%d requests left", len(got))
			}
			if n := strings.Count(e.out.String(), "policy extension: nothing leaves"); n != 1 {
				t.Errorf("the reason is said %d times, want once", n)
			}
		})
	}
}

func appendTo(t *testing.T, file, text string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Clean(file), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}
