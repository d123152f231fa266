package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-telemetry/weir/internal/netlab"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// container is what a service runs in: what an image's COPYs put there, read-only,
// its volumes, a user without rights, and no more of the machine than /proc and,
// where the image begins with a distribution, this machine's /usr in its place.
type container struct {
	Root    string
	Volumes map[string]string // here: there
	Usr     bool
	Workdir string
	Args    []string
	Env     []string
}

const inside = "WEIR_TEST_CONTAINER"

// TestMain is also the first process of a container: it makes its root and becomes
// the program.
func TestMain(m *testing.M) {
	if text := os.Getenv(inside); text != "" {
		fmt.Fprintln(os.Stderr, "container:", become(text))
		os.Exit(125)
	}
	os.Exit(m.Run())
}

const nobody = 65532

// become runs in a mount namespace of its own.
func become(text string) error {
	var c container
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	bind := func(from, to string, flags uintptr) error {
		to = filepath.Join(c.Root, to)
		if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("mount %s at %s: %w", from, to, err)
		}
		if flags == 0 {
			return nil
		}
		return unix.Mount("", to, "", unix.MS_BIND|unix.MS_REMOUNT|flags, "")
	}
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("leave the machine's mounts: %w", err)
	}
	if err := bind(c.Root, "", unix.MS_RDONLY); err != nil {
		return err
	}
	if c.Usr {
		if err := bind("/usr", "usr", unix.MS_RDONLY); err != nil {
			return err
		}
	}
	for here, there := range c.Volumes {
		if err := bind(here, there, 0); err != nil {
			return err
		}
	}
	for _, device := range []string{"null", "urandom"} {
		if err := bind("/dev/"+device, "dev/"+device, 0); err != nil {
			return err
		}
	}
	if err := bind("/proc", "proc", 0); err != nil {
		return err
	}
	return errors.Join(
		unix.Chroot(c.Root), unix.Chdir(c.Workdir), unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
		syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody), syscall.Exec(c.Args[0], c.Args, c.Env),
	)
}

// engine starts services as Docker would, in one network namespace.
type engine struct {
	t       *testing.T
	lab     *netlab.Lab
	dir     string
	images  map[string]*image
	volumes map[string]string
}

// root puts together what an image holds.
func (e *engine) root(name string) string {
	dir := filepath.Join(e.dir, "image-"+name)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	i := e.images[name]
	for _, d := range []string{"proc", "dev", "usr", i.workdir} {
		must(e.t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	for _, device := range []string{"null", "urandom"} {
		must(e.t, os.WriteFile(filepath.Join(dir, "dev", device), nil, 0o644))
	}
	if i.from != "files" { // a distribution, whose /bin is in /usr
		for _, link := range []string{"bin", "lib", "lib64"} {
			must(e.t, os.Symlink("usr/"+link, filepath.Join(dir, link)))
		}
	}
	for _, c := range i.copies {
		for _, from := range c.from {
			e.copy(dir, c, from)
		}
	}
	return dir
}

func (e *engine) copy(dir string, c copied, from string) {
	to := filepath.Join(dir, c.to)
	if strings.HasSuffix(c.to, "/") || len(c.from) > 1 {
		to = filepath.Join(to, filepath.Base(from))
	}
	switch {
	case from == "/made/":
		data := filepath.Join(dir, "data")
		must(e.t, os.Mkdir(data, 0o755))
		must(e.t, os.Chown(data, nobody, nobody))
	case c.stage != "" && c.stage != "build": // all of another stage
		for _, other := range e.images[c.stage].copies {
			for _, f := range other.from {
				e.copy(dir, other, f)
			}
		}
	case c.stage == "":
		must(e.t, os.CopyFS(to, os.DirFS(filepath.Join("..", from))))
	default:
		if source, ok := strings.CutPrefix(from, "/src/"); ok {
			from = filepath.Join("..", source)
		}
		data, err := os.ReadFile(from)
		must(e.t, err)
		must(e.t, os.MkdirAll(filepath.Dir(to), 0o755))
		must(e.t, os.WriteFile(to, data, 0o755))
	}
}

// volume begins as the image's folder is, as Docker's do.
func (e *engine) volume(name string) string {
	if e.volumes[name] == "" {
		dir := filepath.Join(e.dir, "volume-"+name)
		must(e.t, os.Mkdir(dir, 0o755))
		must(e.t, os.Chown(dir, nobody, nobody))
		e.volumes[name] = dir
	}
	return e.volumes[name]
}

// start runs a service, or another program where the service runs.
func (e *engine) start(s service, args ...string) *exec.Cmd {
	i := e.images[s.Build.Target]
	c := container{Root: e.root(s.Build.Target), Volumes: map[string]string{}, Usr: i.from != "files", Workdir: i.workdir, Args: args}
	if args == nil {
		c.Args = append(slices.Clone(i.entrypoint), s.Command...)
		if s.Command == nil {
			c.Args = append(c.Args, i.command...)
		}
	}
	for _, v := range s.Volumes {
		name, there, _ := strings.Cut(v, ":")
		c.Volumes[e.volume(name)] = there
		if there != "/data" {
			must(e.t, os.MkdirAll(filepath.Join(c.Root, there), 0o755))
		}
	}
	env := maps.Clone(i.env)
	maps.Copy(env, s.Environment)
	for k, v := range env {
		c.Env = append(c.Env, k+"="+v)
	}
	text, err := json.Marshal(c)
	must(e.t, err)
	self, err := os.Executable()
	must(e.t, err)
	cmd := exec.Command(self)
	cmd.Env = []string{inside + "=" + string(text)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: 0}
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	must(e.t, e.lab.Near(cmd.Start))
	e.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait()
		}
		if e.t.Failed() {
			e.t.Logf("%s\n%.4000s", strings.Join(c.Args, " "), out)
		}
	})
	return cmd
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTheCompositionComesUpAndReports starts its services one after the other, each
// with no more than its image holds and may do: the fleet gets healthy, the edge is
// prepared, and its reports are acknowledged with receipts.
func TestTheCompositionComesUpAndReports(t *testing.T) {
	lab, err := netlab.New()
	if errors.Is(err, netlab.ErrRights) || os.Geteuid() != 0 {
		t.Skip("needs root, which makes namespaces: ", err)
	}
	must(t, err)
	t.Cleanup(lab.Close)
	c := readComposition(t)
	dir, err := os.MkdirTemp("", "weir-compose-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755)) // nobody goes through it
	e := &engine{t: t, lab: lab, dir: dir, images: readDockerfile(t), volumes: map[string]string{}}

	fleet := c.Services["fleet"]
	e.start(fleet)
	e.healthy(fleet, fleet.Healthcheck.Test[1:])
	prepare := e.start(c.Services["prepare"])
	if err := prepare.Wait(); err != nil {
		t.Fatalf("prepare: %v", err)
	}
	edge := c.Services["edge"]
	e.start(edge)
	e.healthy(edge, e.images["weir"].health)
	// It is done once only.
	if err := e.start(c.Services["prepare"]).Wait(); err != nil {
		t.Fatalf("prepare, again: %v", err)
	}

	kept := 0
	for end := time.Now().Add(time.Minute); kept < 2; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d reports were acknowledged with a receipt", kept)
		}
		kept = receipts(filepath.Join(e.volume("edge"), "ledger"))
	}
}

func (e *engine) healthy(s service, check []string) {
	e.t.Helper()
	for end := time.Now().Add(30 * time.Second); e.start(s, check...).Wait() != nil; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			e.t.Fatalf("not healthy: %q", check)
		}
	}
}

// receipts counts the reports that the fleet took and countersigned.
func receipts(dir string) (n int) {
	r, err := ledger.NewReader(vfs.OS, dir, -1)
	if err != nil {
		return 0
	}
	_ = r.Read(func(rec ledger.Record) error {
		if rec.Kind == ledger.KindOutcome {
			if o, err := ledger.ParseOutcome(rec.Body); err == nil && o.Result == ledger.Acknowledged && len(o.Receipt) > 0 {
				n++
			}
		}
		return nil
	})
	return n
}
