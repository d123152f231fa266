package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for the tests.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, file: filepath.Join(t.TempDir(), "ca.pem")}
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: canary}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().AddDate(-2, 0, 0), NotAfter: time.Now().AddDate(10, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) issue(name string, from, until time.Duration) tls.Certificate {
	a.t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: canary}, DNSNames: []string{name},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(name); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serve speaks TLS with a certificate, and answers 200 to whoever asks.
func serve(t *testing.T, c *tls.Config) string {
	t.Helper()
	return listen(t, func(raw net.Conn) {
		conn := tls.Server(raw, c)
		if conn.Handshake() == nil {
			says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(conn)
		}
		conn.Close()
	})
}

const day = 24 * time.Hour

func TestCertificates(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		cert tls.Certificate
		edit func(*Spec)
		want Reason
		left time.Duration
	}{
		{"a good one", ca.issue("127.0.0.1", -day, 90*day), nil, OK, 90 * day},
		{"one that ends soon", ca.issue("127.0.0.1", -day, 10*day), nil, CertificateExpiring, 10 * day},
		{"one that ends soon, of which that is known", ca.issue("127.0.0.1", -day, 10*day), func(s *Spec) { s.ExpiresWithin = 5 * day }, OK, 10 * day},
		{"one that has ended", ca.issue("127.0.0.1", -30*day, -day), nil, CertificateExpired, -day},
		{"one of tomorrow", ca.issue("127.0.0.1", day, 90*day), nil, CertificateNotYetValid, 90 * day},
		{"another's", ca.issue("shop.example", -day, 90*day), nil, CertificateName, 90 * day},
		{"another's, who is meant", ca.issue("shop.example", -day, 90*day), func(s *Spec) { s.ServerName = "shop.example" }, OK, 90 * day},
		{"a stranger's", stranger.issue("127.0.0.1", -day, 90*day), nil, CertificateUntrusted, 90 * day},
		{"a stranger's that has ended", stranger.issue("127.0.0.1", -30*day, -day), nil, CertificateExpired, -day},
		{"no authorities", ca.issue("127.0.0.1", -day, 90*day), func(s *Spec) { s.CAFile = filepath.Join(t.TempDir(), "gone.pem") }, AuthoritiesUnreadable, 0},
		{"broken authorities", ca.issue("127.0.0.1", -day, 90*day), func(s *Spec) { s.CAFile = junk }, AuthoritiesUnreadable, 0},
	} {
		at := serve(t, &tls.Config{Certificates: []tls.Certificate{c.cert}})
		for _, s := range []Spec{{Kind: TLS, Target: at}, {Kind: HTTP, Target: "https://" + at + "/"}} {
			s.CAFile = ca.file
			if c.edit != nil {
				c.edit(&s)
			}
			if s.ServerName != "" && s.Kind == HTTP {
				continue
			}
			f := run(t, s, Real())
			wants(t, string(s.Kind)+", "+c.what, f, c.want)
			if c.left != 0 && (f.Value == nil || *f.Value < c.left.Seconds()-60 || *f.Value > c.left.Seconds()+60) {
				t.Errorf("%s, %s: %v s left, want %v", s.Kind, c.what, f.Value, c.left.Seconds())
			}
		}
	}
}

// A server that wants our certificate shows its own first.
func TestAServerThatWantsACertificateHasShownItsOwn(t *testing.T) {
	ca := newAuthority(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		at := serve(t, &tls.Config{MaxVersion: version, Certificates: []tls.Certificate{ca.issue("127.0.0.1", -30*day, -day)}, ClientAuth: tls.RequireAnyClientCert})
		wants(t, tls.VersionName(version), run(t, Spec{Kind: TLS, Target: at, CAFile: ca.file}, Real()), CertificateExpired)
		wants(t, "http over "+tls.VersionName(version), run(t, Spec{Kind: HTTP, Target: "https://" + at, CAFile: ca.file}, Real()), CertificateExpired)
	}
}

func TestWhatIsNoTLS(t *testing.T) {
	wants(t, "plain text", run(t, Spec{Kind: TLS, Target: listen(t, func(c net.Conn) { _, _ = c.Write([]byte("220 " + canary + "\r\n")) })}, Real()), NotTLS)
	wants(t, "an old version", run(t, Spec{Kind: TLS, Target: serve(t, &tls.Config{MaxVersion: tls.VersionTLS11, Certificates: []tls.Certificate{newAuthority(t).issue("127.0.0.1", -day, day)}})}, Real()), NotTLS)
	wants(t, "silence", run(t, Spec{Kind: TLS, Target: listen(t, silent), Timeout: 50 * time.Millisecond}, Real()), Timeout)
	wants(t, "nobody", run(t, Spec{Kind: TLS, Target: closed(t)}, Real()), Refused)
}

func TestAProxyOverTLS(t *testing.T) {
	ca := newAuthority(t)
	for cert, want := range map[*tls.Certificate]Reason{
		new(ca.issue("127.0.0.1", -day, 90*day)):   OK,
		new(ca.issue("127.0.0.1", -30*day, -day)):  CertificateExpired,
		new(ca.issue("127.0.0.1", -30*day, 3*day)): OK,
	} {
		at := serve(t, &tls.Config{Certificates: []tls.Certificate{*cert}})
		wants(t, string(want), run(t, Spec{Kind: Proxy, Target: "https://" + at, Connect: "registry.internal:443", CAFile: ca.file}, Real()), want)
	}
}

// An old date of a server over TLS is that of its clock, not of its certificate.
func TestTheClockIsReadBesideAnExpiredCertificate(t *testing.T) {
	ca := newAuthority(t)
	at := listen(t, func(raw net.Conn) {
		conn := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{ca.issue("127.0.0.1", -30*day, -day)}})
		says("HTTP/1.1 200 OK\r\nDate: " + time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) + "\r\nContent-Length: 0\r\n\r\n")(conn)
	})
	f := run(t, Spec{Kind: Clock, Target: "https://" + at, CAFile: ca.file}, Real())
	wants(t, "an hour", f, Skewed)
}

func TestEveryReasonHasWordsAndOneMeaning(t *testing.T) {
	seen := map[Reason]bool{}
	for _, r := range Reasons() {
		if seen[r] || r.Words() == "" || r == "" || strings.ContainsAny(string(r), " .") {
			t.Errorf("reason %q: %q", r, r.Words())
		}
		seen[r] = true
	}
	if Reason(canary).Outcome() != Unknown || Reason(canary).Words() != "" {
		t.Error("a word that is no reason comes to something")
	}
}
