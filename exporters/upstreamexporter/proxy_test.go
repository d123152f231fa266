package upstreamexporter

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"net/http/httptest"
)

// connectProxy is a proxy that takes every name for one address.
type connectProxy struct {
	to       string // where it connects, whatever it is asked for
	user     *url.Userinfo
	mu       sync.Mutex
	requests []string
}

func (p *connectProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	_ = r.Header.Write(&b)
	p.mu.Lock()
	p.requests = append(p.requests, r.Method+" "+r.RequestURI+" "+r.Host+"\n"+b.String())
	user := p.user
	p.mu.Unlock()
	if user != nil {
		want, _ := user.Password()
		r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
		if name, got, ok := r.BasicAuth(); !ok || name != user.Username() || got != want {
			http.Error(w, "CANARY-of-the-proxy", http.StatusProxyAuthRequired)
			return
		}
	}
	far, err := net.Dial("tcp", p.to)
	if err != nil {
		http.Error(w, "CANARY-of-the-proxy", http.StatusBadGateway)
		return
	}
	near, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	fmt.Fprint(near, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(far, near); far.Close() }()
	_, _ = io.Copy(near, far)
	near.Close()
}

func (p *connectProxy) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.requests...)
}

func proxyClient(t *testing.T, caFile string, p ProxyConfig) *client {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.TLS.CAFile, cfg.Proxy, cfg.Timeout = caFile, p, 2*time.Second
	require.NoError(t, cfg.Validate())
	c, err := newClient(cfg, nil)
	require.NoError(t, err)
	t.Cleanup(c.close)
	return c
}

// TestTheProxyIsAskedToConnectAndSeesNothingElse: it resolves the name too,
// which does not exist here.
func TestTheProxyIsAskedToConnectAndSeesNothingElse(t *testing.T) {
	a := newAuthority(t)
	s := serveTLS(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{a.issue(time.Now().Add(time.Hour), "fleet.invalid")}}, taken)
	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte("old\n"), 0o600))
	for _, scheme := range []string{"http", "https"} {
		p := &connectProxy{to: s.Listener.Addr().String(), user: url.UserPassword("weir", "se:cret")}
		cfg := ProxyConfig{Username: "weir", PasswordFile: password}
		if scheme == "http" {
			server := httptest.NewServer(p)
			defer server.Close()
			cfg.URL = server.URL
		} else {
			cfg.URL = serveTLS(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{a.issue(time.Now().Add(time.Hour), "127.0.0.1")}}, p).URL
			cfg.CAFile = a.file
		}
		require.NoError(t, os.WriteFile(password, []byte("old\n"), 0o600))
		c := proxyClient(t, a.file, cfg)
		assert.Equal(t, "proxy_denied", try(t, c, "https://fleet.invalid"))
		require.NoError(t, os.WriteFile(password, []byte("se:cret\n"), 0o600))
		assert.Equal(t, "", try(t, c, "https://fleet.invalid"), "the file is read anew")
		assert.Equal(t, "CONNECT fleet.invalid:443 fleet.invalid:443\nProxy-Authorization: Basic d2VpcjpzZTpjcmV0\r\nUser-Agent: weir\r\n", p.asked()[1])
		assert.Equal(t, "tls", try(t, c, "https://elsewhere.invalid"), "the destination's certificate is checked through the proxy")
		before := len(p.asked())
		plain := newFleet(t)
		assert.Equal(t, "", try(t, c, plain.URL))
		assert.Len(t, p.asked(), before, "loopback is reached directly")
	}
}

func TestAProxyThatMisbehavesIsAFaultWithAName(t *testing.T) {
	a := newAuthority(t)
	for what, c := range map[string]struct {
		says string
		want string
	}{
		"407":               {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "proxy_denied"},
		"403":               {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "proxy_denied"},
		"502":               {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "proxy"},
		"redirect":          {"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.invalid/\r\n\r\n", "proxy"},
		"garbage":           {"\x16\x03\x01 CANARY\r\n\r\n", "proxy"},
		"endless":           {"HTTP/1.1 200 OK\r\nX-CANARY: " + strings.Repeat("x", 1<<20), "proxy"},
		"speaks first":      {"HTTP/1.1 200 OK\r\n\r\nCANARY", "proxy"},
		"no TLS behind it":  {"HTTP/1.1 200 OK\r\n\r\n", "timeout"},
		"silence":           {"", "timeout"},
		"half an answer":    {"HTTP/1.1 200 OK\r\n", "timeout"},
		"drops at once":     {"close", "proxy"},
		"nobody is at home": {"refuse", "proxy"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			if c.says == "refuse" {
				l.Close()
			}
			done := make(chan struct{})
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				if c.says == "close" {
					return
				}
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = io.WriteString(conn, c.says)
				<-done
			}()
			defer close(done)
			client := proxyClient(t, a.file, ProxyConfig{URL: "http://" + l.Addr().String(), Username: "u", Password: "CANARY-secret"})
			client.timeout, client.http.Timeout = 500*time.Millisecond, time.Second
			_, err = client.post(t.Context(), "https://fleet.invalid", "", []byte("report"), time.Now)
			require.Error(t, err)
			assert.Equal(t, c.want, err.Error())
		})
	}
}

// TestTheProxysPasswordIsNowhere but on the wire to it.
func TestTheProxysPasswordIsNowhere(t *testing.T) {
	p := &connectProxy{user: url.UserPassword("weir", "another")}
	server := httptest.NewServer(p)
	defer server.Close()
	e := prepareEdge(t, t.TempDir(), "https://fleet.invalid")
	e.cfg.Proxy = ProxyConfig{URL: server.URL, Username: "weir", Password: "CANARY-secret"}
	require.NoError(t, e.start())
	defer func() { _ = e.Shutdown(t.Context()) }()
	e.reports(1, 1)
	require.Eventually(t, func() bool { return e.counter("weir_upstream_retries", "reason", "proxy_denied") > 0 }, 5*time.Second, time.Millisecond)
	require.NoError(t, e.Shutdown(t.Context()))
	for _, l := range e.logs.All() {
		assert.NotContains(t, fmt.Sprint(l.Message, l.ContextMap()), "CANARY")
	}
	text := fmt.Sprintf("%v %+v", e.cfg, e.cfg.Proxy)
	assert.NotContains(t, text, "CANARY", "a configuration that is printed")
}

func TestFaultsOfTheProxysConfigurationAreSaidWithoutIt(t *testing.T) {
	for what, c := range map[string]ProxyConfig{
		"proxy::url: is empty":              {Username: "u"},
		"proxy::url: is not http":           {URL: "socks5://127.0.0.1:1"},
		"proxy::url: holds a user":          {URL: "http://u:CANARY@127.0.0.1:1"},
		"proxy::url: has more than":         {URL: "http://127.0.0.1:1/CANARY"},
		"password and password_file":        {URL: "http://127.0.0.1:1", Username: "u", Password: "CANARY", PasswordFile: "x"},
		"proxy::username: is empty":         {URL: "http://127.0.0.1:1", Password: "CANARY"},
		"proxy::username: holds a colon":    {URL: "http://127.0.0.1:1", Username: "u:v"},
		"proxy::ca_file: has no use":        {URL: "http://127.0.0.1:1", CAFile: "x"},
		"is not http://host:port or https:": {URL: "http://%zzCANARY"},
	} {
		cfg := createDefaultConfig().(*Config)
		cfg.Proxy = c
		err := cfg.Validate()
		require.ErrorContains(t, err, what)
		assert.NotContains(t, err.Error(), "CANARY")
	}
	for what, c := range map[string]ProxyConfig{
		"proxy::ca_file":       {URL: "https://127.0.0.1:1", CAFile: "/nowhere/at/all"},
		"proxy::password_file": {URL: "http://127.0.0.1:1", Username: "u", PasswordFile: "/nowhere/at/all"},
	} {
		_, err := c.load()
		assert.ErrorContains(t, err, what)
	}
}
