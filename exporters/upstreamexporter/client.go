package upstreamexporter

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
)

// What is read of an answer, at most.
const (
	maxAnswerBody   = 64 << 10
	maxAnswerHeader = 64 << 10
)

// client posts reports. It follows no redirect, knows no proxy and no cookie,
// and sends the same headers each time.
type client struct {
	http *http.Client
}

// errDestination is returned for a destination that the policy should not have let pass.
var errDestination = errors.New("destination is neither https nor loopback")

func newClient(cfg *Config) (*client, error) {
	tlsConfig, err := cfg.TLS.load()
	if err != nil {
		return nil, err
	}
	plain := &net.Dialer{Control: loopbackOnly}
	secure := &net.Dialer{}
	transport := &http.Transport{
		Proxy:              nil, // not http.ProxyFromEnvironment: the policy says where reports go
		DisableCompression: true,
		TLSClientConfig:    tlsConfig,
		// TLS always dials through DialTLSContext, so DialContext is for http.
		DialContext: plain.DialContext,
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			c := tlsConfig.Clone()
			c.ServerName = host
			return (&tls.Dialer{NetDialer: secure, Config: c}).DialContext(ctx, network, addr)
		},
		MaxIdleConns:           1,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxAnswerHeader,
	}
	return &client{http: &http.Client{
		Transport:     transport,
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// loopbackOnly holds what the name of an http destination resolved to against
// what the policy allows: "localhost" is whatever the resolver says it is.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !ap.Addr().Unmap().IsLoopback() {
		return errDestination
	}
	return nil
}

func (t *TLSConfig) load() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls::ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls::ca_file: no certificate in %s", t.CAFile)
		}
	}
	if t.CertFile != "" {
		if _, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
			return nil, fmt.Errorf("tls::cert_file: %w", err)
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
			return &cert, err
		}
	}
	return c, nil
}

// answer is what is taken from the server's.
type answer struct {
	status     int
	retryAfter time.Duration // 0: none
	rejected   int64         // data points, on partial success
}

// class is the status' class, the only part of it that is recorded.
func (a answer) class() string { return strconv.Itoa(a.status/100) + "xx" }

// post sends one report. An error means that there is no answer.
func (c *client) post(ctx context.Context, destination string, body []byte, now func() time.Time) (answer, error) {
	u, err := url.Parse(destination)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return answer{}, errDestination
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, destination+"/v1/metrics", bytes.NewReader(body))
	if err != nil {
		return answer{}, errDestination
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", "weir")
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, retryAfter: retryAfter(resp.Header.Get("Retry-After"), now())}
	if a.status/100 == 2 {
		// A longer body is cut off; the connection goes with it.
		b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBody))
		if err != nil {
			return answer{}, err
		}
		a.rejected = rejectedPoints(b)
	}
	return a, nil
}

// rejectedPoints reads a partial success. Whatever cannot be read rejected nothing.
func rejectedPoints(body []byte) int64 {
	r := pmetricotlp.NewExportResponse()
	if len(body) == 0 || r.UnmarshalProto(body) != nil {
		return 0
	}
	return max(0, r.PartialSuccess().RejectedDataPoints())
}

func retryAfter(v string, now time.Time) time.Duration {
	if s, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

func (c *client) close() { c.http.CloseIdleConnections() }
