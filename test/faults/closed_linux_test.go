package faults

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"golang.org/x/sys/unix"

	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/internal/netlab"
	"github.com/weir-telemetry/weir/internal/rehearsal"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

const destination = "https://fleet.weir.example"

func allowlist(change ...string) []byte {
	return []byte(strings.NewReplacer(change...).Replace(`version: 1
product: faults
vendor: acme
revision: 2
destination: ` + destination + `
interval: 1s
identity:
  weir.install.id: {type: uuid}
signals:
  - name: weir.heartbeat
    why: to see that the install is alive
    owner: support@acme.example
    category: heartbeat
    kind: sum
    unit: "{beat}"
    value: {min: 0, max: 1e9, step: 1}
`))
}

// site is one edge in a lab of its own.
type site struct {
	t     *testing.T
	lab   *netlab.Lab
	world *rehearsal.World
	edge  *rehearsal.Edge
	hold  []func() // to be undone when it is over
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func newSite(t *testing.T) *site {
	t.Helper()
	bin := filepath.Join(root(t), "bin", "weir-collector")
	if _, err := os.Stat(bin); err != nil {
		t.Fatalf("%v: run 'make build' first", err)
	}
	lab, err := netlab.New(rehearsal.Elsewhere)
	if errors.Is(err, netlab.ErrRights) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lab.Close)
	d, err := rehearsal.ParseDestination(destination)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	world, err := rehearsal.NewWorld(lab, d, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	s := &site{t: t, lab: lab, world: world, edge: &rehearsal.Edge{
		Lab: lab, Collector: bin, Config: filepath.Join(root(t), "config/edge.yaml"), Root: root(t), Dir: dir,
		Policy: filepath.Join(dir, "allowlist.yaml"), CAFile: world.CAFile, Resolve: d,
		// What is started here is the door; the host's numbers and logs are not needed.
		Set: []string{"receivers::hostmetrics::collection_interval=1h", "receivers::file_log::include=[" + filepath.Join(dir, "logs", "*.log") + "]"},
	}}
	t.Cleanup(func() {
		s.edge.Kill()
		for _, f := range s.hold {
			f()
		}
	})
	s.write(s.edge.Policy, allowlist())
	if err := os.MkdirAll(s.edge.Data(), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) write(name string, b []byte) {
	s.t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) accept(text []byte, now time.Time) {
	s.t.Helper()
	p, err := policy.Parse("allowlist.yaml", text)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := consent.Accept(vfs.OS, s.edge.Data(), p, "tester", "fault matrix", now); err != nil {
		s.t.Fatal(err)
	}
}

// ledger is a file of the ledger.
func (s *site) ledger(name string) string { return filepath.Join(s.edge.Data(), "ledger", name) }

// segment is the ledger's last one.
func (s *site) segment() string {
	s.t.Helper()
	all, err := filepath.Glob(s.ledger("*.seg"))
	if err != nil || len(all) == 0 {
		s.t.Fatalf("segments: %v, %v", all, err)
	}
	return all[len(all)-1]
}

// change rewrites a file.
func (s *site) change(name string, f func([]byte) []byte) {
	s.t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(name, f(b), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) remove(name string) {
	s.t.Helper()
	if err := os.Remove(name); err != nil {
		s.t.Fatal(err)
	}
}

// mount puts a file system of its own over a folder, with what was in it.
func (s *site) mount(dir, options string) {
	s.t.Helper()
	before := filepath.Join(s.t.TempDir(), "before")
	if err := os.CopyFS(before, os.DirFS(dir)); err != nil {
		s.t.Fatal(err)
	}
	if err := unix.Mount("weir-test", dir, "tmpfs", 0, options); err != nil {
		s.t.Fatal(err)
	}
	s.hold = append(s.hold, func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	if err := os.CopyFS(dir, os.DirFS(before)); err != nil {
		s.t.Fatal(err)
	}
}

// fill leaves no block free on the file system of dir.
func (s *site) fill(dir string) {
	s.t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		s.t.Fatal(err)
	}
}

// strace runs the edge under a tracer that breaks a system call on a file.
func (s *site) strace(file, inject string) {
	s.edge.Wrap = []string{"strace", "-f", "-qq", "-o", "/dev/null", "-P", file, "-e", "trace=" + strings.SplitN(inject, ":", 2)[0], "-e", "inject=" + inject}
}

// used is a data folder with an accepted policy and reports that wait: an edge
// that was not broken would send at once.
func used(t *testing.T) string {
	t.Helper()
	s := newSite(t)
	s.world.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	s.accept(allowlist(), time.Now())
	if err := errors.Join(s.edge.Start(), s.edge.Ready(60*time.Second)); err != nil {
		t.Fatalf("%v\n%s", err, s.edge.Said())
	}
	for end := time.Now().Add(30 * time.Second); len(s.world.Requests()) < 2; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no report in 30 s\n%s", s.edge.Said())
		}
	}
	if err := s.edge.Stop(); err != nil {
		t.Fatal(err)
	}
	return s.edge.Data()
}

// inherit copies what concerns the door.
func (s *site) inherit(from string) {
	s.t.Helper()
	for _, d := range []string{"identity", "policy", "ledger"} {
		if err := os.CopyFS(filepath.Join(s.edge.Data(), d), os.DirFS(filepath.Join(from, d))); err != nil {
			s.t.Fatal(err)
		}
	}
}

// fault is one way to break something. It is done before the start, and the
// edge says one of the words, or ends at once.
type fault struct {
	name string
	do   func(*site)
	says string
	// running, if set, is done to an edge that serves, before the policy is
	// accepted; nothing but what it broke then holds the reports back.
	running func(*site)
	often   bool // runs in every test, not only in the soak
}

var faults = []fault{
	// The policy.
	{name: "no policy is configured", often: true, says: "no policy", do: func(s *site) { s.edge.Policy = "" }},
	{name: "the policy is missing", says: "nothing leaves", do: func(s *site) { s.remove(s.edge.Policy) }},
	{name: "the policy is a folder", says: "nothing leaves", do: func(s *site) { s.remove(s.edge.Policy); _ = os.Mkdir(s.edge.Policy, 0o755) }},
	{name: "the policy is a link to itself", says: "nothing leaves", do: func(s *site) {
		s.remove(s.edge.Policy)
		_ = os.Symlink(s.edge.Policy, s.edge.Policy)
	}},
	{name: "the policy is empty", says: "nothing leaves", do: func(s *site) { s.write(s.edge.Policy, nil) }},
	{name: "the policy is cut in half", says: "nothing leaves", often: true, do: func(s *site) {
		s.change(s.edge.Policy, func(b []byte) []byte { return b[:len(b)/2] })
	}},
	{name: "the policy is noise", says: "nothing leaves", do: func(s *site) { s.write(s.edge.Policy, bytes.Repeat([]byte{0, 0xff, 0x7f}, 5000)) }},
	{name: "the policy has a key that nobody knows", says: "nothing leaves", do: func(s *site) { s.write(s.edge.Policy, append(allowlist(), "extra: 1\n"...)) }},
	{name: "the policy names a destination in the clear", says: "nothing leaves", do: func(s *site) {
		s.write(s.edge.Policy, allowlist("https://", "http://"))
	}},
	{name: "the policy's last day is over, or the clock is ahead of it", says: "nothing leaves", often: true, do: func(s *site) {
		text := allowlist("interval: 1s", "interval: 1s\nexpires: 2020-01-01", "revision: 2", "revision: 3")
		s.write(s.edge.Policy, text)
		s.accept(text, time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC))
	}},
	{name: "another product's policy, which nobody accepted", says: "nothing leaves", do: func(s *site) {
		s.write(s.edge.Policy, allowlist("product: faults", "product: other"))
	}},
	{name: "the acceptance is gone", says: "nothing leaves", often: true, do: func(s *site) { s.removeAll("policy/*.json") }},
	{name: "the acceptance is cut in half", says: "nothing leaves", do: func(s *site) {
		s.changeAll("policy/*.json", func(b []byte) []byte { return b[:len(b)/2] })
	}},
	{name: "the acceptance names another digest", says: "nothing leaves", do: func(s *site) {
		s.changeAll("policy/*.json", func(b []byte) []byte {
			i := bytes.Index(b, []byte(`"digest": "`)) + len(`"digest": "`)
			b[i] ^= 1
			return b
		})
	}},
	{name: "the acceptance says not who", says: "nothing leaves", do: func(s *site) {
		s.changeAll("policy/*.json", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("tester"), nil) })
	}},
	{name: "a signature is demanded and missing", says: "nothing leaves", do: func(s *site) { s.demandSignature() }},
	{name: "a signature is demanded and is noise", says: "nothing leaves", do: func(s *site) {
		s.demandSignature()
		s.write(s.edge.Policy+".sig", []byte("— acme AAAA\n"))
	}},
	{name: "the policy wants an identity that nobody set", says: "nothing leaves", do: func(s *site) {
		text := allowlist("identity:", "identity:\n  tier: {enum: [test, production]}", "revision: 2", "revision: 3")
		s.removeAll("ledger/*") // what waits was made under one that did not
		s.write(s.edge.Policy, text)
		s.accept(text, time.Now())
	}},

	// The ledger.
	{name: "the ledger's folder is a file", says: "ledger", do: func(s *site) {
		s.removeAll("ledger")
		s.write(filepath.Join(s.edge.Data(), "ledger"), nil)
	}},
	{name: "another process has the ledger", says: "in use by another process", often: true, do: func(s *site) {
		lock, err := vfs.OS.Lock(s.ledger("lock"))
		if err != nil {
			s.t.Fatal(err)
		}
		s.hold = append(s.hold, func() { lock.Close() })
	}},
	{name: "the ledger's checkpoint is gone", says: "checkpoint is missing", do: func(s *site) { s.remove(s.ledger("checkpoint")) }},
	{name: "the ledger's checkpoint is forged", says: "not signed by this ledger's key", do: func(s *site) {
		s.change(s.ledger("checkpoint"), func(b []byte) []byte { return bytes.Replace(b, []byte("weir ledger"), []byte("Weir ledger"), 1) })
	}},
	{name: "a byte of a recorded report is changed", says: "record", often: true, do: func(s *site) {
		s.change(s.segment(), func(b []byte) []byte { b[len(b)*2/3] ^= 4; return b })
	}},
	{name: "the ledger is cut off", says: "record", do: func(s *site) {
		s.change(s.segment(), func(b []byte) []byte { return b[:len(b)*2/3] })
	}},
	{name: "the ledger's segments are gone", says: "segments are missing", do: func(s *site) { s.removeAll("ledger/*.seg") }},
	{name: "a record is in the ledger twice", says: "record", do: func(s *site) {
		s.change(s.segment(), func(b []byte) []byte { return append(b, b[len(b)-300:]...) })
	}},
	{name: "noise is behind the ledger's end", says: "record", do: func(s *site) {
		s.change(s.segment(), func(b []byte) []byte { return append(b, bytes.Repeat([]byte("noise"), 100)...) })
	}},

	// The gate and the clock.
	{name: "the clock went back over intervals that had their reports", says: "interval_used", often: true, do: func(s *site) { s.clockWentBack(time.Minute) }},

	// Keys and identity.
	{name: "the ledger's key is gone", says: "signing key is missing", often: true, do: func(s *site) { s.remove(s.ledger("signer.key")) }},
	{name: "the ledger's key is noise", says: "signing key cannot be read", do: func(s *site) { s.write(s.ledger("signer.key"), []byte("PRIVATE+KEY+noise\n")) }},
	{name: "the install's identity is noise", says: "identity", do: func(s *site) {
		s.write(filepath.Join(s.edge.Data(), "identity", "install.json"), []byte("{"))
	}},
	{name: "the install's identity is another's", says: "another install", do: func(s *site) { s.removeAll("identity/install.json") }},
	{name: "the authority's file is gone", says: "ca_file", do: func(s *site) { s.edge.CAFile += ".gone" }},
	{name: "the authority's file is noise", says: "no certificate", do: func(s *site) { s.write(s.edge.CAFile, []byte("noise")) }},
	{name: "the client's certificate is gone", says: "cert_file", do: func(s *site) {
		s.edge.Set = append(s.edge.Set, "exporters::upstream::tls::cert_file=/nowhere/cert.pem", "exporters::upstream::tls::key_file=/nowhere/key.pem")
	}},
	{name: "a pin is misspelt", says: "pins", do: func(s *site) { s.edge.Set = append(s.edge.Set, "exporters::upstream::tls::pins=[sha256/AAAA]") }},
	{name: "the proxy's password is gone", says: "password_file", do: func(s *site) {
		s.edge.Set = append(s.edge.Set, "exporters::upstream::proxy::url=http://203.0.113.5:3128", "exporters::upstream::proxy::username=u", "exporters::upstream::proxy::password_file=/nowhere/password")
	}},
	{name: "the enrolment's token is noise", says: "enroll_token", do: func(s *site) { s.edge.Env = append(s.edge.Env, "WEIR_ENROLL_TOKEN=weir1.noise") }},

	// The disk. The edge serves when it breaks, and the policy is accepted after.
	{name: "the ledger's disk becomes full", says: "ledger cannot be written", often: true,
		do:      func(s *site) { s.fresh(); s.mount(filepath.Join(s.edge.Data(), "ledger"), "size=1m") },
		running: func(s *site) { s.fill(filepath.Join(s.edge.Data(), "ledger")) }},
	{name: "the ledger's disk is full at the start", says: "no space left", do: func(s *site) {
		s.fresh()
		s.mount(filepath.Join(s.edge.Data(), "ledger"), "size=64k")
		s.fill(filepath.Join(s.edge.Data(), "ledger"))
	}},
	{name: "the ledger's disk is read-only", says: "read-only", do: func(s *site) {
		dir := filepath.Join(s.edge.Data(), "ledger")
		s.mount(dir, "size=1m")
		if err := unix.Mount("weir-test", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			s.t.Fatal(err)
		}
	}},
	{name: "syncing the ledger fails", says: "ledger cannot be written", often: true, running: func(*site) {},
		do: func(s *site) {
			s.fresh()
			s.strace(s.ledger("00000000000000000000.seg"), "fdatasync:error=EIO:when=2+")
		}},
	{name: "writing the ledger fails", says: "ledger cannot be written", running: func(*site) {},
		do: func(s *site) { s.fresh(); s.strace(s.ledger("00000000000000000000.seg"), "write:error=EIO") }},
	{name: "the ledger's disk is full, says the kernel", says: "ledger cannot be written", running: func(*site) {},
		do: func(s *site) { s.fresh(); s.strace(s.ledger("00000000000000000000.seg"), "write:error=ENOSPC") }},
	{name: "the ledger may not be opened", says: "ledger", do: func(s *site) { s.strace(s.segment(), "openat:error=EACCES") }},
	{name: "the ledger cannot be read", says: "ledger", do: func(s *site) { s.strace(s.segment(), "pread64:error=EIO") }},
}

// fresh is a folder in which nothing has been accepted yet; the ledger's folder
// is there.
func (s *site) fresh() {
	s.removeAll("policy")
	s.removeAll("ledger")
	if err := os.Mkdir(filepath.Join(s.edge.Data(), "ledger"), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) removeAll(pattern string) {
	s.t.Helper()
	s.each(pattern, func(name string) error { return os.RemoveAll(name) })
}

func (s *site) changeAll(pattern string, f func([]byte) []byte) {
	s.t.Helper()
	s.each(pattern, func(name string) error { s.change(name, f); return nil })
}

func (s *site) each(pattern string, f func(string) error) {
	s.t.Helper()
	all, err := filepath.Glob(filepath.Join(s.edge.Data(), pattern))
	if err != nil || len(all) == 0 {
		s.t.Fatalf("%s: %v, %v", pattern, all, err)
	}
	for _, name := range all {
		if err := f(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.t.Fatal(err)
		}
	}
}

// clockWentBack adds to the ledger a report for each interval of the time to
// come, as if the clock had been there already, and settles those that wait. A
// report for any of them would be the second one.
func (s *site) clockWentBack(by time.Duration) {
	s.t.Helper()
	in, err := install.Load(vfs.OS, s.edge.Data())
	if err != nil {
		s.t.Fatal(err)
	}
	// Midnight would give the gate a new day to count.
	if now := time.Now().UTC(); now.Add(by).Truncate(24*time.Hour) != now.Truncate(24*time.Hour) {
		time.Sleep(time.Until(now.Truncate(24 * time.Hour).Add(24*time.Hour + time.Second)))
	}
	l, err := ledger.Open(vfs.OS, s.ledger(""), ledger.Options{Install: in.ID})
	if err != nil {
		s.t.Fatal(err)
	}
	defer l.Close()
	settle := func() (last ledger.Record) {
		for {
			r, ok, err := l.Oldest(func(ledger.Entry) bool { return true })
			if err != nil {
				s.t.Fatal(err)
			}
			if !ok {
				return last
			}
			if _, err := l.Append(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}.Record(&r)); err != nil {
				s.t.Fatal(err)
			}
			last = r
		}
	}
	r := settle()
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	const interval = time.Second // the policy's
	for at := time.Now().Truncate(interval); time.Until(at) < by; at = at.Add(interval) {
		for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
			var points pmetric.NumberDataPointSlice
			if m.Type() == pmetric.MetricTypeSum {
				points = m.Sum().DataPoints()
			} else {
				points = m.Gauge().DataPoints()
			}
			points.At(0).SetTimestamp(pcommon.NewTimestampFromTime(at))
			if m.Name() == gate.SequenceMetric {
				points.At(0).SetDoubleValue(float64(l.NextSequence()))
			}
		}
		if r.Body, err = (&pmetric.ProtoMarshaler{}).MarshalMetrics(md); err != nil {
			s.t.Fatal(err)
		}
		r.Sequence = l.NextSequence()
		if _, err := l.Append(r); err != nil {
			s.t.Fatal(err)
		}
	}
	settle()
}

func (s *site) demandSignature() {
	const verifier = "acme+0b2e15ff+AcGt5TJEaFM9obuL8mjwKSadZQA943zfAXNOfbK9HVHU"
	s.edge.Set = append(s.edge.Set, "extensions::policy::verifiers=["+verifier+"]")
}

// observed is how long the wire is watched: three intervals and more.
const observed = 3500 * time.Millisecond

// TestEveryFaultLeavesNothingOnTheWire. The last line is the matrix in short.
func TestEveryFaultLeavesNothingOnTheWire(t *testing.T) {
	data := used(t)
	t.Run("none, to see that there is something to hold back", func(t *testing.T) {
		s := newSite(t)
		s.inherit(data)
		if err := errors.Join(s.edge.Start(), s.edge.Ready(60*time.Second)); err != nil {
			t.Fatalf("%v\n%s", err, s.edge.Said())
		}
		time.Sleep(observed)
		frames, n := netlab.Sent(s.lab.Packets())
		if frames == 0 || len(s.world.Requests()) < 2 {
			t.Errorf("%d frames and %d requests without a fault", frames, len(s.world.Requests()))
		}
		t.Logf("without a fault: %d requests in %d frames with %d bytes", len(s.world.Requests()), frames, n)
	})
	slots := make(chan struct{}, 4)
	ran := 0
	for _, f := range faults {
		if !f.often && !soak {
			continue
		}
		ran++
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			s := newSite(t)
			s.inherit(data)
			f.do(s)
			how := s.endure(f)
			time.Sleep(observed)
			frames, n := netlab.Sent(s.lab.Packets())
			if frames != 0 || n != 0 {
				t.Errorf("%d frames with %d bytes left: %+v\n%s", frames, n, netlab.Summarize(s.lab.Packets()), s.edge.Said())
			}
			if lost, err := s.lab.Lost(); lost != 0 || err != nil {
				t.Errorf("%d frames were not seen: %v", lost, err)
			}
			if !strings.Contains(strings.ToLower(s.edge.Said()), f.says) {
				t.Errorf("the edge does not say %q:\n%s", f.says, s.edge.Said())
			}
			fmt.Printf("    %-64s %d frames, %d bytes (%s)\n", f.name, frames, n, how)
		})
	}
	t.Cleanup(func() {
		if !t.Failed() {
			fmt.Printf("fail-closed: %d of %d faults, each with 0 bytes on the wire\n", ran, len(faults))
		}
	})
}

// endure starts the broken edge, and returns when it serves or has ended.
func (s *site) endure(f fault) string {
	s.t.Helper()
	if err := s.edge.Start(); err != nil {
		s.t.Fatal(err)
	}
	err := s.edge.Ready(60 * time.Second)
	select {
	case <-s.edge.Exited():
		if f.running != nil {
			s.t.Fatalf("the edge ended at its start\n%s", s.edge.Said())
		}
		return "it does not start"
	default:
	}
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.edge.Said())
	}
	if f.running != nil {
		f.running(s)
		s.accept(allowlist(), time.Now())
	}
	return "local work goes on"
}
