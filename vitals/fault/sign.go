package fault

import (
	"net/netip"
	"strings"

	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// domainOf is what a failing probe is a sign of, where its configuration does
// not say. A clock is not wrong because nobody says what time it is.
func domainOf(k probe.Kind, r probe.Reason) Domain {
	switch k {
	case probe.DNS, probe.Proxy:
		return Network
	case probe.Disk, probe.Inode, probe.Memory:
		return Host
	case probe.Clock:
		if r == probe.Skewed || r == probe.Unsynchronized {
			return Host
		}
	}
	return Dependency
}

// reach is what a reason says of whether a host was reached.
type reach int

const (
	reached reach = iota // it answered, if only to refuse
	noWay                // there is no way to it, or not even a name
	noWord               // it did not answer in time: it may be the way, it may be the host
)

func reachOf(r probe.Reason) reach {
	switch r {
	case probe.NoSuchName, probe.NoResolver, probe.Unreachable:
		return noWay
	case probe.Timeout:
		return noWord
	}
	return reached
}

// SignOf is what a finding is a sign of; false if of nothing. cut says that no
// other machine was reached, see cutOff.
func SignOf(f Finding, cut bool) (Sign, bool) {
	if f.Reason.Outcome() != probe.Failed {
		return Sign{}, false
	}
	return signOf(f, cut), true
}

func signOf(f Finding, cut bool) Sign {
	domain, owner := f.Domain, f.Owner
	if domain == "" {
		domain = domainOf(f.Kind, f.Reason)
	}
	// Never for the better: then setting another probe right could make it worse.
	if way := reachOf(f.Reason); (way == noWay || way == noWord && cut) && Network.Worse(domain) {
		domain = Network
	}
	if owner == "" {
		owner = domain.Owner()
		switch f.Reason {
		case probe.CertificateExpired, probe.CertificateExpiring, probe.CertificateNotYetValid, probe.CertificateName, probe.CertificateUntrusted:
			owner = responsibilities.Certificates
		}
	}
	return Sign{Domain: domain, Owner: owner, Source: Probes, Name: f.Name, Reason: string(f.Reason), Words: f.Reason.Words()}
}

// cutOff says that at least two other machines were tried and none of them was
// reached. Then what they have in common is at fault. A host that answers in any
// way was reached.
func cutOff(findings []Finding) bool {
	tried := map[string]bool{}
	for _, f := range findings {
		if f.Reason.Outcome() == probe.Unknown || f.Kind == probe.DNS { // whose host is only named
			continue
		}
		for _, h := range f.Hosts {
			if loopback(h) {
				continue
			}
			if reachOf(f.Reason) == reached {
				return false
			}
			tried[h] = true
		}
	}
	return len(tried) > 1
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && a.IsLoopback()
}
