package upstreamexporter

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/weir-telemetry/weir/internal/tunnel"
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
type proxy struct{ tunnel.Proxy }

func (c *ProxyConfig) load() (*proxy, error) {
	if c.URL == "" {
		return nil, nil
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, errors.New("proxy::url: cannot be read")
	}
	p := &proxy{tunnel.Proxy{Address: tunnel.Address(u), Authorization: c.authorization, UserAgent: userAgent}}
	if u.Scheme == "https" {
		p.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}}
		if c.CAFile != "" {
			if p.TLS.RootCAs, err = loadPool("proxy::ca_file", c.CAFile); err != nil {
				return nil, err
			}
		}
	}
	if _, err := c.authorization(); err != nil {
		return nil, err
	}
	return p, nil
}

// authorization is the header's value, or empty.
func (c *ProxyConfig) authorization() (string, error) {
	auth, err := tunnel.Basic(c.Username, string(c.Password), c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("proxy::password_file: %w", err)
	}
	return auth, nil
}

// connect has the proxy connect to addr.
func (p *proxy) connect(ctx context.Context, dial dialFunc, addr string) (net.Conn, error) {
	conn, err := p.Connect(ctx, tunnel.Dial(dial), addr)
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, tunnel.ErrDenied):
		return nil, &fault{"proxy_denied", err}
	case errors.Is(err, tunnel.ErrSilent):
		return nil, &fault{"timeout", err}
	}
	return nil, &fault{"proxy", err}
}
