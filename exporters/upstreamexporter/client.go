package upstreamexporter

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/weir-telemetry/weir/fleet/identity"
)

// What is read of an answer, at most.
const (
	maxAnswerBody   = 64 << 10
	maxAnswerHeader = 64 << 10
)

// userAgent is the same in every version: which one runs is for the policy to tell.
const userAgent = "weir"

// client posts reports. It follows no redirect, knows no proxy but the
// configured one and no cookie, and sends the same headers each time.
type client struct {
	http    *http.Client
	tls     *tls.Config
	proxy   *proxy // nil: none
	dial    dialFunc
	plain   dialFunc // for http, which stays on loopback
	timeout time.Duration
	// offer, if set, completes the configuration of a connection to an address.
	offer func(c *tls.Config, addr string)
	// ownCertificate is the file of a configured client's certificate, or empty.
	ownCertificate string
}

// dialFunc is net.Dialer's DialContext.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// errDestination is returned for a destination that the policy should not have let pass.
var errDestination = errors.New("destination is neither https nor loopback")

// newClient reads the files that the configuration names. dial is nil but in
// tests that have a network of their own.
func newClient(cfg *Config, dial dialFunc) (*client, error) {
	c := &client{dial: dial, plain: dial, timeout: cfg.Timeout, ownCertificate: cfg.TLS.CertFile}
	var err error
	if c.tls, err = cfg.TLS.load(); err != nil {
		return nil, err
	}
	if c.proxy, err = cfg.Proxy.load(); err != nil {
		return nil, err
	}
	if dial == nil {
		c.dial = (&net.Dialer{}).DialContext
		c.plain = (&net.Dialer{Control: loopbackOnly}).DialContext
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:              nil, // not http.ProxyFromEnvironment: the policy says where reports go
			DisableCompression: true,
			// https always dials through DialTLSContext, so DialContext is for http.
			DialContext:            c.plain,
			DialTLSContext:         c.dialTLS,
			MaxIdleConns:           1,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: maxAnswerHeader,
		},
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// dialTLS connects to the destination of reports.
func (c *client) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	config := c.tls.Clone()
	if c.offer != nil {
		c.offer(config, addr)
	}
	return c.dialWith(ctx, network, addr, config)
}

// dialWith connects to addr, through the proxy if there is one. The transport
// lets go of the attempt's time limit while it dials, so it is set here. The
// configuration is the callee's.
func (c *client) dialWith(ctx context.Context, network, addr string, config *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	var conn net.Conn
	if c.proxy != nil {
		conn, err = c.proxy.connect(ctx, c.dial, addr)
	} else {
		conn, err = c.dial(ctx, network, addr)
	}
	if err != nil {
		return nil, err
	}
	config.ServerName = host
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
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

// answer is what is taken from the server's.
type answer struct {
	status     int
	retryAfter time.Duration // 0: none
	rejected   int64         // data points, on partial success
	receipt    string        // the header, unchecked
	// refused is a fleet's word on the sender, out of a closed set; empty: none.
	refused identity.Reason
}

// class is the status' class, the only part of it that is recorded.
func (a answer) class() string { return strconv.Itoa(a.status/100) + "xx" }

// post sends one report, with a statement about it unless that is empty. An error is a *fault and means that there is no answer.
func (c *client) post(ctx context.Context, destination, statement string, body []byte, now func() time.Time) (answer, error) {
	u, err := url.Parse(destination)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return answer{}, &fault{"destination", errDestination}
	}
	var answered atomic.Bool // the transport may still read when Do has given up
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { answered.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, destination+"/v1/metrics", bytes.NewReader(body))
	if err != nil {
		return answer{}, &fault{"destination", errDestination}
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", userAgent)
	if statement != "" {
		req.Header.Set(statementHeader, statement)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, &fault{reasonOf(err, answered.Load()), err}
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, retryAfter: retryAfter(resp.Header.Get("Retry-After"), now())}
	if r, ok := identity.ParseReason(resp.Header.Get(identity.ReasonHeader)); ok {
		a.refused = r
	}
	if a.status/100 == 2 {
		// A longer body is cut off; the connection goes with it.
		b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBody))
		if err != nil {
			return answer{}, &fault{reasonOf(err, true), err}
		}
		a.rejected, a.receipt = rejectedPoints(b), resp.Header.Get(receiptHeader)
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
