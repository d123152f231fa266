package fleetreceiver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap/xconfmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/fleet/token"
	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/receivers/fleetreceiver/internal/metadata"
)

// running is a receiver that serves, with what it passed on.
type running struct {
	*fleetReceiver
	t       *testing.T
	metrics *consumertest.MetricsSink
	logs    *consumertest.LogsSink
}

func serve(t *testing.T, change func(*Config), next consumer.Metrics) *running {
	t.Helper()
	f := NewFactory()
	cfg := f.CreateDefaultConfig().(*Config)
	cfg.Endpoint, cfg.State = "127.0.0.1:0", filepath.Join(t.TempDir(), "state")
	if change != nil {
		change(cfg)
	}
	require.NoError(t, xconfmap.Validate(cfg))
	s := &running{t: t, metrics: new(consumertest.MetricsSink), logs: new(consumertest.LogsSink)}
	if next == nil {
		next = s.metrics
	}
	ctx, set := context.Background(), receivertest.NewNopSettings(metadata.Type)
	m, err := f.CreateMetrics(ctx, set, cfg, next)
	require.NoError(t, err)
	l, err := f.CreateLogs(ctx, set, cfg, s.logs)
	require.NoError(t, err)
	require.Same(t, m, l, "one server for both pipelines")
	require.NoError(t, m.Start(ctx, componenttest.NewNopHost()))
	require.NoError(t, l.Start(ctx, componenttest.NewNopHost()))
	t.Cleanup(func() {
		assert.NoError(t, m.Shutdown(ctx))
		assert.NoError(t, l.Shutdown(ctx))
	})
	s.fleetReceiver = m.(*fleetReceiver)
	return s
}

func (s *running) url() string { return "https://" + s.addr.String() }

// enrol makes an edge.
func (s *running) enrol(customer string) identity.Edge {
	s.t.Helper()
	tok, err := token.NewRandom(customer, s.url(), s.door.CA.Pin(), time.Now().Add(time.Hour))
	require.NoError(s.t, err)
	require.NoError(s.t, s.door.Tokens.Create(tok, time.Now()))
	data := s.t.TempDir()
	in, err := install.Load(vfs.OS, data)
	require.NoError(s.t, err)
	e, err := identity.Enroll(context.Background(), tok.Text(), identity.Options{FS: vfs.OS, Data: data, Install: in.ID, Now: time.Now})
	require.NoError(s.t, err)
	return e
}

func as(e identity.Edge) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: e.Roots, Certificates: []tls.Certificate{e.Cert}}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func post(t *testing.T, c *http.Client, url string, body []byte, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-protobuf")
	if change != nil {
		change(req)
	}
	resp, err := c.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(text)
}

func metrics(t *testing.T) []byte {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("m")
	m.SetEmptyGauge().DataPoints().AppendEmpty().SetDoubleValue(1)
	b, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	require.NoError(t, err)
	return b
}

func TestWhoSentTravelsWithTheReport(t *testing.T) {
	var got client.Info
	sink, err := consumer.NewMetrics(func(ctx context.Context, _ pmetric.Metrics) error { got = client.FromContext(ctx); return nil })
	require.NoError(t, err)
	s := serve(t, nil, sink)
	e := s.enrol("acme")
	resp, _ := post(t, as(e), s.url()+metricsPath, metrics(t), nil)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	require.NotNil(t, got.Auth)
	assert.Equal(t, e.Install, got.Auth.GetAttribute(installAttribute))
	assert.Equal(t, "acme", got.Auth.GetAttribute(customerAttribute))
	assert.Nil(t, got.Auth.GetAttribute("other"))
	assert.Len(t, got.Auth.GetAttributeNames(), 2)
	assert.NotNil(t, got.Addr)
}

// Every other spelling is refused, and none is redirected.
func TestOnlyTheExactPathsAreServed(t *testing.T) {
	s := serve(t, nil, nil)
	e := s.enrol("acme")
	conf := &tls.Config{RootCAs: e.Roots, Certificates: []tls.Certificate{e.Cert}}
	for _, target := range []string{
		"/", "/v1/metrics/", "//v1/metrics", "/v1//metrics", "/v1/./metrics", "/x/../v1/metrics", "/v1/metrics?a=b", "/v1/metrics#a", "/V1/metrics",
		"/v1%2Fmetrics", "/v1/metric%73", "v1/metrics", "/v1", "/v1/traces", "/v1/logs", "/weir/v1/enroll/", "/weir/v1/renew/", "//weir/v1/enroll", "/weir/v1", "/metrics", "*",
		"http://other.example/v1/metrics",
	} {
		c, err := tls.Dial("tcp", s.addr.String(), conf)
		require.NoError(t, err)
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n", target)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err, target)
		assert.Contains(t, []int{http.StatusNotFound, http.StatusBadRequest}, resp.StatusCode, target)
		assert.Empty(t, resp.Header.Get("Location"), target)
		c.Close()
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodHead, http.MethodDelete} {
		resp, _ := post(t, as(e), s.url()+metricsPath, nil, func(r *http.Request) { r.Method = method })
		assert.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
	}
	assert.Empty(t, s.metrics.AllMetrics())
}

func TestBodiesAreBoundedAndPlain(t *testing.T) {
	s := serve(t, func(c *Config) { c.MaxReportSize = 1000 }, nil)
	c := as(s.enrol("acme"))
	good := metrics(t)
	for name, test := range map[string]struct {
		body   []byte
		change func(*http.Request)
		want   int
	}{
		"too large":     {make([]byte, 1001), nil, http.StatusRequestEntityTooLarge},
		"no length":     {good, func(r *http.Request) { r.ContentLength = -1 }, http.StatusLengthRequired},
		"gzip":          {good, func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, http.StatusUnsupportedMediaType},
		"identity":      {good, func(r *http.Request) { r.Header.Set("Content-Encoding", "identity") }, http.StatusUnsupportedMediaType},
		"json":          {[]byte("{}"), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, http.StatusUnsupportedMediaType},
		"garbage":       {[]byte("canary canary canary"), nil, http.StatusBadRequest},
		"unknown field": {append(bytes.Clone(good), 0x7a, 1, 'x'), nil, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			resp, text := post(t, c, s.url()+metricsPath, test.body, test.change)
			assert.Equal(t, test.want, resp.StatusCode, text)
			assert.NotContains(t, text, "canary")
		})
	}
	resp, _ := post(t, c, s.url()+metricsPath, good, func(r *http.Request) { r.Header.Set("Weir-Ledger", strings.Repeat("A", 40<<10)) })
	assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
	assert.Empty(t, s.metrics.AllMetrics())
	resp, _ = post(t, c, s.url()+metricsPath, good, nil)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Len(t, s.metrics.AllMetrics(), 1)
	assert.EqualValues(t, maxInFlight, func() int64 {
		n := int64(0)
		for s.memory.Take(1 << 20) {
			n += 1 << 20
		}
		return n
	}(), "all memory was given back")
}

func TestAnswersSayWhetherTheReportIsToBlame(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want int
		text string
	}{
		"refused by the gate": {consumererror.NewPermanent(status.Error(codes.InvalidArgument, "report refused: metric_text")), http.StatusBadRequest, "report refused: metric_text"},
		"of another install":  {status.Error(codes.PermissionDenied, "report refused: identity_mismatch"), http.StatusForbidden, "identity_mismatch"},
		"store is down":       {errors.New("canary"), http.StatusServiceUnavailable, "unavailable"},
		"store refuses":       {consumererror.NewPermanent(errors.New("canary")), http.StatusServiceUnavailable, "unavailable"},
		"too much at once":    {status.Error(codes.ResourceExhausted, "canary"), http.StatusServiceUnavailable, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil, consumertest.NewErr(test.err))
			resp, text := post(t, as(s.enrol("acme")), s.url()+metricsPath, metrics(t), nil)
			assert.Equal(t, test.want, resp.StatusCode)
			assert.Contains(t, text, test.text)
			assert.NotContains(t, text, "canary")
		})
	}
}

func TestOfOneInstallThereIsOneRequestAtATime(t *testing.T) {
	entered, leave := make(chan bool, 8), make(chan bool)
	sink, err := consumer.NewMetrics(func(context.Context, pmetric.Metrics) error { entered <- true; <-leave; return nil })
	require.NoError(t, err)
	s := serve(t, nil, sink)
	a, b := s.enrol("acme"), s.enrol("acme")
	done := make(chan int, 2)
	send := func(e identity.Edge) {
		resp, _ := post(t, as(e), s.url()+metricsPath, metrics(t), nil)
		done <- resp.StatusCode
	}
	go send(a)
	<-entered
	resp, _ := post(t, as(a), s.url()+metricsPath, metrics(t), nil)
	assert.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
	assert.NotEmpty(t, resp.Header.Get("Retry-After"))
	go send(b)
	<-entered
	close(leave)
	assert.Equal(t, http.StatusOK, <-done)
	assert.Equal(t, http.StatusOK, <-done)
}

func TestOlderTLSAndPlainTextAreRefused(t *testing.T) {
	s := serve(t, nil, nil)
	e := s.enrol("acme")
	_, err := tls.Dial("tcp", s.addr.String(), &tls.Config{RootCAs: e.Roots, MaxVersion: tls.VersionTLS12})
	require.ErrorContains(t, err, "protocol version")
	_, err = tls.Dial("tcp", s.addr.String(), &tls.Config{RootCAs: x509.NewCertPool()})
	require.Error(t, err, "an edge that expects another authority")
	c, err := net.Dial("tcp", s.addr.String())
	require.NoError(t, err)
	defer c.Close()
	fmt.Fprint(c, "POST /v1/metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	answer, _ := io.ReadAll(c)
	assert.NotContains(t, string(answer), "200 OK")
}

func TestPlainHTTPIsForLoopbackAndWithoutIdentity(t *testing.T) {
	var got client.Info
	sink, err := consumer.NewMetrics(func(ctx context.Context, _ pmetric.Metrics) error { got = client.FromContext(ctx); return nil })
	require.NoError(t, err)
	s := serve(t, func(c *Config) { c.RequireIdentity = false }, sink)
	base := "http://" + s.addr.String()
	resp, _ := post(t, http.DefaultClient, base+metricsPath, metrics(t), nil)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Nil(t, got.Auth)
	for _, path := range []string{identity.EnrollPath, identity.RenewPath} {
		resp, _ = post(t, http.DefaultClient, base+path, []byte("{}"), nil)
		assert.Equal(t, http.StatusNotFound, resp.StatusCode)
	}
	_, err = os.Stat(s.cfg.State)
	assert.ErrorIs(t, err, os.ErrNotExist, "it makes no authority")
}

func TestAFalseStatementCostsTheReceiptAndNotTheReport(t *testing.T) {
	s := serve(t, nil, nil)
	resp, _ := post(t, as(s.enrol("acme")), s.url()+metricsPath, metrics(t), func(r *http.Request) { r.Header.Set(statementHeader, "AAAA") })
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Empty(t, resp.Header.Get(receiptHeader))
	assert.Len(t, s.metrics.AllMetrics(), 1)
	assert.Empty(t, s.logs.AllLogs())
}

func TestConfigurationAnswersAllItsFaults(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, xconfmap.Validate(cfg))
	*cfg = Config{
		Endpoint: "nowhere", RequireIdentity: true, TLS: TLSConfig{CertFile: "a", CAFile: "b"}, RenewGrace: -1,
		Authorities: []AuthorityConfig{{Customer: "A B"}},
	}
	err := xconfmap.Validate(cfg)
	for _, want := range []string{"endpoint: is not", "state: is empty", "tls: cert_file and key_file", "renew_grace", "max_report_size", "max_connections", "idle_timeout", "authorities::0::ca_file", "authorities::0::customer"} {
		assert.ErrorContains(t, err, want)
	}
	for _, public := range []string{"0.0.0.0:1", ":1", "192.0.2.1:1", "fleet.example:1", "localhost:1"} {
		cfg := createDefaultConfig().(*Config)
		cfg.Endpoint, cfg.RequireIdentity = public, false
		assert.ErrorContains(t, xconfmap.Validate(cfg), "loopback only", public)
	}
}
