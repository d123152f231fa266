package preflight

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// fleet is a destination with a certificate that ends at a moment, and the file
// of its authority.
func fleet(t *testing.T, end time.Time, config *tls.Config, h http.HandlerFunc) (url, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	from := time.Now().Add(-48 * time.Hour)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: time.Now().Add(1e4 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: from, NotAfter: end, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	require.NoError(t, err)
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
	require.NoError(t, err)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}), 0o600))
	s := httptest.NewUnstartedServer(h)
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{leafDER}, PrivateKey: key}}
	s.TLS = config
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, caFile
}

// sending is a site with a policy that nobody has accepted, for a destination,
// with more lines.
func sending(t *testing.T, destination string, with ...string) *Site {
	t.Helper()
	s := site(t)
	text, err := os.ReadFile("../../policies/sample-shop.yaml")
	require.NoError(t, err)
	p, err := policy.Parse("sample", text)
	require.NoError(t, err)
	text = []byte(strings.Replace(string(text), p.Destination, destination, 1))
	for _, line := range with {
		text = append(text, "\n"+line+"\n"...)
	}
	file := filepath.Join(t.TempDir(), "allowlist.yaml")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	s.Settings.Upstream.Used = true
	s.Settings.Policy = PolicySettings{File: Setting{Value: file, Key: "extensions::policy::file", Variable: "WEIR_POLICY"}, Data: s.Settings.Data.Value}
	require.NoError(t, os.MkdirAll(s.Settings.Data.Value, 0o700))
	return s
}

func (s *Site) look(t *testing.T) []Finding {
	t.Helper()
	s.found = nil
	s.destination(t.Context())
	return s.found
}

// TestTheCertificateOfTheDestinationIsLookedAt: one that is good, one that soon
// ends, one that has ended, and one that nobody here knows.
func TestTheCertificateOfTheDestinationIsLookedAt(t *testing.T) {
	asked := make(chan string, 10)
	h := func(_ http.ResponseWriter, r *http.Request) { asked <- fmt.Sprint(r.Method, " ", r.URL) }
	for _, c := range []struct {
		end      time.Duration
		known    bool
		state    State
		evidence string
	}{
		{100 * 24 * time.Hour, true, Fine, `^as it should be \(for (99|100) days more\)$`},
		{3 * 24 * time.Hour, true, Warning, `^a certificate is about to expire \(for 3 days more\)$`},
		{-24 * time.Hour, true, Missing, `^a certificate has expired \(since 24h0m0s\)$`},
		{100 * 24 * time.Hour, false, Missing, `^no known authority has signed the certificate \(`},
	} {
		url, caFile := fleet(t, time.Now().Add(c.end), &tls.Config{}, h)
		s := sending(t, url)
		if c.known {
			s.Settings.Upstream.CAFile = caFile
		}
		found := s.look(t)
		assert.Equal(t, Fine, only(t, found, "connection").State)
		f := only(t, found, "certificate")
		assert.Equal(t, c.state, f.State, c.evidence)
		assert.Regexp(t, c.evidence, f.Evidence)
		if c.state == Missing {
			assert.Len(t, found, 2, "nobody is asked for the time over a connection that is not trusted")
			continue
		}
		assert.Equal(t, Fine, only(t, found, "clock").State)
		assert.Equal(t, "HEAD /", <-asked)
	}
	assert.Empty(t, asked, "more was asked than the head of one answer")
}

// A fleet that wants a certificate shows its own, and tells no time.
func TestAFleetThatWantsACertificateIsNotAFault(t *testing.T) {
	url, caFile := fleet(t, time.Now().Add(1000*time.Hour), &tls.Config{ClientAuth: tls.RequireAnyClientCert}, nil)
	s := sending(t, url)
	s.Settings.Upstream.CAFile = caFile
	found := s.look(t)
	assert.Equal(t, Fine, only(t, found, "certificate").State)
	f := only(t, found, "clock")
	assert.Equal(t, Unknown, f.State)
	assert.Equal(t, "it tells no time to one without a certificate of its fleet", f.Evidence)
}

func TestAClockThatDiffersFromTheDestinationsIsMissing(t *testing.T) {
	url, caFile := fleet(t, time.Now().Add(1000*time.Hour), &tls.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
	})
	s := sending(t, url)
	s.Settings.Upstream.CAFile = caFile
	f := only(t, s.look(t), "clock")
	assert.Equal(t, Missing, f.State)
	assert.Regexp(t, `^the clock is wrong \(3(599|600)\.\d s ahead\)$`, f.Evidence)
}

func TestNoWayIsSaidAtItsFirstStep(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	found := sending(t, "https://"+l.Addr().String()).look(t)
	require.Len(t, found, 1)
	assert.Equal(t, Missing, found[0].State)
	assert.Equal(t, "connection", found[0].Check)
	assert.Equal(t, "the host answers that nothing listens there", found[0].Evidence)
	assert.NotContains(t, found[0].Fix, "firewall")

	found = sending(t, "https://weir.invalid").look(t) // a name that never exists
	require.Len(t, found, 1)
	assert.Equal(t, "name", found[0].Check)
	assert.Equal(t, Missing, found[0].State)
}

// TestTheWayLeadsThroughTheProxy: it is asked as upstream would ask it, and what
// is behind it is looked at, here a fleet whose name only the proxy knows.
func TestTheWayLeadsThroughTheProxy(t *testing.T) {
	behind, caFile := fleet(t, time.Now().Add(-24*time.Hour), &tls.Config{}, nil)
	var mu sync.Mutex
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, fmt.Sprint(r.Method, " ", r.Host, " ", r.Header))
		mu.Unlock()
		if user, password, _ := basic(r); user != "weir" || password != "let me" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		to, err := net.Dial("tcp", strings.TrimPrefix(behind, "https://"))
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		from, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = from.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		go func() { _, _ = io.Copy(to, from); to.Close() }()
		_, _ = io.Copy(from, to)
		from.Close()
	}))
	defer proxy.Close()
	s := sending(t, "https://fleet.invalid")
	s.Settings.Upstream.CAFile = caFile
	s.Settings.Upstream.Proxy = ProxySettings{URL: proxy.URL, Username: "weir", Password: "let me"}
	found := s.look(t)
	require.Len(t, found, 2, "the name is the proxy's to resolve")
	assert.Equal(t, Fine, only(t, found, "proxy").State, found[0].Evidence)
	f := only(t, found, "certificate")
	assert.Equal(t, Missing, f.State)
	assert.Regexp(t, "^a certificate has expired", f.Evidence)
	mu.Lock()
	for _, one := range asked {
		assert.Regexp(t, `^CONNECT fleet\.invalid:443 map\[Proxy-Authorization:\[Basic \S+\] User-Agent:\[weir\]\]$`, one)
	}
	mu.Unlock()

	s.Settings.Upstream.Proxy.Password = "knock"
	found = s.look(t)
	require.Len(t, found, 1)
	assert.Equal(t, Missing, found[0].State)
	assert.Equal(t, "the proxy denies the connection", found[0].Evidence)
	assert.NotContains(t, fmt.Sprint(found), "knock")
	proxy.Close()
	assert.Equal(t, "the proxy itself cannot be reached", only(t, s.look(t), "proxy").Evidence)
}

func basic(r *http.Request) (user, password string, ok bool) {
	r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
	defer r.Header.Del("Authorization")
	return r.BasicAuth()
}

// Without a policy, without upstream and with Offline nobody is asked.
func TestNobodyIsAskedWithoutReason(t *testing.T) {
	for what, change := range map[string]func(*Site){
		"no policy says where it leads":  func(s *Site) { s.Settings.Policy.File.Value = "" },
		"--offline: nothing is asked":    func(s *Site) { s.Offline = true },
		"no pipeline has the upstream e": func(s *Site) { s.Settings.Upstream.Used = false },
	} {
		s := sending(t, "https://127.0.0.1:1")
		s.System.Dial = func(context.Context, string, string) (net.Conn, error) {
			t.Error(what + ": somebody is asked")
			return nil, os.ErrClosed
		}
		change(s)
		found := s.look(t)
		require.Len(t, found, 1)
		assert.Equal(t, Unknown, found[0].State)
		assert.Contains(t, found[0].Evidence, what)
	}
}

// The policy's state is the edge's, and the look writes nothing down.
func TestThePolicysStateIsTheEdges(t *testing.T) {
	s := sending(t, "https://fleet.example")
	file := s.Settings.Policy.File.Value
	look := func() Finding {
		s.found = nil
		s.policy(context.Background())
		return only(t, s.found, "policy")
	}
	f := look()
	assert.Equal(t, Missing, f.State)
	assert.Equal(t, fmt.Sprintf("weir policy explain %s, then weir policy accept %s", file, file), f.Fix)
	left, err := os.ReadDir(s.Settings.Data.Value)
	require.NoError(t, err)
	assert.Empty(t, left)

	text, err := os.ReadFile(file)
	require.NoError(t, err)
	p, err := policy.Parse(file, text)
	require.NoError(t, err)
	_, err = consent.Accept(vfs.OS, s.Settings.Data.Value, p, "Jane Roe", "reviewed", time.Now())
	require.NoError(t, err)
	f = look()
	assert.Equal(t, Fine, f.State, f.Evidence)
	assert.Contains(t, f.Evidence, "is in force, accepted by ")
	require.NoError(t, os.WriteFile(file, []byte("version: 1\n"), 0o600))
	f = look()
	assert.Equal(t, Missing, f.State)
	assert.Equal(t, "weir policy lint "+file, f.Fix)
	s.Settings.Policy.File.Value = ""
	assert.Equal(t, Warning, look().State)
	s.Settings.Policy.Verifiers = []string{"no key"}
	f = look()
	assert.Equal(t, Missing, f.State)
	assert.Contains(t, f.Evidence, "extensions::policy::verifiers: ")
}

func TestAPolicyThatSoonExpiresIsAWarning(t *testing.T) {
	s := sending(t, "https://fleet.example", "expires: 2040-06-30")
	text, err := os.ReadFile(s.Settings.Policy.File.Value)
	require.NoError(t, err)
	p, err := policy.Parse("expiring", text)
	require.NoError(t, err)
	_, err = consent.Accept(vfs.OS, s.Settings.Data.Value, p, "Jane Roe", "reviewed", time.Now())
	require.NoError(t, err)
	for day, want := range map[int]State{1: Fine, 25: Warning, 40: Missing} {
		s.System.Now = func() time.Time { return time.Date(2040, 6, day, 12, 0, 0, 0, time.UTC) }
		s.found = nil
		s.policy(context.Background())
		f := only(t, s.found, "policy")
		assert.Equal(t, want, f.State, f.Evidence)
	}
}
