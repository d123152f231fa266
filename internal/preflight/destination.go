package preflight

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

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
	at := u.Host
	if u.Port() == "" {
		at = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	up := s.Settings.Upstream
	loopback := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	if up.ProxyURL != "" && u.Scheme == "https" && !loopback {
		s.throughProxy(ctx, at)
		return
	}
	if net.ParseIP(u.Hostname()) == nil && u.Hostname() != "localhost" {
		p := s.probed(ctx, probe.Spec{Kind: probe.DNS, Target: u.Hostname()}, Finding{Check: "name", About: u.Hostname(), Area: responsibilities.Infrastructure,
			Fix: "have the name server (/etc/resolv.conf) answer for it, or let port 53 through"})
		if p.Outcome == probe.Failed {
			return // all else would fail for the same reason
		}
	}
	p := s.probed(ctx, probe.Spec{Kind: probe.TCP, Target: at}, Finding{Check: "connection", About: "to " + at, Area: responsibilities.Infrastructure,
		Fix: "let this machine out to " + at + " through the firewall, or set exporters::upstream::proxy::url"})
	if p.Outcome == probe.Failed {
		if p.Reason == probe.Refused {
			s.found[len(s.found)-1].Fix = "ask the vendor whether its fleet listens there: the way to the machine is open"
		}
		return
	}
	if u.Scheme == "https" {
		p = s.probed(ctx, probe.Spec{Kind: probe.TLS, Target: at, CAFile: up.CAFile}, Finding{Check: "certificate", About: "of " + at, Area: responsibilities.Certificates,
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

// throughProxy asks the proxy to connect. What is behind it is not looked at:
// that takes the proxy's password, which only upstream uses.
func (s *Site) throughProxy(ctx context.Context, at string) {
	up := s.Settings.Upstream
	about := "to " + at
	p := s.probed(ctx, probe.Spec{Kind: probe.Proxy, Target: up.ProxyURL, CAFile: up.ProxyCA, Connect: at}, Finding{Check: "proxy", About: about, Area: responsibilities.Infrastructure,
		Fix: "have the proxy of exporters::upstream::proxy::url let this machine connect to " + at})
	if f := &s.found[len(s.found)-1]; p.Reason == probe.ProxyDenied && up.ProxyUser {
		f.State, f.Evidence = Unknown, "the proxy wants the user that upstream tells it; this look does not use the password"
	}
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
