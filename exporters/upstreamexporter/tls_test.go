package upstreamexporter

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

var taken = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// try posts one report and returns the reason why there is no answer, or "".
func try(t *testing.T, c *client, destination string) string {
	t.Helper()
	a, err := c.post(t.Context(), destination, "", []byte("report"), time.Now)
	if err != nil {
		return err.Error()
	}
	require.Equal(t, 200, a.status)
	return ""
}

func TestOneOfThePinnedKeysMustBeInTheChain(t *testing.T) {
	a := newAuthority(t)
	leaf := a.issue(time.Now().Add(time.Hour), "127.0.0.1")
	s := serveTLS(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{leaf}}, taken)
	next := a.issue(time.Now().Add(time.Hour), "127.0.0.1")
	ofLeaf, ofCA, ofNext := pinOf(t, leaf.Certificate[0]), pinOf(t, a.cert.Raw), pinOf(t, next.Certificate[0])
	for what, c := range map[string]struct {
		pins []string
		want string
	}{
		"the destination's":       {[]string{ofLeaf}, ""},
		"the authority's":         {[]string{ofCA}, ""},
		"the next one's first":    {[]string{ofNext, ofLeaf}, ""},
		"another key of the same": {[]string{ofNext}, "pin"},
	} {
		assert.Equal(t, c.want, try(t, testClient(t, TLSConfig{CAFile: a.file, Pins: c.pins}), s.URL), what)
	}
	other := newAuthority(t)
	assert.Equal(t, "tls", try(t, testClient(t, TLSConfig{CAFile: other.file, Pins: []string{ofLeaf}}), s.URL), "a pin does not stand in for the chain")
}

func TestAPinIsWrittenInOneWay(t *testing.T) {
	good := pinOf(t, newAuthority(t).cert.Raw)
	for _, bad := range []string{"", "sha256/", good[len(pinPrefix):], "sha1/" + good[7:], good + "=", good[:20], "sha256//" + good[7:]} {
		cfg := createDefaultConfig().(*Config)
		cfg.TLS.Pins = []string{good, bad}
		assert.ErrorContains(t, cfg.Validate(), "tls::pins[1]: write sha256/", bad)
	}
}

// TestACertificateThatIsReplacedNeedsNoRestart: one that ran out during an
// outage is refused by the server, costs no report, and its successor is used.
func TestACertificateThatIsReplacedNeedsNoRestart(t *testing.T) {
	a := newAuthority(t)
	clients := x509.NewCertPool()
	clients.AddCert(a.cert)
	s := serveTLS(t, "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{a.issue(time.Now().Add(time.Hour), "127.0.0.1")},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: clients,
	}, taken)
	assert.Equal(t, "tls", try(t, testClient(t, TLSConfig{CAFile: a.file}), s.URL), "without one")

	files := a.save(a.issue(time.Now().Add(-time.Minute)), TLSConfig{CAFile: a.file})
	e := prepareEdge(t, t.TempDir(), s.URL)
	e.cfg.TLS = files
	require.NoError(t, e.start())
	defer func() { _ = e.Shutdown(t.Context()) }()
	e.reports(1, 3)
	require.Eventually(t, func() bool { return e.counter("weir_upstream_retries", "reason", "tls") > 2 }, 10*time.Second, time.Millisecond)
	assert.EqualValues(t, 3, e.counter("weir_upstream_pending_reports", "", ""))
	a.save(a.issue(time.Now().Add(time.Hour)), files)
	e.settled(3)
	assert.EqualValues(t, 3, e.counter("weir_upstream_reports", "outcome", "acknowledged"))
}

func TestAServersCertificateThatRanOutIsRefused(t *testing.T) {
	a := newAuthority(t)
	s := serveTLS(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{a.issue(time.Now().Add(-time.Minute), "127.0.0.1")}}, taken)
	assert.Equal(t, "tls", try(t, testClient(t, TLSConfig{CAFile: a.file}), s.URL))
	s = serveTLS(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{a.issue(time.Now().Add(time.Hour), "127.0.0.2")}}, taken)
	assert.Equal(t, "tls", try(t, testClient(t, TLSConfig{CAFile: a.file}), s.URL), "another's name")
}

func TestIPv6LiteralsAreReached(t *testing.T) {
	a := newAuthority(t)
	s := serveTLS(t, "[::1]:0", &tls.Config{Certificates: []tls.Certificate{a.issue(time.Now().Add(time.Hour), "::1")}}, taken)
	e := prepareEdge(t, t.TempDir(), s.URL)
	e.cfg.TLS.CAFile = a.file
	require.NoError(t, e.start())
	defer func() { _ = e.Shutdown(t.Context()) }()
	e.reports(1, 1)
	e.settled(1)
	assert.Contains(t, e.records()[2].Destination, "https://[::1]:")
}

// TestEitherFamilyWillDo: a name has an address of both, and only one of them
// answers.
func TestEitherFamilyWillDo(t *testing.T) {
	a := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{a.issue(time.Now().Add(time.Hour), "fleet.example")}}
	cfg := createDefaultConfig().(*Config)
	cfg.TLS.CAFile = a.file
	c, err := newClient(cfg, (&net.Dialer{Resolver: resolver(t)}).DialContext)
	require.NoError(t, err)
	defer c.close()
	for _, listen := range []string{"[::1]:0", "127.0.0.1:0"} {
		s := serveTLS(t, listen, config, taken)
		_, port, err := net.SplitHostPort(s.Listener.Addr().String())
		require.NoError(t, err)
		assert.Equal(t, "", try(t, c, "https://fleet.example:"+port), listen)
	}
	assert.Equal(t, "name", try(t, c, "https://other.example"))
}

// resolver knows fleet.example, by both of loopback's addresses.
func resolver(t *testing.T) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	go func() {
		for b := make([]byte, 1500); ; {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Additionals = true, nil
			h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}
			switch {
			case q.Name.String() != "fleet.example.":
				m.RCode = dnsmessage.RCodeNameError
			case q.Type == dnsmessage.TypeA:
				m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
			case q.Type == dnsmessage.TypeAAAA:
				m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AAAAResource{AAAA: [16]byte(net.IPv6loopback)}}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = server.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}
