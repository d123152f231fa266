package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The binaries and configurations under test, as a user has them.
var (
	root      = mustAbs("../..")
	collector = filepath.Join(root, "bin", "weir-collector")
	weir      = filepath.Join(root, "bin", "weir")
)

func mustAbs(p string) string {
	abs, err := filepath.Abs(p)
	if err != nil {
		panic(err)
	}
	return abs
}

func TestMain(m *testing.M) {
	for _, bin := range []string{collector, weir} {
		if _, err := os.Stat(bin); err != nil {
			fmt.Fprintf(os.Stderr, "e2e: %v: run 'make build' first\n", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// node is one weir-collector and the addresses it was given.
type node struct {
	t      *testing.T
	config string
	data   string
	env    []string
	// through is a command that ends by running the one behind it, if any.
	through []string

	api, otlp string // host:port of the APIs, of OTLP over HTTP

	cmd    *exec.Cmd
	out    *output
	exited chan struct{}
	err    error // of cmd.Wait, after exited
}

// output is what a process says; it may be read while the process writes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// newEdge prepares an edge with a data folder and ports of its own. A policy
// of "" is none.
func newEdge(t *testing.T, policy string) *node {
	t.Helper()
	dir := t.TempDir()
	n := &node{t: t, config: "config/edge.yaml", data: filepath.Join(dir, "data"), api: freePort(t), otlp: freePort(t), out: &output{}}
	n.env = []string{
		"WEIR_DATA=" + n.data, "WEIR_LISTEN=" + n.api, "WEIR_OTLP_HTTP=" + n.otlp, "WEIR_OTLP_GRPC=" + freePort(t),
		"WEIR_LOGS=" + filepath.Join(dir, "logs", "*.log"), "WEIR_POLICY=" + policy,
		"WEIR_SCRAPE=" + filepath.Join(dir, "scrape", "*.yaml"),
	}
	return n
}

// newFleet prepares a fleet with a data folder and ports of its own, which takes
// plain HTTP from anybody: see enrol_test.go for one that does not.
func newFleet(t *testing.T) *node {
	t.Helper()
	n := &node{t: t, config: "config/fleet.yaml", data: filepath.Join(t.TempDir(), "data"), api: freePort(t), otlp: freePort(t), out: &output{}}
	n.env = []string{
		"WEIR_DATA=" + n.data, "WEIR_FLEET_LISTEN=" + n.api, "WEIR_FLEET_OTLP_HTTP=" + n.otlp,
		"WEIR_FLEET_REQUIRE_IDENTITY=false",
	}
	return n
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// launch starts the process and does not wait for anything.
func (n *node) launch(extra ...string) {
	n.t.Helper()
	args := slices.Concat(n.through, []string{collector, "--config", n.config}, extra)
	n.cmd = exec.Command(args[0], args[1:]...)
	n.cmd.Dir = root
	n.cmd.Env = append(os.Environ(), n.env...)
	n.cmd.Stdout, n.cmd.Stderr = n.out, n.out
	n.exited = make(chan struct{})
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	cmd, exited := n.cmd, n.exited
	go func() { n.err = cmd.Wait(); close(exited) }()
	n.t.Cleanup(func() {
		select {
		case <-exited:
		default:
			_ = cmd.Process.Kill()
			<-exited
		}
		if n.t.Failed() {
			n.t.Logf("%s said:\n%s", n.config, n.out.String())
		}
	})
}

// start launches the process and waits until it serves.
func (n *node) start() *node {
	n.t.Helper()
	n.launch()
	return n.ready()
}

// ready waits until the launched process serves.
func (n *node) ready() *node {
	n.t.Helper()
	n.eventually("the process serves", 30*time.Second, func() error {
		select {
		case <-n.exited:
			n.t.Fatalf("the process ended at start: %v\n%s", n.err, n.out.String())
		default:
		}
		resp, err := http.Get("http://" + n.api + "/ready")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("ready answers %s", resp.Status)
		}
		return nil
	})
	return n
}

// stop asks the process to end and demands that it does so well.
func (n *node) stop() {
	n.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		n.t.Fatal(err)
	}
	select {
	case <-n.exited:
	case <-time.After(20 * time.Second):
		n.t.Fatal("the process did not end within 20 s of SIGTERM")
	}
	if n.err != nil {
		n.t.Fatalf("the process ended with %v", n.err)
	}
}

// kill is kill -9.
func (n *node) kill() {
	n.t.Helper()
	if err := n.cmd.Process.Kill(); err != nil {
		n.t.Fatal(err)
	}
	<-n.exited
}

// waitExit waits for a process that ends by itself and returns its exit code.
func (n *node) waitExit() int {
	n.t.Helper()
	select {
	case <-n.exited:
	case <-time.After(30 * time.Second):
		n.t.Fatal("the process goes on, want it to end by itself")
	}
	var exit *exec.ExitError
	if errors.As(n.err, &exit) {
		return exit.ExitCode()
	}
	if n.err != nil {
		n.t.Fatal(n.err)
	}
	return 0
}

// eventually tries until f returns nil, and fails with its last error.
func (n *node) eventually(what string, within time.Duration, f func() error) {
	n.t.Helper()
	var err error
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	n.t.Fatalf("%s: not within %v: %v", what, within, err)
}

// run runs the command for people with the node's environment.
func (n *node) run(args ...string) (stdout string, exit int) {
	n.t.Helper()
	cmd := exec.Command(weir, args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), n.env...)
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var ee *exec.ExitError
	switch {
	case errors.As(err, &ee):
		n.t.Logf("weir %s: exit %d: %s", strings.Join(args, " "), ee.ExitCode(), errOut.String())
		return out.String(), ee.ExitCode()
	case err != nil:
		n.t.Fatal(err)
	}
	return out.String(), 0
}

// post sends a body and returns the status with the answer's text.
func post(t *testing.T, url, contentType string, body []byte, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(text)
}
