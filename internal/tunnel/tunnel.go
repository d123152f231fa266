// Package tunnel has an HTTP proxy connect to another address (CONNECT), as a
// client that knows one proxy does: upstream on its way to the vendor, the look of
// preflight that goes the same way, and the probe of a proxy.
//
// It promises that the proxy hears the address, a user agent and, if there is
// one, a user with a password, and nothing else; that an error holds nothing of
// what the proxy answered but its status; and that a proxy that says nothing
// does not outlast the context. It looks at no variable of the environment.
package tunnel

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Dial is net.Dialer's DialContext.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// Proxy is one proxy.
type Proxy struct {
	// Address is host:port.
	Address string
	// TLS, if set, is spoken with the proxy itself.
	TLS *tls.Config
	// Authorization is asked for anew for each connection. nil: nobody signs in.
	Authorization func() (string, error)
	UserAgent     string
}

// ErrDenied is returned if the proxy will not connect for this user, or if who
// that is cannot be read.
var ErrDenied = errors.New("the proxy denies the connection")

// ErrSilent is returned if the context ended while the proxy was asked.
var ErrSilent = errors.New("the proxy did not answer in time")

// ErrOutOfTurn is returned if more follows the proxy's yes, before the client
// spoke: it is lost to what is said over the connection.
var ErrOutOfTurn = errors.New("the proxy spoke out of turn")

// Refusal is an answer other than yes. It is [ErrDenied] if the status says so.
type Refusal struct{ Status int }

func (r *Refusal) Error() string {
	if r.Is(ErrDenied) {
		return fmt.Sprintf("%v: it answered %d", ErrDenied, r.Status)
	}
	return fmt.Sprintf("the proxy answered %d", r.Status)
}

// Is makes errors.Is tell who may not from what does not work.
func (r *Refusal) Is(target error) bool {
	return target == ErrDenied && (r.Status == http.StatusProxyAuthRequired || r.Status == http.StatusForbidden)
}

// Address is host:port of a proxy's URL, with the scheme's port if it has none.
func Address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// Basic is the value of an authorization by user and password. A file of the
// password goes before the password itself.
func Basic(user, password, passwordFile string) (string, error) {
	if user == "" {
		return "", nil
	}
	if passwordFile != "" {
		b, err := os.ReadFile(passwordFile)
		if err != nil {
			return "", err
		}
		password = strings.TrimRight(string(b), "\r\n")
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)), nil
}

// Connect returns the connection for what is said with addr itself. The name is
// resolved by the proxy.
func (p *Proxy) Connect(ctx context.Context, dial Dial, addr string) (net.Conn, error) {
	conn, err := dial(ctx, "tcp", p.Address)
	if err != nil {
		return nil, err
	}
	if p.TLS != nil {
		secure := tls.Client(conn, p.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		conn = secure
	}
	// A proxy that says nothing must not outlast the attempt.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err = p.ask(conn, addr)
	if !stop() {
		err = fmt.Errorf("%w: %w", ErrSilent, context.Cause(ctx))
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (p *Proxy) ask(conn net.Conn, addr string) error {
	if p.Authorization == nil {
		return Ask(conn, addr, p.UserAgent, "")
	}
	auth, err := p.Authorization()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return Ask(conn, addr, p.UserAgent, auth)
}

// Ask has the proxy at the other end of conn connect to addr. An empty
// authorization is not sent. How long it may take is the caller's to bound. The
// error is a *[Refusal], [ErrOutOfTurn], one of [ReadHead], or conn's own.
func Ask(conn io.ReadWriter, addr, userAgent, authorization string) error {
	head := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\nUser-Agent: " + userAgent + "\r\n"
	if authorization != "" {
		head += "Proxy-Authorization: " + authorization + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		return err
	}
	resp, rest, err := ReadHead(conn)
	switch {
	case err != nil:
		return fmt.Errorf("the proxy did not answer: %w", err)
	case resp.StatusCode != http.StatusOK:
		return &Refusal{resp.StatusCode}
	case rest > 0:
		return ErrOutOfTurn
	}
	return nil
}
