package preflight

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/weir-telemetry/weir/internal/tunnel"
	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// destination looks at the way to where the policy says that reports go. It asks
// as upstream would go there, and says nothing but what a connection says:
// the name to a name server or to the proxy, the handshake, and a request for
// the head of "/", for its Date.
func (s *Site) destination(ctx context.Context) {
	f := Finding{Check: "destination", About: "the way to the vendor", State: Unknown}
	d, err := s.decide()
	switch {
	case !s.Settings.Upstream.Used:
		f.Evidence = "no pipeline has the upstream exporter: there is no way out"
	case err != nil || d.Policy == nil:
		f.Evidence = "no policy says where it leads"
	case s.Offline:
		f.Evidence = "--offline: nothing is asked"
	}
	if f.Evidence != "" {
		s.add(f)
		return
	}
	u, err := url.Parse(d.Policy.Destination)
	if err != nil { // Parse of the policy refuses such a one
		f.Evidence = "the policy's destination is no URL"
		s.add(f)
		return
	}
	at := tunnel.Address(u)
	up := s.Settings.Upstream
	loopback := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	direct := s.System
	defer func() { s.System = direct }()
	switch {
	case up.Proxy.URL != "" && u.Scheme == "https" && !loopback:
		dial, ok := s.throughProxy(ctx, at)
		if !ok {
			return
		}
		s.System.Dial = dial
	case !s.straight(ctx, u, at):
		return
	}
	if u.Scheme == "https" {
		p := s.probed(ctx, probe.Spec{Kind: probe.TLS, Target: at, CAFile: up.CAFile}, Finding{Check: "certificate", About: "of " + at, Area: responsibilities.Certificates,
			Fix: "have the vendor renew it; if an authority of your own signs it, name that in exporters::upstream::tls::ca_file"})
		if f := &s.found[len(s.found)-1]; p.Value != nil {
			f.Evidence += fmt.Sprintf(" (%s)", expiry(*p.Value))
		}
		if p.Outcome == probe.Failed {
			return
		}
	}
	s.clock(ctx, u, up.CAFile)
}

// straight looks up the name and connects. What would fail for the same reason
// is not looked at.
func (s *Site) straight(ctx context.Context, u *url.URL, at string) bool {
	if net.ParseIP(u.Hostname()) == nil && u.Hostname() != "localhost" {
		p := s.probed(ctx, probe.Spec{Kind: probe.DNS, Target: u.Hostname()}, Finding{Check: "name", About: u.Hostname(), Area: responsibilities.Infrastructure,
			Fix: "have the name server (/etc/resolv.conf) answer for it, or let port 53 through"})
		if p.Outcome == probe.Failed {
			return false
		}
	}
	p := s.probed(ctx, probe.Spec{Kind: probe.TCP, Target: at}, Finding{Check: "connection", About: "to " + at, Area: responsibilities.Infrastructure,
		Fix: "let this machine out to " + at + " through the firewall, or set exporters::upstream::proxy::url"})
	if p.Reason == probe.Refused {
		s.found[len(s.found)-1].Fix = "ask the vendor whether its fleet listens there: the way to the machine is open"
	}
	return p.Outcome != probe.Failed
}

// clock compares with the destination's. One that wants a certificate of ours
// says no time to a stranger, so that nothing is known then.
func (s *Site) clock(ctx context.Context, u *url.URL, caFile string) {
	root := url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}
	if u.Scheme == "http" {
		caFile = ""
	}
	p := s.probed(ctx, probe.Spec{Kind: probe.Clock, Target: root.String(), CAFile: caFile}, Finding{Check: "clock", About: "beside the destination's", Area: responsibilities.Infrastructure,
		Fix: "start a time service, such as chrony or systemd-timesyncd, and let it out to its servers"})
	f := &s.found[len(s.found)-1]
	switch {
	case p.Value != nil:
		f.Evidence += fmt.Sprintf(" (%.1f s ahead)", *p.Value)
	case p.Reason != probe.Skewed && f.State == Missing:
		f.State, f.Evidence = Unknown, "it tells no time to one without a certificate of its fleet"
	}
}

// throughProxy has the proxy connect, as upstream would, and returns how to have
// it do so again.
func (s *Site) throughProxy(ctx context.Context, at string) (dial tunnel.Dial, ok bool) {
	c := s.Settings.Upstream.Proxy
	f := Finding{Check: "proxy", About: "to " + at, State: Missing, Area: responsibilities.Infrastructure,
		Fix: "have the proxy of exporters::upstream::proxy::url let this machine connect to " + at}
	defer func() { s.add(f) }()
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" {
		f.Evidence, f.Fix = "exporters::upstream::proxy::url is no URL", "write it as http://proxy.example:3128"
		return nil, false
	}
	p := &tunnel.Proxy{Address: tunnel.Address(u), UserAgent: "weir",
		Authorization: func() (string, error) { return tunnel.Basic(c.Username, c.Password, c.PasswordFile) }}
	if u.Scheme == "https" {
		p.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}
		if c.CAFile != "" {
			pem, err := s.System.ReadFile(c.CAFile)
			p.TLS.RootCAs = x509.NewCertPool()
			if err != nil || !p.TLS.RootCAs.AppendCertsFromPEM(pem) {
				f.Evidence, f.Fix = "exporters::upstream::proxy::ca_file holds no certificate that can be read", "name a file in PEM there"
				return nil, false
			}
		}
	}
	direct := s.System.Dial
	dial = func(ctx context.Context, _, addr string) (net.Conn, error) { return p.Connect(ctx, direct, addr) }
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := dial(ctx, "tcp", at)
	var operation *net.OpError
	switch {
	case err == nil:
		_ = conn.Close()
		f.State, f.Evidence = Fine, "the proxy connects"
		return dial, true
	case errors.Is(err, tunnel.ErrDenied):
		f.Evidence = "the proxy denies the connection"
		f.Fix += ", and look at username and password_file beside it"
	case errors.As(err, &operation) && operation.Op == "dial":
		f.Evidence = "the proxy itself cannot be reached"
		f.Fix = "let this machine out to the proxy, or correct exporters::upstream::proxy::url"
	default: // the package's own words, or TLS's with the proxy
		f.Evidence = "the proxy does not connect"
	}
	return nil, false
}

// expiry says when a certificate ends.
func expiry(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Abs()
	text := fmt.Sprintf("%.0f days", d.Hours()/24)
	if d < 48*time.Hour {
		text = d.Round(time.Minute).String()
	}
	if seconds < 0 {
		return "since " + text
	}
	return "for " + text + " more"
}
