package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/weir-telemetry/weir/internal/netlab"
)

// needLab skips where no namespace can be made.
func needLab(t *testing.T) {
	t.Helper()
	lab, err := netlab.New()
	if errors.Is(err, netlab.ErrRights) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	lab.Close()
}

type proof struct {
	OK       bool
	Requests int
	Before   []netlab.Line `json:"before_acceptance"`
	During   []netlab.Line `json:"in_force"`
	Checks   []struct {
		Name, Detail string
		OK           bool
	}
}

func prove(t *testing.T, args ...string) (proof, int) {
	t.Helper()
	out, exit := (&node{t: t}).run(append([]string{"egress", "prove", "--json"}, args...)...)
	var p proof
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatalf("exit %d, no JSON: %v: %s", exit, err, out)
	}
	return p, exit
}

// The customer's own demonstration: canaries go in by every road, and on the
// one wire out there is nothing but the ledger's reports.
func TestEgressIsProvedOnAWire(t *testing.T) {
	needLab(t)
	p, exit := prove(t)
	if exit != 0 || !p.OK || p.Requests < 3 || len(p.Before) != 0 || len(p.During) != 1 {
		t.Errorf("exit %d: %+v", exit, p)
	}
}

// An edge with a second door is found out.
func TestASecondDoorIsSeenOnTheWire(t *testing.T) {
	needLab(t)
	text, err := os.ReadFile(filepath.Join(root, "config/edge.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	leaky := strings.NewReplacer(
		"exporters:\n  local_store:\n", "exporters:\n  prometheusremotewrite: {endpoint: \"http://203.0.113.77:9009/push\", timeout: 1s, retry_on_failure: {enabled: false}}\n  local_store:\n",
		"exporters: [local_store, forward/upstream]", "exporters: [local_store, forward/upstream, prometheusremotewrite]",
	).Replace(string(text))
	if leaky == string(text) || strings.Count(leaky, "prometheusremotewrite") != 2 {
		t.Fatal("the configuration has changed: the test opens no second door")
	}
	config := filepath.Join(t.TempDir(), "leaky.yaml")
	if err := os.WriteFile(config, []byte(leaky), 0o600); err != nil {
		t.Fatal(err)
	}
	p, exit := prove(t, "--config", config)
	if exit != 1 || p.OK {
		t.Errorf("exit %d: %+v", exit, p)
	}
	seen := false
	for _, l := range p.Before {
		seen = seen || l.To == "203.0.113.77:9009"
	}
	if !seen {
		t.Errorf("the second door is not among what left: %+v", p.Before)
	}
}

// Who may not make a namespace is told so, and what to do.
func TestEgressProofSaysWhatItNeeds(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give rights up")
	}
	dir, err := os.MkdirTemp("", "weir-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"weir", "edge.yaml"} {
		b, err := os.ReadFile(map[string]string{"weir": weir, "edge.yaml": filepath.Join(root, "config/edge.yaml")}[name])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(dir, "weir"), "egress", "prove", "--config", filepath.Join(dir, "edge.yaml"), "--collector", "/bin/true")
	cmd.Env = []string{"TMPDIR=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	var ee *exec.ExitError
	if !errors.As(err, &ee) || ee.ExitCode() != 2 || !strings.Contains(string(out), "it takes root, or CAP_SYS_ADMIN and CAP_NET_ADMIN") {
		t.Errorf("%v: %s", err, out)
	}
}
