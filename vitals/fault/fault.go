// Package fault says whose a fault is: of a round of probes, of the product's
// error rates and of Weir's own health it makes a verdict, one [Domain] with an
// owner and the evidence.
//
// The decision is two small tables: what each finding is a sign of ([SignOf]),
// and which domain is named when there are signs of several ([Decide]). Both are
// in docs/fault-domain.md, and a test keeps them equal. [Judge] adds hysteresis.
//
// It promises that a verdict follows from its input alone, that setting right
// what a probe complains of never makes the verdict worse, and that only two
// words of it, out of closed sets, are fit to leave: the domain and the owner.
// It reads no clock and looks at nothing itself.
package fault

import (
	"slices"

	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// Domain is where a fault lies.
type Domain string

// The domains.
const (
	None       Domain = "none"
	Product    Domain = "product"
	Dependency Domain = "dependency"
	Network    Domain = "network"
	Host       Domain = "host"
	Collector  Domain = "collector"
)

// Domains are all domains, the better before the worse: when there are signs of
// several, the last of them in this order is named. It is the one that explains
// the others. A full disk stops a database, a network that is down hides it, a
// database that is down fails requests; the other way round it is rare. Weir's own
// trouble explains nothing of the product's, which does not pass through Weir.
var Domains = []Domain{None, Collector, Product, Dependency, Network, Host}

// Worse says that d would be named before e.
func (d Domain) Worse(e Domain) bool { return slices.Index(Domains, d) > slices.Index(Domains, e) }

// Owner is the area that answers for a domain, unless a sign says otherwise.
func (d Domain) Owner() responsibilities.Area {
	switch d {
	case Product:
		return responsibilities.Application
	case Dependency, Network, Host:
		return responsibilities.Infrastructure
	case Collector:
		return responsibilities.Monitoring
	}
	return responsibilities.None
}

// Source is where a sign was seen.
type Source string

// The sources.
const (
	Probes   Source = "probe"
	Requests Source = "requests" // of the product, as vitals counts them
	Upstream Source = "upstream" // what became of attempts to send reports
	Own      Source = "weir"     // Weir's own pipelines
)

// Sign is one reason to look in a domain. Its JSON is for machines: keys are
// added, never renamed.
type Sign struct {
	Domain Domain                `json:"domain"`
	Owner  responsibilities.Area `json:"owner"`
	Source Source                `json:"source"`
	Name   string                `json:"name,omitempty"` // of the probe or of the service
	Reason string                `json:"reason"`
	Words  string                `json:"words"`
}

// Finding is a probe's, with what its configuration says it stands for.
type Finding struct {
	probe.Finding
	// Domain is what it is a sign of if it fails; "": as its kind has it.
	Domain Domain `json:"-"`
	// Owner answers for it; "": as the domain has it.
	Owner responsibilities.Area `json:"-"`
	// Hosts are those it reaches.
	Hosts []string `json:"-"`
}

// Round is all that is known at one moment.
type Round struct {
	Findings []Finding
	// Failing are the services whose requests fail; see [Rates].
	Failing []Service
	// Troubles are Weir's own since the round before.
	Troubles []Trouble
}

// Signs are the signs of a round, in its order: probes as they are configured,
// then requests, then Weir's own.
func Signs(r Round) []Sign {
	var all []Sign
	cut := cutOff(r.Findings)
	for _, f := range r.Findings {
		if s, ok := SignOf(f, cut); ok {
			all = append(all, s)
		}
	}
	for _, s := range r.Failing {
		all = append(all, Sign{Domain: Product, Owner: Product.Owner(), Source: Requests, Name: s.Name,
			Reason: "requests_fail", Words: "its requests fail"})
	}
	for _, t := range r.Troubles {
		all = append(all, t.sign())
	}
	return all
}

// Decide names the worst domain of which there is a sign, and the owner that the
// first such sign has.
func Decide(signs []Sign) (Domain, responsibilities.Area) {
	domain, owner := None, responsibilities.None
	for _, s := range signs {
		if s.Domain.Worse(domain) {
			domain, owner = s.Domain, s.Owner
		}
	}
	return domain, owner
}
