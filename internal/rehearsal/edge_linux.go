package rehearsal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-telemetry/weir/internal/netlab"
)

// Where the edge answers in its namespace, which is its own.
const (
	API      = "127.0.0.1:7070"
	OTLPGRPC = "127.0.0.1:4317"
	OTLPHTTP = "127.0.0.1:4318"
	Target   = "127.0.0.1:9100" // is scraped
)

// Edge is one edge in a lab.
type Edge struct {
	Lab       *netlab.Lab
	Collector string // the binary
	Config    string
	Root      string // where it is started
	Dir       string // of the rehearsal; the data folder is in it
	Policy    string
	CAFile    string
	Resolve   Destination
	// Set are further --set arguments; Env further variables.
	Set, Env []string
	// Wrap, if set, is a command that the edge is run under.
	Wrap []string

	cmd    *exec.Cmd
	out    output
	exited chan struct{}
	err    error
}

// Data is its data folder.
func (e *Edge) Data() string { return filepath.Join(e.Dir, "data") }

// Said is what it has printed.
func (e *Edge) Said() string { return e.out.String() }

// Start launches the edge in near, and waits for nothing.
func (e *Edge) Start() error {
	hosts, resolver := filepath.Join(e.Dir, "hosts"), filepath.Join(e.Dir, "resolv.conf")
	scrape := filepath.Join(e.Dir, "scrape")
	for _, d := range []string{scrape, filepath.Join(e.Dir, "logs")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	own, err := os.ReadFile("/etc/hosts")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for name, text := range map[string]string{
		// The first line that knows a name counts.
		hosts: e.Resolve.Addr.Addr().String() + " " + e.Resolve.Name + "\n" + string(own),
		// Whoever asks for another name asks the rest of the world, and is seen.
		resolver:                              "nameserver " + netlab.Far.String() + "\n",
		filepath.Join(scrape, "targets.yaml"): "- targets: ['" + Target + "']\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	args := append([]string{}, e.Wrap...)
	args = append(args, e.Collector, "--config", e.Config)
	if e.CAFile != "" {
		args = append(args, "--set=exporters::upstream::tls::ca_file="+e.CAFile)
	}
	for _, s := range e.Set {
		args = append(args, "--set="+s)
	}
	e.cmd = exec.Command(args[0], args[1:]...)
	e.cmd.Dir = e.Root
	e.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + e.Dir, "WEIR_DATA=" + e.Data(), "WEIR_POLICY=" + e.Policy,
		"WEIR_LOGS=" + filepath.Join(e.Dir, "logs", "*.log"), "WEIR_SCRAPE=" + filepath.Join(scrape, "*.yaml"),
		"WEIR_LISTEN=" + API, "WEIR_OTLP_GRPC=" + OTLPGRPC, "WEIR_OTLP_HTTP=" + OTLPHTTP,
	}, e.Env...)
	e.cmd.Stdout, e.cmd.Stderr = &e.out, &e.out
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	e.exited = make(chan struct{})
	err = e.Lab.Near(func() error {
		if err := resolveBy(hosts, resolver); err != nil {
			return err
		}
		return e.cmd.Start()
	})
	if err != nil {
		return fmt.Errorf("start the edge: %w", err)
	}
	cmd, exited := e.cmd, e.exited
	go func() { e.err = cmd.Wait(); close(exited) }()
	return nil
}

// resolveBy gives the calling thread, and what it starts, a view of the files in
// which these two are the ones that names are resolved by.
func resolveBy(hosts, resolver string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	for to, from := range map[string]string{"/etc/hosts": hosts, "/etc/resolv.conf": resolver} {
		err := unix.Mount(from, to, "", unix.MS_BIND, "")
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("put %s in place: %w", to, err)
		}
	}
	return nil
}

// Exited is closed when the process has ended; its error is then Err's.
func (e *Edge) Exited() <-chan struct{} { return e.exited }

// Err is how the process ended.
func (e *Edge) Err() error { return e.err }

// Ready waits until the edge serves.
func (e *Edge) Ready(within time.Duration) error {
	var err error
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		select {
		case <-e.exited:
			return fmt.Errorf("the edge ended at its start: %v", e.err)
		default:
		}
		var resp *http.Response
		if resp, err = e.Client().Get("http://" + API + "/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New("it answers " + resp.Status)
		}
	}
	return fmt.Errorf("the edge does not serve within %v: %w", within, err)
}

// Client speaks HTTP to the edge from inside its namespace.
func (e *Edge) Client() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(_ context.Context, _, addr string) (net.Conn, error) { return e.Lab.DialNear(addr) },
	}}
}

// Stop asks the process to end and waits; after a while it is killed.
func (e *Edge) Stop() error {
	if e.cmd == nil || e.cmd.Process == nil {
		return nil
	}
	_ = syscall.Kill(-e.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-e.exited:
		return e.err
	case <-time.After(20 * time.Second):
		e.Kill()
		return errors.New("the edge did not end within 20 s of SIGTERM")
	}
}

// Kill is kill -9.
func (e *Edge) Kill() {
	if e.cmd == nil || e.cmd.Process == nil {
		return
	}
	_ = syscall.Kill(-e.cmd.Process.Pid, syscall.SIGKILL)
	<-e.exited
}

// output may be read while it is written.
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
