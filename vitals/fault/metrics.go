package fault

import (
	"cmp"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// ScopeName is the instrumentation scope of what Metrics says.
const ScopeName = "github.com/weir-telemetry/weir/vitals/fault"

// Pair is a domain with an owner.
type Pair struct {
	Domain Domain
	Owner  responsibilities.Area
}

// Pairs are all that a verdict can be with these probes. Each is a series of
// weir.fault.domain, so that of a verdict that ended it is said that it did.
func Pairs(probes []Finding) []Pair {
	set := map[Pair]bool{}
	for _, d := range Domains {
		set[Pair{d, d.Owner()}] = true
	}
	for _, f := range probes {
		for _, f.Reason = range probe.Reasons() {
			if !f.Kind.Finds(f.Reason) {
				continue
			}
			for _, cut := range []bool{false, true} {
				if s, ok := SignOf(f, cut); ok {
					set[Pair{s.Domain, s.Owner}] = true
				}
			}
		}
	}
	var all []Pair
	for p := range set {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Pair) int { return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Owner, b.Owner)) })
	return all
}

// Metrics says the verdict, which a policy may let leave, and what the probes
// found, which no policy that ships names.
func (r *Report) Metrics(to pmetric.MetricSlice, pairs []Pair, at time.Time) {
	now := pcommon.NewTimestampFromTime(at)
	points := map[string]pmetric.NumberDataPointSlice{}
	add := func(name, unit, description string, value float64) pcommon.Map {
		if _, ok := points[name]; !ok {
			m := to.AppendEmpty()
			m.SetName(name)
			m.SetUnit(unit)
			m.SetDescription(description)
			points[name] = m.SetEmptyGauge().DataPoints()
		}
		p := points[name].AppendEmpty()
		p.SetTimestamp(now)
		p.SetDoubleValue(value)
		return p.Attributes()
	}
	for _, p := range pairs {
		inForce := 0.0
		if p == (Pair{r.Domain, r.Owner}) {
			inForce = 1
		}
		a := add("weir.fault.domain", "{verdict}", "Whose a fault is: 1 for the verdict in force, by domain and by the area that owns it.", inForce)
		a.PutStr("weir.fault.domain", string(p.Domain))
		a.PutStr("weir.fault.owner", string(p.Owner))
	}
	for _, f := range r.Probes {
		name := func(a pcommon.Map) pcommon.Map {
			a.PutStr("weir.probe.name", f.Name)
			return a
		}
		kind := func(a pcommon.Map) { name(a).PutStr("weir.probe.kind", string(f.Kind)) }
		switch f.Reason.Outcome() {
		case probe.Passed, probe.Warning:
			kind(add("weir.probe.success", "{probe}", success, 1))
		case probe.Failed:
			kind(add("weir.probe.success", "{probe}", success, 0))
		}
		kind(add("weir.probe.duration", "s", "How long a probe took.", f.Took))
		if f.Value == nil {
			continue
		}
		switch f.Kind {
		case probe.TLS, probe.HTTP:
			name(add("weir.probe.tls.expiry", "s", "Time until a certificate expires; negative after it has.", *f.Value))
		case probe.Clock:
			name(add("weir.probe.clock.skew", "s", "By how much this machine's clock is ahead of a server's.", *f.Value))
		default:
			kind(add("weir.probe.available", "1", "Share of a disk's room, of its inodes or of memory that is available.", *f.Value))
		}
	}
}

const success = "1 if a probe found what it looks at as it should be, or a warning; 0 if not."
