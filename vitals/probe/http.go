package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/weir-telemetry/weir/internal/tunnel"
)

const userAgent = "weir-probe"

// talk connects to the host of a URL, over TLS if it is one of https, and talks.
// The certificate is nil without TLS.
func (p *Probe) talk(ctx context.Context, u *url.URL, say func(io.ReadWriter) error) (*certificate, Reason) {
	var c *certificate
	if u.Scheme == "https" {
		if c = p.certificate(u.Hostname()); c.reason != OK {
			return c, c.reason
		}
	}
	conn, err := p.system.Dial(ctx, "tcp", tunnel.Address(u))
	if err != nil {
		return c, reasonOf(err)
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
			return c, reason
		}
		stream = secure
	}
	reason := reasonOf(say(stream))
	if reason == Unreachable { // it was reached
		reason = NotHTTP
	}
	return c, reason
}

// exchange sends one request without a body and reads the head of the answer,
// which is nil unless the reason is OK.
func (p *Probe) exchange(ctx context.Context, u *url.URL, method string) (answer *http.Response, c *certificate, reason Reason) {
	c, reason = p.talk(ctx, u, func(conn io.ReadWriter) (err error) {
		head := method + " " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\nUser-Agent: " + userAgent + "\r\nConnection: close\r\n\r\n"
		if _, err = io.WriteString(conn, head); err == nil {
			answer, _, err = tunnel.ReadHead(conn)
		}
		return err
	})
	return answer, c, reason
}

func (p *Probe) http(ctx context.Context) (Reason, *float64) {
	u, err := url.Parse(p.Target)
	if err != nil {
		return Unmeasurable, nil
	}
	h, c, reason := p.exchange(ctx, u, http.MethodGet)
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
	status := http.StatusOK
	c, reason := p.talk(ctx, u, func(conn io.ReadWriter) error {
		err := tunnel.Ask(conn, p.Connect, userAgent, "")
		var refusal *tunnel.Refusal
		switch {
		case errors.As(err, &refusal):
			status = refusal.Status
			return nil
		case errors.Is(err, tunnel.ErrOutOfTurn):
			return nil // whom it connected to speaks first, as databases do
		}
		return err
	})
	switch {
	case c != nil && c.shown && c.reason.Outcome() == Failed:
		return c.reason, nil
	case reason != OK:
		return reason, nil
	case p.wanted(status, http.StatusOK, http.StatusOK):
		return OK, nil
	case errors.Is(&tunnel.Refusal{Status: status}, tunnel.ErrDenied):
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
	h, _, reason := p.exchange(ctx, u, http.MethodHead)
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
