package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/weir-telemetry/weir/internal/tunnel"
)

const canary = "Jannike-Roehampton-4111"

// run makes a probe of a Spec that must be valid, and runs it.
func run(t *testing.T, s Spec, sys System) Finding {
	t.Helper()
	s.Name = "it"
	if s.Timeout == 0 {
		s.Timeout = 2 * time.Second
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	f := New(s, sys).Run(t.Context())
	if !s.Kind.Finds(f.Reason) {
		t.Errorf("%s finds %s, which Finds does not know", s.Kind, f.Reason)
	}
	if said := fmt.Sprintf("%+v", f); strings.Contains(said, canary) {
		t.Errorf("the finding repeats what the other side said: %s", said)
	}
	return f
}

func wants(t *testing.T, what string, f Finding, reason Reason) {
	t.Helper()
	if f.Reason != reason || f.Outcome != reason.Outcome() {
		t.Errorf("%s: found %s (%s), want %s", what, f.Reason, f.Outcome, reason)
	}
}

// listen serves each connection with f and says where.
func listen(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); f(c) }()
		}
	}()
	return l.Addr().String()
}

func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = bufio.NewReader(c).ReadString('\n')
		_, _ = io.WriteString(c, text)
	}
}

func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// closed is an address where nothing listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// nameServer knows db.internal and says of all else that it does not exist.
func nameServer(t *testing.T, answer bool) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if !answer || m.Unpack(b[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			switch {
			case q.Name.String() != "db.internal.":
				m.RCode = dnsmessage.RCodeNameError
			case q.Type == dnsmessage.TypeA:
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = c.WriteTo(out, from)
			}
		}
	}()
	return c.LocalAddr().String()
}

func TestDNS(t *testing.T) {
	good := nameServer(t, true)
	wants(t, "a name that is there", run(t, Spec{Kind: DNS, Target: "db.internal", Resolver: good}, Real()), OK)
	wants(t, "one that is not", run(t, Spec{Kind: DNS, Target: "gone.internal", Resolver: good}, Real()), NoSuchName)
	wants(t, "nobody to ask", run(t, Spec{Kind: DNS, Target: "db.internal", Resolver: closed(t)}, Real()), NoResolver)
	wants(t, "one who does not answer", run(t, Spec{Kind: DNS, Target: "db.internal", Resolver: nameServer(t, false), Timeout: 200 * time.Millisecond}, Real()), NoResolver)
}

func TestTCP(t *testing.T) {
	wants(t, "a listener", run(t, Spec{Kind: TCP, Target: listen(t, silent)}, Real()), OK)
	wants(t, "none", run(t, Spec{Kind: TCP, Target: closed(t)}, Real()), Refused)
	for err, want := range map[error]Reason{
		syscall.EHOSTUNREACH:                       Unreachable,
		syscall.ENETUNREACH:                        Unreachable,
		syscall.EACCES:                             Unreachable,
		syscall.ECONNREFUSED:                       Refused,
		syscall.ECONNRESET:                         Closed,
		os.ErrDeadlineExceeded:                     Timeout,
		&net.DNSError{IsNotFound: true}:            NoSuchName,
		&net.DNSError{IsTimeout: true}:             NoResolver,
		errors.New("anything else, " + canary):     Unreachable,
		fmt.Errorf("wrapped: %w", syscall.EPIPE):   Closed,
		fmt.Errorf("wrapped: %w", io.EOF):          Closed,
		&net.OpError{Op: "dial", Err: os.ErrExist}: Unreachable,
	} {
		sys := Real()
		sys.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, err }
		wants(t, err.Error(), run(t, Spec{Kind: TCP, Target: "db.internal:5432"}, sys), want)
	}
	sys := Real()
	sys.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
	f := run(t, Spec{Kind: TCP, Target: "db.internal:5432", Timeout: 50 * time.Millisecond}, sys)
	wants(t, "one who does not answer", f, Timeout)
	if f.Took < 0.05 || f.Took > 1 {
		t.Errorf("it took %v s", f.Took)
	}
}

func TestHTTP(t *testing.T) {
	asked := 0
	var agent string
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { agent = r.UserAgent() + r.Method })
	mux.HandleFunc("/ill", func(w http.ResponseWriter, r *http.Request) { http.Error(w, canary, http.StatusServiceUnavailable) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere?"+canary, http.StatusFound)
	})
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { asked++ })
	mux.HandleFunc("/flood", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/head", func(w http.ResponseWriter, r *http.Request) {
		for i := range 100 {
			w.Header().Set(fmt.Sprint("x", i), strings.Repeat(canary, 100))
		}
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	wants(t, "a well one", run(t, Spec{Kind: HTTP, Target: s.URL + "/healthz"}, Real()), OK)
	if agent != "weir-probeGET" {
		t.Errorf("it says of itself %q", agent)
	}
	wants(t, "an ill one", run(t, Spec{Kind: HTTP, Target: s.URL + "/ill"}, Real()), Status)
	wants(t, "an ill one that is wanted", run(t, Spec{Kind: HTTP, Target: s.URL + "/ill", Statuses: []int{503}}, Real()), OK)
	wants(t, "a well one that is not wanted", run(t, Spec{Kind: HTTP, Target: s.URL + "/healthz", Statuses: []int{204}}, Real()), Status)
	wants(t, "a redirect", run(t, Spec{Kind: HTTP, Target: s.URL + "/moved"}, Real()), OK)
	if asked != 0 {
		t.Error("it followed a redirect")
	}
	if f := run(t, Spec{Kind: HTTP, Target: s.URL + "/flood"}, Real()); f.Reason != OK || f.Took > 1 {
		t.Errorf("a body without end: %+v", f)
	}
	wants(t, "a head without end", run(t, Spec{Kind: HTTP, Target: s.URL + "/head"}, Real()), NotHTTP)
	wants(t, "no HTTP", run(t, Spec{Kind: HTTP, Target: "http://" + listen(t, says("220 "+canary+"\r\n"))}, Real()), NotHTTP)
	wants(t, "silence", run(t, Spec{Kind: HTTP, Target: "http://" + listen(t, silent), Timeout: 50 * time.Millisecond}, Real()), Timeout)
	wants(t, "a door in the face", run(t, Spec{Kind: HTTP, Target: "http://" + listen(t, func(net.Conn) {})}, Real()), Closed)
	wants(t, "nobody", run(t, Spec{Kind: HTTP, Target: "http://" + closed(t)}, Real()), Refused)
	wants(t, "https where there is none", run(t, Spec{Kind: HTTP, Target: "https" + strings.TrimPrefix(s.URL, "http")}, Real()), NotTLS)
}

// A proxy of the environment is somebody's, but not this probe's.
func TestNoProxyOfTheEnvironmentIsUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://"+closed(t))
	t.Setenv("http_proxy", "http://"+closed(t))
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	wants(t, "a server", run(t, Spec{Kind: HTTP, Target: s.URL, Statuses: []int{404}}, Real()), OK)
}

// Whatever goes wrong once there is a connection, the host was reached.
func TestAHostThatWasReachedIsNotUnreachable(t *testing.T) {
	p := New(Spec{Kind: HTTP, Target: "http://" + listen(t, silent)}, Real())
	u, err := url.Parse(p.Target)
	if err != nil {
		t.Fatal(err)
	}
	for err, want := range map[error]Reason{
		nil: OK,
		&net.OpError{Op: "remote error", Err: errors.New("tls: certificate required, " + canary)}: NotHTTP,
		tunnel.ErrNotHTTP:  NotHTTP,
		syscall.ECONNRESET: Closed,
	} {
		if _, got := p.talk(t.Context(), u, func(io.ReadWriter) error { return err }); got != want {
			t.Errorf("%v: found %s, want %s", err, got, want)
		}
	}
}

func TestProxy(t *testing.T) {
	spec := func(at string) Spec {
		return Spec{Kind: Proxy, Target: "http://" + at, Connect: "registry.internal:443"}
	}
	var head string
	good := listen(t, func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err == nil {
			head = r.Method + " " + r.Host
			_, _ = io.WriteString(c, "HTTP/1.1 200 "+canary+"\r\n\r\n")
		}
	})
	wants(t, "one that connects", run(t, spec(good), Real()), OK)
	if head != "CONNECT registry.internal:443" {
		t.Errorf("it was asked %q", head)
	}
	for answer, want := range map[string]Reason{
		"HTTP/1.1 407 " + canary + "\r\n\r\n": ProxyDenied,
		"HTTP/1.1 403 no\r\n\r\n":             ProxyDenied,
		"HTTP/1.1 502 no\r\n\r\n":             Status,
		"SSH-2.0-" + canary + "\r\n":          NotHTTP,
		"":                                    Closed,
		"HTTP/1.1 103 hint\r\n\r\nHTTP/1.1 200 OK\r\n\r\n": OK,
		"HTTP/1.1 200 OK\r\n\r\n220 " + canary + "\r\n":    OK, // a server that speaks first
	} {
		wants(t, fmt.Sprintf("%q", answer), run(t, spec(listen(t, says(answer))), Real()), want)
	}
	s := spec(listen(t, says("HTTP/1.1 407 no\r\n\r\n")))
	s.Statuses = []int{200, 407}
	wants(t, "one that wants credentials, and may", run(t, s, Real()), OK)
	wants(t, "none", run(t, spec(closed(t)), Real()), Refused)
	s = spec(listen(t, silent))
	s.Timeout = 50 * time.Millisecond
	wants(t, "one that is silent", run(t, s, Real()), Timeout)
}

func TestClock(t *testing.T) {
	ahead := time.Duration(0)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(-ahead).UTC().Format(http.TimeFormat))
		w.WriteHeader(404)
	}))
	defer s.Close()
	for by, want := range map[time.Duration]Reason{
		0: OK, 20 * time.Second: OK, time.Minute: Skewed, -time.Minute: Skewed, 40 * 24 * time.Hour: Skewed,
	} {
		ahead = by
		f := run(t, Spec{Kind: Clock, Target: s.URL}, Real())
		wants(t, by.String(), f, want)
		if f.Value == nil || *f.Value < by.Seconds()-2 || *f.Value > by.Seconds()+2 {
			t.Errorf("%s ahead is measured as %v", by, f.Value)
		}
	}
	noDate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header()["Date"] = nil }))
	defer noDate.Close()
	wants(t, "a server without a Date", run(t, Spec{Kind: Clock, Target: noDate.URL}, Real()), NotHTTP)
	for _, state := range []Reason{OK, Unsynchronized, Unmeasurable} {
		sys := Real()
		sys.ClockState = func() Reason { return state }
		wants(t, "the kernel", run(t, Spec{Kind: Clock}, sys), state)
	}
}

func TestDiskAndInode(t *testing.T) {
	fs := FileSystem{Used: 50, Available: 50, Inodes: 100, FreeNodes: 50}
	for _, c := range []struct {
		kind Kind
		edit func(*FileSystem)
		want Reason
	}{
		{Disk, func(*FileSystem) {}, OK},
		{Disk, func(f *FileSystem) { f.Available = 5 }, Low},
		{Disk, func(f *FileSystem) { f.Available = 1 }, Full},
		{Disk, func(f *FileSystem) { f.Available = 0 }, Full},
		{Disk, func(f *FileSystem) { f.ReadOnly = true }, ReadOnly},
		{Disk, func(f *FileSystem) { f.FreeNodes = 0 }, OK},
		{Disk, func(f *FileSystem) { *f = FileSystem{} }, Unmeasurable},
		{Inode, func(*FileSystem) {}, OK},
		{Inode, func(f *FileSystem) { f.Available = 0 }, OK},
		{Inode, func(f *FileSystem) { f.FreeNodes = 5 }, Low},
		{Inode, func(f *FileSystem) { f.FreeNodes = 0 }, Full},
		{Inode, func(f *FileSystem) { f.Inodes, f.FreeNodes = 0, 0 }, Unmeasurable},
	} {
		sys := Real()
		sys.FileSystem = func(string) (FileSystem, error) { f := fs; c.edit(&f); return f, nil }
		wants(t, fmt.Sprintf("%s %+v", c.kind, c.want), run(t, Spec{Kind: c.kind, Target: "/data"}, sys), c.want)
	}
	for _, k := range []Kind{Disk, Inode} {
		wants(t, "nowhere", run(t, Spec{Kind: k, Target: filepath.Join(t.TempDir(), "gone")}, Real()), Missing)
	}
	f := run(t, Spec{Kind: Disk, Target: t.TempDir(), FailBelow: 1e-9, WarnBelow: 1e-9}, Real())
	if f.Reason != OK || f.Value == nil || *f.Value <= 0 || *f.Value > 1 {
		t.Errorf("this machine's disk: %+v", f)
	}
}

func TestMemory(t *testing.T) {
	const group, first = "/sys/fs/cgroup/shop", "/sys/fs/cgroup/memory/shop"
	machine := map[string]string{
		"/proc/meminfo":         "MemTotal:       1000 kB\nMemFree:  1 kB\nMemAvailable:    500 kB\n",
		"/proc/pressure/memory": "some avg10=90.00 avg60=90.00 avg300=90.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
		group + "/memory.max":   "1000\n", group + "/memory.current": "700\n",
		group + "/memory.stat":     "anon 100\ninactive_file 200\n",
		group + "/memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
		// The first version: without pressure, and with files of the groups below.
		first + "/memory.limit_in_bytes": "1000\n", first + "/memory.usage_in_bytes": "700\n",
		first + "/memory.stat": "cache 300\nrss 400\ninactive_file 7\ntotal_cache 300\ntotal_inactive_file 200\n",
	}
	for _, c := range []struct {
		what, target string
		edit         map[string]string
		want         Reason
		value        float64
	}{
		{"a machine with room", "", nil, OK, 0.5},
		{"a machine with little", "", map[string]string{"/proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 50 kB\n"}, Low, 0.05},
		{"a machine without", "", map[string]string{"/proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 10 kB\n"}, Full, 0.01},
		{"a machine that waits", "", map[string]string{"/proc/pressure/memory": "full avg10=0.00 avg60=25.10 avg300=0.00 total=1\n"}, Pressure, 0.5},
		{"a kernel without pressure", "", map[string]string{"/proc/pressure/memory": ""}, OK, 0.5},
		{"a machine that says nothing", "", map[string]string{"/proc/meminfo": ""}, Unmeasurable, -1},
		{"a group with room", group, nil, OK, 0.5},
		{"a group at its limit", group, map[string]string{group + "/memory.current": "995\n", group + "/memory.stat": "inactive_file 0\n"}, Full, 0.005},
		{"a group whose use is files", group, map[string]string{group + "/memory.current": "990\n", group + "/memory.stat": "inactive_file 900\n"}, OK, 0.91},
		{"a group without a limit", group, map[string]string{group + "/memory.max": "max\n"}, OK, 0.5},
		{"a group that waits", group, map[string]string{group + "/memory.pressure": "full avg10=0.00 avg60=10.00 avg300=0.00 total=1\n"}, Pressure, 0.5},
		{"a group that is gone", group, map[string]string{group + "/memory.current": ""}, Missing, -1},
		{"a group of the first version", first, nil, OK, 0.5},
		{"one at its limit", first, map[string]string{first + "/memory.usage_in_bytes": "995\n", first + "/memory.stat": "total_inactive_file 0\n"}, Full, 0.005},
		{"one with little", first, map[string]string{first + "/memory.usage_in_bytes": "950\n", first + "/memory.stat": "total_inactive_file 0\n"}, Low, 0.05},
		{"one whose use is files", first, map[string]string{first + "/memory.usage_in_bytes": "990\n", first + "/memory.stat": "total_inactive_file 900\n"}, OK, 0.91},
		{"one without a limit", first, map[string]string{first + "/memory.limit_in_bytes": "9223372036854771712\n"}, OK, 0.5},
		{"one that is gone", first, map[string]string{first + "/memory.usage_in_bytes": ""}, Missing, -1},
	} {
		sys := Real()
		sys.ReadFile = func(name string) ([]byte, error) {
			text, ok := c.edit[name]
			if !ok {
				text = machine[name]
			}
			if text == "" {
				return nil, os.ErrNotExist
			}
			return []byte(text), nil
		}
		f := run(t, Spec{Kind: Memory, Target: c.target}, sys)
		wants(t, c.what, f, c.want)
		if (f.Value == nil) != (c.value < 0) || f.Value != nil && (*f.Value < c.value-1e-9 || *f.Value > c.value+1e-9) {
			t.Errorf("%s: measured %v, want %v", c.what, f.Value, c.value)
		}
	}
	if f := run(t, Spec{Kind: Memory}, Real()); f.Value == nil || *f.Value <= 0 {
		t.Errorf("this machine's memory: %+v", f)
	}
}

// The group that bounds this process is found in both versions, in containers
// that see their own groups at the top, and not where there is no limit.
func TestOwnGroup(t *testing.T) {
	const root, v1 = "/sys/fs/cgroup", "/sys/fs/cgroup/memory"
	const none1, none2 = "9223372036854771712\n", "max\n"
	for _, c := range []struct {
		what, groups, want string
		files              map[string]string
	}{
		{"the second version", "0::/system.slice/weir.service\n", root + "/system.slice/weir.service",
			map[string]string{root + "/system.slice/weir.service/memory.current": "1\n", root + "/system.slice/weir.service/memory.max": "1000\n"}},
		{"without a limit", "0::/weir\n", "", map[string]string{root + "/weir/memory.current": "1\n", root + "/weir/memory.max": none2}},
		{"a container", "0::/../../kubepods/pod\n", root, map[string]string{root + "/memory.current": "1\n", root + "/memory.max": "1000\n"}},
		{"the first version", "5:cpu,cpuacct:/weir\n4:memory:/system.slice/weir.service\n1:name=systemd:/weir\n0::/\n", v1 + "/system.slice/weir.service",
			map[string]string{v1 + "/system.slice/weir.service/memory.usage_in_bytes": "1\n", v1 + "/system.slice/weir.service/memory.limit_in_bytes": "1000\n"}},
		{"the first version without a limit", "4:memory:/weir\n0::/\n", "",
			map[string]string{v1 + "/weir/memory.usage_in_bytes": "1\n", v1 + "/weir/memory.limit_in_bytes": none1}},
		{"a container of the first version", "4:memory:/docker/0123\n", v1,
			map[string]string{v1 + "/memory.usage_in_bytes": "1\n", v1 + "/memory.limit_in_bytes": "1000\n"}},
		{"two controllers together", "4:hugetlb,memory:/weir\n", v1 + "/weir",
			map[string]string{v1 + "/weir/memory.usage_in_bytes": "1\n", v1 + "/weir/memory.limit_in_bytes": "1000\n"}},
		{"no control groups", "", "", nil},
		{"nonsense", "memory\n:::\n4:memory\n", "", nil},
	} {
		sys := System{ReadFile: func(name string) ([]byte, error) {
			if name == "/proc/self/cgroup" && c.groups != "" {
				return []byte(c.groups), nil
			}
			if text, ok := c.files[name]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		}}
		if got := sys.OwnGroup(); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}
