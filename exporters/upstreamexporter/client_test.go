package upstreamexporter

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
)

func testClient(t *testing.T, tlsConfig TLSConfig) *client {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.TLS, cfg.Timeout = tlsConfig, 5*time.Second
	c, err := newClient(cfg, nil)
	require.NoError(t, err)
	t.Cleanup(c.close)
	return c
}

// TestTheRequestIsAlwaysTheSame compares the raw request: a header more is a
// channel more.
func TestTheRequestIsAlwaysTheSame(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	raw := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var b strings.Builder
		r := bufio.NewReader(io.TeeReader(conn, &b))
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		raw <- b.String()
	}()
	a, err := testClient(t, TLSConfig{}).post(t.Context(), "http://"+l.Addr().String()+"/base", "", []byte("report"), time.Now)
	require.NoError(t, err)
	assert.Equal(t, 200, a.status)
	assert.Equal(t, "POST /base/v1/metrics HTTP/1.1\r\n"+
		"Host: "+l.Addr().String()+"\r\n"+
		"User-Agent: weir\r\n"+
		"Content-Length: 6\r\n"+
		"Content-Type: application/x-protobuf\r\n"+
		"\r\nreport", <-raw)
}

// TestAnEndlessAnswerIsCutOff counts what the server got rid of.
func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	written := make(chan int, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n, chunk := 0, make([]byte, 64<<10)
		for n < 1<<30 {
			m, err := w.Write(chunk)
			if n += m; err != nil {
				break
			}
		}
		written <- n
	}))
	defer s.Close()
	a, err := testClient(t, TLSConfig{}).post(t.Context(), s.URL, "", []byte("report"), time.Now)
	require.NoError(t, err)
	assert.Equal(t, 200, a.status)
	assert.Less(t, <-written, 64<<20, "what fits into socket buffers, not a gigabyte")
}

func TestEndlessHeadersAreNoAnswer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
	}))
	defer s.Close()
	_, err := testClient(t, TLSConfig{}).post(t.Context(), s.URL, "", []byte("report"), time.Now)
	assert.EqualError(t, err, "answer")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer other.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		s := httptest.NewServer(http.RedirectHandler(other.URL, code))
		a, err := testClient(t, TLSConfig{}).post(t.Context(), s.URL, "", []byte("report"), time.Now)
		s.Close()
		require.NoError(t, err)
		assert.Equal(t, code, a.status)
	}
	assert.False(t, reached)
}

// TestProxiesInTheEnvironmentAreIgnored uses a name that does not resolve: a
// proxy would be asked for it, while for loopback Go asks none anyway. Go reads
// the variables once, at its first request, so they are set for a process of
// their own: this test again.
func TestProxiesInTheEnvironmentAreIgnored(t *testing.T) {
	const child = "WEIR_TEST_PROXY_CHILD"
	if os.Getenv(child) != "" {
		c := testClient(t, TLSConfig{})
		for _, destination := range []string{"https://fleet.invalid", "http://fleet.invalid"} {
			_, err := c.post(t.Context(), destination, "", []byte("report"), time.Now)
			assert.Error(t, err)
		}
		return
	}
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer proxy.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), child+"=1")
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		cmd.Env = append(cmd.Env, name+"="+proxy.URL)
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Zero(t, asked.Load())
}

func TestPlainHTTPStaysOnLoopback(t *testing.T) {
	for address, ok := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9:80": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true,
		"192.0.2.1:80": false, "0.0.0.0:80": false, "[2001:db8::1]:80": false, "nonsense": false,
	} {
		assert.Equal(t, ok, loopbackOnly("tcp", address, nil) == nil, address)
	}
	c := testClient(t, TLSConfig{})
	for _, destination := range []string{"http://192.0.2.1:80", "ftp://127.0.0.1", "https://user@127.0.0.1", "127.0.0.1", ""} {
		_, err := c.post(t.Context(), destination, "", nil, time.Now)
		assert.ErrorIs(t, err, errDestination, destination)
	}
}

func TestTLSIsAtLeast13AndChecksTheServer(t *testing.T) {
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	start := func(maxVersion uint16) *httptest.Server {
		s := httptest.NewUnstartedServer(handler)
		s.TLS = &tls.Config{MaxVersion: maxVersion}
		s.Config.ErrorLog = nil
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	s := start(tls.VersionTLS13)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))

	a, err := testClient(t, TLSConfig{CAFile: ca}).post(t.Context(), s.URL, "", []byte("report"), time.Now)
	require.NoError(t, err)
	assert.Equal(t, 200, a.status)
	_, err = testClient(t, TLSConfig{}).post(t.Context(), s.URL, "", []byte("report"), time.Now)
	assert.EqualError(t, err, "tls", "an authority that nobody named")
	old := start(tls.VersionTLS12)
	_, err = testClient(t, TLSConfig{CAFile: ca}).post(t.Context(), old.URL, "", []byte("report"), time.Now)
	assert.EqualError(t, err, "tls")
}

func TestTLSFilesAreReadAtTheStart(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for what, c := range map[string]TLSConfig{
		"tls::ca_file: no certificate in": {CAFile: empty},
		"tls::ca_file: open":              {CAFile: empty + "none"},
		"tls::cert_file":                  {CertFile: empty, KeyFile: empty},
	} {
		cfg := createDefaultConfig().(*Config)
		cfg.TLS = c
		_, err := newClient(cfg, nil)
		assert.ErrorContains(t, err, what)
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "7.5": 0, "99999999999999999999": 0, "soon": 0,
		"Thu, 01 Jan 2026 00:01:00 GMT": time.Minute, "Wed, 31 Dec 2025 00:01:00 GMT": 0,
	} {
		assert.Equal(t, want, retryAfter(v, now), v)
	}
}

func TestPartialSuccessIsReadAndRubbishIsNot(t *testing.T) {
	r := pmetricotlp.NewExportResponse()
	r.PartialSuccess().SetRejectedDataPoints(3)
	b, err := r.MarshalProto()
	require.NoError(t, err)
	assert.EqualValues(t, 3, rejectedPoints(b))
	r.PartialSuccess().SetRejectedDataPoints(math.MinInt64)
	b, err = r.MarshalProto()
	require.NoError(t, err)
	assert.Zero(t, rejectedPoints(b))
	assert.Zero(t, rejectedPoints([]byte("<html>")))
	assert.Zero(t, rejectedPoints(nil))
}
