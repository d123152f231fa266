package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	userAgent = "weir-probe"
	maxHead   = 64 << 10
	maxHints  = 5 // answers of 1xx before the one that counts
)

// exchange sends one request without a body to the host of a URL and reads the
// head of the answer, at most maxHead of it, and none of its body. The
// certificate is nil without TLS; the answer is nil unless the reason is OK.
func (p *Probe) exchange(ctx context.Context, u *url.URL, request string) (*http.Response, *certificate, Reason) {
	var c *certificate
	port := "80"
	if u.Scheme == "https" {
		port = "443"
		if c = p.certificate(u.Hostname()); c.reason != OK {
			return nil, c, c.reason
		}
	}
	if u.Port() != "" {
		port = u.Port()
	}
	conn, err := p.system.Dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, c, reasonOf(err)
	}
	defer conn.Close()
	// Who says nothing must not outlast the probe.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	stream := io.ReadWriter(conn)
	if c != nil {
		secure := tls.Client(conn, c.config())
		if err := secure.HandshakeContext(ctx); err != nil {
			reason, _ := c.answer(err)
			return nil, c, reason
		}
		stream = secure
	}
	if _, err := io.WriteString(stream, request); err != nil {
		return nil, c, reasonOf(err)
	}
	limited := &io.LimitedReader{R: stream, N: maxHead}
	r := bufio.NewReader(limited)
	for range maxHints {
		h, err := http.ReadResponse(r, &http.Request{Method: http.MethodHead}) // of no answer a body is read
		switch {
		case err != nil:
			if reason := reasonOf(err); limited.N > 0 && reason != Unreachable {
				return nil, c, reason
			}
			return nil, c, NotHTTP
		case h.StatusCode >= 200:
			return h, c, OK
		}
	}
	return nil, c, NotHTTP
}

// request is a request's head.
func request(method, target, host string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: " + userAgent + "\r\nConnection: close\r\n\r\n"
}

func (p *Probe) http(ctx context.Context) (Reason, *float64) {
	u, err := url.Parse(p.Target)
	if err != nil {
		return Unmeasurable, nil
	}
	h, c, reason := p.exchange(ctx, u, request(http.MethodGet, u.RequestURI(), u.Host))
	var left *float64
	if c != nil {
		left = c.left
	}
	switch {
	case c != nil && c.shown && c.reason.Outcome() == Failed:
		return c.reason, left
	case reason != OK:
		return reason, left
	case !p.wanted(h.StatusCode, 200, 399):
		return Status, left
	case c != nil:
		return c.reason, left // which may be a warning
	}
	return OK, nil
}

func (p *Probe) wanted(status, from, to int) bool {
	if len(p.Statuses) > 0 {
		return slices.Contains(p.Statuses, status)
	}
	return from <= status && status <= to
}

// proxy asks it to connect, and says nothing to whom it is connected to.
func (p *Probe) proxy(ctx context.Context) (Reason, *float64) {
	u, err := url.Parse(p.Target)
	if err != nil {
		return Unmeasurable, nil
	}
	h, c, reason := p.exchange(ctx, u, request(http.MethodConnect, p.Connect, p.Connect))
	switch {
	case c != nil && c.shown && c.reason.Outcome() == Failed:
		return c.reason, nil
	case reason != OK:
		return reason, nil
	case p.wanted(h.StatusCode, http.StatusOK, http.StatusOK):
		return OK, nil
	case h.StatusCode == http.StatusProxyAuthRequired, h.StatusCode == http.StatusForbidden:
		return ProxyDenied, nil
	}
	return Status, nil
}

// clock compares with the Date of an answer, which is cut to whole seconds and
// was written somewhere between the request and the answer.
func (p *Probe) clock(ctx context.Context) (Reason, *float64) {
	if p.Target == "" {
		return p.system.ClockState(), nil
	}
	u, err := url.Parse(p.Target)
	if err != nil {
		return Unmeasurable, nil
	}
	from := p.system.Now()
	h, _, reason := p.exchange(ctx, u, request(http.MethodHead, u.RequestURI(), u.Host))
	if reason != OK {
		return reason, nil
	}
	took := p.system.Now().Sub(from)
	date, err := http.ParseTime(h.Header.Get("Date"))
	if err != nil {
		return NotHTTP, nil
	}
	skew := from.Add(took / 2).Sub(date.Add(500 * time.Millisecond))
	seconds := skew.Seconds()
	if skew.Abs() > p.MaxSkew+took/2+500*time.Millisecond {
		return Skewed, &seconds
	}
	return OK, &seconds
}
