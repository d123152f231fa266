package upstreamexporter

import (
	"bufio"
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

	"go.opentelemetry.io/collector/config/configopaque"
)

// ProxyConfig is the one proxy that is used for https destinations, which it is
// asked to connect to (CONNECT). It sees the destination's name and nothing of
// what is said. Proxies named in the environment are never used; destinations
// on loopback are reached directly.
type ProxyConfig struct {
	// URL is http://host:port or https://host:port; empty: no proxy.
	URL string `mapstructure:"url"`
	// Username and one of Password and PasswordFile are sent as Basic
	// authentication. The file is read anew for each connection.
	Username     string              `mapstructure:"username"`
	Password     configopaque.String `mapstructure:"password"`
	PasswordFile string              `mapstructure:"password_file"`
	// CAFile, if set, replaces the system's authorities for an https proxy.
	CAFile string `mapstructure:"ca_file"`
}

// validate never repeats the URL: somebody may have put a password into it.
func (c *ProxyConfig) validate() []error {
	var errs []error
	fault := func(s string) { errs = append(errs, errors.New(s)) }
	if c.URL == "" {
		if *c != (ProxyConfig{}) {
			fault("proxy::url: is empty while other keys of proxy are set; write it or remove them")
		}
		return errs
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		fault("proxy::url: is not http://host:port or https://host:port")
		return errs
	case u.User != nil:
		fault("proxy::url: holds a user; write it under proxy::username, and the password under proxy::password_file")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		fault("proxy::url: has more than a host and a port; remove the rest")
	}
	if c.Password != "" && c.PasswordFile != "" {
		fault("proxy: password and password_file are both set; remove one")
	}
	if c.Username == "" && (c.Password != "" || c.PasswordFile != "") {
		fault("proxy::username: is empty, but there is a password; set it")
	}
	if strings.ContainsAny(c.Username, ":\r\n") {
		fault("proxy::username: holds a colon or a line break, which Basic authentication cannot carry")
	}
	if c.CAFile != "" && u.Scheme != "https" {
		fault("proxy::ca_file: has no use with an http proxy; remove it")
	}
	return errs
}

// proxy connects to destinations through a proxy.
type proxy struct {
	cfg  *ProxyConfig
	addr string
	tls  *tls.Config // nil: the proxy is spoken to in the clear
}

func (c *ProxyConfig) load() (*proxy, error) {
	if c.URL == "" {
		return nil, nil
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, errors.New("proxy::url: cannot be read")
	}
	p := &proxy{cfg: c}
	port := u.Port()
	if u.Scheme == "https" {
		p.tls = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}}
		if c.CAFile != "" {
			if p.tls.RootCAs, err = loadPool("proxy::ca_file", c.CAFile); err != nil {
				return nil, err
			}
		}
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	p.addr = net.JoinHostPort(u.Hostname(), port)
	if _, err := p.authorization(); err != nil {
		return nil, err
	}
	return p, nil
}

// authorization is the header's value, or empty.
func (p *proxy) authorization() (string, error) {
	if p.cfg.Username == "" {
		return "", nil
	}
	password := string(p.cfg.Password)
	if p.cfg.PasswordFile != "" {
		b, err := os.ReadFile(p.cfg.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("proxy::password_file: %w", err)
		}
		password = strings.TrimRight(string(b), "\r\n")
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(p.cfg.Username+":"+password)), nil
}

const maxProxyAnswer = 16 << 10

// connect has the proxy connect to addr, and returns the connection for what is
// said with addr itself. The name is resolved by the proxy.
func (p *proxy) connect(ctx context.Context, dial dialFunc, addr string) (net.Conn, error) {
	conn, err := dial(ctx, "tcp", p.addr)
	if err != nil {
		return nil, &fault{"proxy", err}
	}
	if p.tls != nil {
		secure := tls.Client(conn, p.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, &fault{"proxy", err}
		}
		conn = secure
	}
	// A proxy that says nothing must not outlast the attempt.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err = p.ask(conn, addr)
	if !stop() {
		err = &fault{"timeout", context.Cause(ctx)}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (p *proxy) ask(conn net.Conn, addr string) error {
	auth, err := p.authorization()
	if err != nil {
		return &fault{"proxy_denied", err}
	}
	head := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\nUser-Agent: " + userAgent + "\r\n"
	if auth != "" {
		head += "Proxy-Authorization: " + auth + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		return &fault{"proxy", err}
	}
	r := bufio.NewReader(io.LimitReader(conn, maxProxyAnswer))
	resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return &fault{"proxy", errors.New("proxy did not answer in HTTP")} // the parser's words quote the answer
	}
	switch {
	case resp.StatusCode == http.StatusProxyAuthRequired || resp.StatusCode == http.StatusForbidden:
		return &fault{"proxy_denied", fmt.Errorf("proxy answered %d", resp.StatusCode)}
	case resp.StatusCode != http.StatusOK:
		return &fault{"proxy", fmt.Errorf("proxy answered %d", resp.StatusCode)}
	case r.Buffered() > 0:
		return &fault{"proxy", errors.New("proxy spoke out of turn")}
	}
	return nil
}
