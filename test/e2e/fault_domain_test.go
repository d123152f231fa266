package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/weir-telemetry/weir/vitals/fault"
)

// faultEdge is an edge that looks five times a second at what is listed.
type faultEdge struct {
	*node
	probes string // the file that lists it
}

func newFaultEdge(t *testing.T, policy string, probes ...string) *faultEdge {
	t.Helper()
	n := newEdge(t, policy)
	n.env = append(n.env, "WEIR_RESPONSIBILITIES="+filepath.Join(root, "config", "responsibilities", "shop.yaml"))
	text := "connectors:\n  vitals:\n    interval: 1s\n    probe_interval: 200ms\n    probes:\n"
	for _, p := range probes {
		text += "      - " + p + "\n"
	}
	e := &faultEdge{n, filepath.Join(t.TempDir(), "probes.yaml")}
	if err := os.WriteFile(e.probes, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return e
}

func (n *faultEdge) begin() { n.launch("--config", n.probes) }

// fault is the evidence as it stands.
func (n *faultEdge) fault() (fault.Report, error) {
	var r fault.Report
	data, err := os.ReadFile(fault.File(n.data))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	return r, err
}

// judges waits for a verdict, and returns the evidence.
func (n *faultEdge) judges(what, want string) fault.Report {
	n.t.Helper()
	return n.judgesWithin(20*time.Second, what, want)
}

func (n *faultEdge) judgesWithin(within time.Duration, what, want string) (r fault.Report) {
	n.t.Helper()
	n.eventually(what+": "+want, within, func() (err error) {
		if r, err = n.fault(); err != nil {
			return err
		}
		if got := string(r.Domain) + "/" + string(r.Owner); got != want {
			return fmt.Errorf("it is %s, by %+v", got, r.Signs)
		}
		return nil
	})
	return r
}

// service listens at one address, which it keeps while it is stopped.
type service struct {
	t       *testing.T
	address string
	serve   func(net.Conn)
	l       net.Listener
}

func newService(t *testing.T, serve func(net.Conn)) *service {
	t.Helper()
	s := &service{t: t, address: freePort(t), serve: serve}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *service) start() {
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.l = l
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(5 * time.Second))
				s.serve(c)
			}()
		}
	}()
}

func (s *service) stop() { _ = s.l.Close() }

// answers reads a request's head and writes what text says.
func answers(text func() string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, text())
		}
	}
}

// certificate signs itself, for 127.0.0.1, until so long from now.
func certificate(t *testing.T, until time.Duration) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().Add(until),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// nameServer answers every question for an address with 127.0.0.1.
func nameServer(c net.PacketConn) {
	b := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(b[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		m.Response, m.Additionals = true, nil
		if q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
		}
		if out, err := m.Pack(); err == nil {
			_, _ = c.WriteTo(out, from)
		}
	}
}

// requests are spans of a service that served n requests, of which some failed.
func requests(t *testing.T, n, failed int) []byte {
	t.Helper()
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "cart")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	for i := range n {
		s := spans.AppendEmpty()
		s.SetKind(ptrace.SpanKindServer)
		if i < failed {
			s.Status().SetCode(ptrace.StatusCodeError)
		}
	}
	body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// Each thing is broken and mended, and each time the verdict and its owner come
// and go, as the evidence says and as a metric.
func TestWhatBreaksIsNamedWithItsOwnerUntilItIsMended(t *testing.T) {
	t.Parallel()
	database := newService(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	var status, ahead atomic.Int64
	status.Store(http.StatusOK)
	payments := newService(t, answers(func() string { return fmt.Sprintf("HTTP/1.1 %d Jannike\r\nContent-Length: 0\r\n\r\n", status.Load()) }))
	clock := newService(t, answers(func() string {
		date := time.Now().Add(-time.Duration(ahead.Load())).UTC().Format(http.TimeFormat)
		return "HTTP/1.1 200 OK\r\nDate: " + date + "\r\nContent-Length: 0\r\n\r\n"
	}))
	proxy := newService(t, answers(func() string { return "HTTP/1.1 200 OK\r\n\r\n" }))
	var shown atomic.Pointer[tls.Certificate]
	authorities := filepath.Join(t.TempDir(), "ca.pem")
	certs, pems := map[string]*tls.Certificate{}, []byte{}
	for name, until := range map[string]time.Duration{"good": 90 * 24 * time.Hour, "expiring": 48 * time.Hour, "expired": -time.Hour} {
		c, text := certificate(t, until)
		certs[name], pems = &c, append(pems, text...)
	}
	if err := os.WriteFile(authorities, pems, 0o600); err != nil {
		t.Fatal(err)
	}
	shown.Store(certs["good"])
	front := newService(t, func(c net.Conn) {
		_ = tls.Server(c, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return shown.Load(), nil }}).Handshake()
	})
	var names net.PacketConn
	resolver := freePort(t)
	startNames := func() {
		var err error
		if names, err = net.ListenPacket("udp", resolver); err != nil {
			t.Fatal(err)
		}
		go nameServer(names)
	}
	startNames()
	defer func() { names.Close() }()

	n := newFaultEdge(t, "",
		fmt.Sprintf(`{name: name-server, kind: dns, target: db.internal, resolver: "%s"}`, resolver),
		fmt.Sprintf(`{name: database, kind: tcp, target: "%s"}`, database.address),
		fmt.Sprintf(`{name: payments, kind: http, target: "http://%s/healthz"}`, payments.address),
		fmt.Sprintf(`{name: backup, kind: http, target: "http://%s/backup", statuses: [200, 503], owner: backups}`, payments.address),
		fmt.Sprintf(`{name: front, kind: tls, target: "%s", ca_file: "%s"}`, front.address, authorities),
		fmt.Sprintf(`{name: proxy, kind: proxy, target: "http://%s", connect: "payments.internal:443"}`, proxy.address),
		fmt.Sprintf(`{name: time, kind: clock, target: "http://%s", max_skew: 10s}`, clock.address),
	)
	n.begin()
	n.ready()
	n.judges("at the start", "none/none")

	for _, c := range []struct {
		what, verdict, probe, reason, contact string
		breakIt, mend                         func()
	}{
		{"the database is stopped", "dependency/infrastructure", "database", "refused", "Platform team", database.stop, database.start},
		{"payments are ill", "dependency/infrastructure", "payments", "status", "Platform team", func() { status.Store(503) }, func() { status.Store(200) }},
		{"the backup answers nonsense", "dependency/backups", "backup", "status", "Storage team", func() { status.Store(204) }, func() { status.Store(200) }},
		{"the certificate has expired", "dependency/certificates", "front", "certificate_expired", "Security office",
			func() { shown.Store(certs["expired"]) }, func() { shown.Store(certs["good"]) }},
		{"the name server is stopped", "network/infrastructure", "name-server", "no_resolver", "Platform team", func() { names.Close() }, startNames},
		{"the proxy is stopped", "network/infrastructure", "proxy", "refused", "Platform team", proxy.stop, proxy.start},
		{"the clock is wrong", "host/infrastructure", "time", "skewed", "Platform team", func() { ahead.Store(int64(time.Hour)) }, func() { ahead.Store(0) }},
	} {
		c.breakIt()
		r := n.judges(c.what, c.verdict)
		found := false
		for _, s := range r.Signs {
			found = found || s.Name == c.probe && s.Reason == c.reason
		}
		if !found || r.Contact == nil || r.Contact.Who != c.contact {
			t.Errorf("%s: signs %+v, contact %+v; want %s of %s, and %s", c.what, r.Signs, r.Contact, c.reason, c.probe, c.contact)
		}
		domain, owner, _ := strings.Cut(c.verdict, "/")
		n.eventually(c.what+": the metric", 10*time.Second, func() error {
			_, err := one(n.prom(fmt.Sprintf(`weir_fault_domain{weir_fault_domain="%s",weir_fault_owner="%s"} == 1`, domain, owner)))
			return err
		})
		c.mend()
		n.judges(c.what+" no more", "none/none")
	}

	// An end that is near is a warning with its owner, and no verdict.
	shown.Store(certs["expiring"])
	n.eventually("the certificate is about to expire", 10*time.Second, func() error {
		r, err := n.fault()
		for _, w := range r.Warnings {
			if w.Name == "front" && w.Reason == "certificate_expiring" && w.Owner == "certificates" && r.Domain == fault.None {
				return nil
			}
		}
		return fmt.Errorf("%w, warnings %+v, %s", err, r.Warnings, r.Domain)
	})
	n.eventually("the time that it has left", 10*time.Second, func() error {
		_, err := one(n.prom(`weir_probe_tls_expiry_seconds{weir_probe_name="front"} < 172801 > 172000`))
		return err
	})

	// The product's own: its requests fail, and no longer.
	send := func(all, failed int) {
		if status, answer := post(t, "http://"+n.otlp+"/v1/traces", protobuf, requests(t, all, failed)); status != 200 {
			t.Fatalf("spans: %d %s", status, answer)
		}
	}
	send(1, 0) // from here on there is a count to grow
	n.eventually("the service is known", 10*time.Second, func() error {
		_, err := one(n.prom(`sum(weir_service_requests_total{service_name="cart"}) > 0`))
		return err
	})
	send(40, 40)
	if r := n.judges("requests fail", "product/application"); r.Failing[0].Name != "cart" || r.Contact.Who != "Shop operations" {
		t.Errorf("failing %+v, contact %+v", r.Failing, r.Contact)
	}
	send(2000, 0)
	r := n.judges("requests are well", "none/none")
	if len(r.Changes) != 16 {
		t.Errorf("%d changes are remembered, want 16", len(r.Changes))
	}
	if text := fmt.Sprintf("%+v%s", r, n.out.String()); strings.Contains(text, "Jannike") {
		t.Error("what a server said is repeated")
	}
	n.stop()
}

// What the fleet sees is the domain and the owner: neither what a probe is
// called and looks at, nor whom to call.
func TestTheFleetSeesWhoseAFaultIsAndNothingElseOfIt(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	text, err := os.ReadFile(filepath.Join(root, "policies", "sample-shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	policy, contacts, folder := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "contacts.yaml"), filepath.Join(dir, mark)
	sample, err := os.ReadFile(filepath.Join(root, "config", "responsibilities", "shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{
		policy:   strings.NewReplacer("https://127.0.0.1:4418", "http://"+f.otlp, "interval: 5s", "interval: 1s").Replace(string(text)),
		contacts: strings.NewReplacer("Storage team", mark, "storage@shop.example", mark+"@shop.example").Replace(string(sample)),
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	f.env = append(f.env, "WEIR_FLEET_POLICIES="+policy, "WEIR_FLEET_STATE="+filepath.Join(dir, "state"))
	f.launch("--set=extensions::local_store::rules::interval=1s")
	f.ready()
	e := newFaultEdge(t, policy, fmt.Sprintf(`{name: "%s", kind: disk, target: "%s", owner: backups}`, mark, folder))
	e.env = append(e.env, "WEIR_RESPONSIBILITIES="+contacts)
	if _, exit := e.run("policy", "accept", policy, "--by", "tester", "--reason", "fault domain"); exit != 0 {
		t.Fatalf("policy accept: exit %d", exit)
	}
	e.begin()
	e.ready()
	knows := func(domain, owner string) {
		t.Helper()
		f.eventually("the fleet knows of "+domain, 30*time.Second, func() error {
			if _, err := one(f.prom(`weir_fault_domain{weir_install_id!=""} == 1`)); err != nil {
				return err
			}
			_, err := one(f.prom(fmt.Sprintf(`weir_fault_domain{weir_fault_domain="%s",weir_fault_owner="%s",weir_install_id!=""} == 1`, domain, owner)))
			return err
		})
	}
	knows("none", "none")
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	if r := e.judges("the folder is gone", "host/backups"); r.Contact == nil || r.Contact.Who != mark || r.Signs[0].Name != mark {
		t.Errorf("the evidence at the install: %+v, %+v", r.Contact, r.Signs)
	}
	knows("host", "backups")
	f.eventually("the fleet counts its installs", 30*time.Second, func() error {
		_, err := one(f.prom(`weir:fleet:fault_installs{weir_fault_domain="host",weir_fault_owner="backups"} == 1`))
		return err
	})
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	knows("none", "none")
	if got, err := f.prom(`{__name__=~"weir_probe.*"}`); err != nil || len(got) > 0 {
		t.Errorf("the fleet knows of probes: %v, %v", got, err)
	}
	e.stop()
	f.stop()
	wantNoCanaryIn(t, filepath.Join(e.data, "ledger"))
	wantNoCanary(t, "what the edge says", []byte(e.out.String()))
	wantNoCanaryIn(t, f.data)
	wantNoCanary(t, "what the fleet says", []byte(f.out.String()))
}
