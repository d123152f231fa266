// Package gate is the last check of a report before it leaves, and the first
// of one that arrives. It knows the policy and nothing of the code that builds
// reports, so that a mistake there does not repeat itself here.
//
// It does not look for what is forbidden. It reads from the report the few
// things that the policy leaves open (the identity's values, two times, a
// sequence, which dictionary series there are, numbers on their grids), checks
// each, and writes from them and the policy alone the one report that says so.
// What it was given must be that report, to the byte. So a field that nobody
// thought of, or that OTLP gains tomorrow, is refused without being known.
//
// [Check] sees one report at a time. [Meter] remembers how much it let pass,
// and lets no more bits out than the policy declares. That totals only grow, and
// that sequences follow each other, is for others who remember (the ledger, the
// fleet).
package gate

import (
	"bytes"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// The names that Weir adds to what the policy names.
const (
	SequenceMetric  = "weir.report.sequence"
	SequenceUnit    = "{report}"
	DigestAttribute = "weir.policy.digest"
	InstallKey      = "weir.install.id"
	ScopeName       = "weir"
)

// Facts are what the caller knows about the report from elsewhere.
type Facts struct {
	// Install is the id that the report must carry; empty: any.
	Install string
	// Sequence is the number that it must carry; 0: any positive one.
	Sequence uint64
	// Now is the caller's clock.
	Now time.Time
	// MaxSkew bounds how far the report's time may lie after Now, MaxAge how
	// far before; 0: not checked. They are two because what the ledger sends
	// again after an outage is old and in order.
	MaxSkew, MaxAge time.Duration
	// Running is how long the caller has been running, by a clock that nobody
	// sets. Only [Meter] asks for it.
	Running time.Duration
}

// Check returns nil if md is a report that p allows, as Weir writes it, and a
// *[Refusal] otherwise. It only reads md.
func Check(p *policy.Policy, md pmetric.Metrics, f Facts) error {
	_, err := check(p, md, f)
	return err
}

// CheckBytes is [Check] on a marshalled report. It also refuses every other
// encoding of the same report: unknown fields, repeated fields of which the
// last wins, numbers that are longer than they need to be.
func CheckBytes(p *policy.Policy, data []byte, f Facts) error {
	_, err := checkBytes(p, data, f)
	return err
}

func checkBytes(p *policy.Policy, data []byte, f Facts) (pmetric.Metrics, error) {
	if len(data) > maxSize(p) {
		return pmetric.Metrics{}, refuse(Oversized)
	}
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(data)
	if err != nil {
		return pmetric.Metrics{}, refuse(Malformed) // the parser's words may quote the data
	}
	canonical, err := check(p, md, f)
	if err != nil {
		return pmetric.Metrics{}, err
	}
	if !bytes.Equal(data, canonical) {
		return pmetric.Metrics{}, refuse(Encoding)
	}
	return md, nil
}

// check returns the report's only encoding.
func check(p *policy.Policy, md pmetric.Metrics, f Facts) ([]byte, error) {
	c := &checker{policy: p, facts: f, out: pmetric.NewMetrics()}
	if r := c.report(md); r != nil {
		if c.signal != nil {
			r.Signal = c.signal.Name
		}
		return nil, r
	}
	marshaler := &pmetric.ProtoMarshaler{}
	want, err := marshaler.MarshalMetrics(c.out)
	if err != nil {
		return nil, refuse(Malformed)
	}
	got, err := marshaler.MarshalMetrics(md)
	if err != nil {
		return nil, refuse(Malformed)
	}
	if !bytes.Equal(got, want) {
		return nil, refuse(Encoding)
	}
	return want, nil
}

// checker walks one report and writes the canonical one beside it.
type checker struct {
	policy *policy.Policy
	facts  Facts
	out    pmetric.Metrics
	signal *policy.Signal // the one being checked

	time, start pcommon.Timestamp // of all points; start is 0 until the first is seen
}

func (c *checker) report(md pmetric.Metrics) *Refusal {
	if md.ResourceMetrics().Len() != 1 {
		return refuse(ResourceCount)
	}
	rm := md.ResourceMetrics().At(0)
	outRM := c.out.ResourceMetrics().AppendEmpty()
	if rm.SchemaUrl() != "" {
		return refuse(SchemaURL)
	}
	if rm.Resource().DroppedAttributesCount() != 0 {
		return refuse(DroppedCount)
	}
	if r := c.resource(rm.Resource().Attributes(), outRM.Resource().Attributes()); r != nil {
		return r
	}
	if rm.ScopeMetrics().Len() != 1 {
		return refuse(ScopeCount)
	}
	sm := rm.ScopeMetrics().At(0)
	outSM := outRM.ScopeMetrics().AppendEmpty()
	scope := sm.Scope()
	switch {
	case sm.SchemaUrl() != "":
		return refuse(SchemaURL)
	case scope.DroppedAttributesCount() != 0:
		return refuse(DroppedCount)
	case scope.Name() != ScopeName || scope.Version() != "" || scope.Attributes().Len() != 0:
		return refuse(Scope)
	}
	outSM.Scope().SetName(ScopeName)
	return c.metrics(sm.Metrics(), outSM.Metrics())
}

// resource checks the identity. Its keys are the policy's and the digest's,
// sorted; a key that comes twice makes one too many.
func (c *checker) resource(in, out pcommon.Map) *Refusal {
	want := make([]policy.Attribute, 0, len(c.policy.Identity)+1)
	digest := policy.Attribute{Key: DigestAttribute}
	for _, a := range c.policy.Identity {
		if digest.Key != "" && a.Key > DigestAttribute {
			want, digest = append(want, digest), policy.Attribute{}
		}
		want = append(want, a)
	}
	if digest.Key != "" {
		want = append(want, digest)
	}
	if in.Len() != len(want) {
		return refuse(ResourceAttributes)
	}
	i := 0
	for key, value := range in.All() {
		a := want[i]
		i++
		if key != a.Key {
			return refuse(ResourceAttributes)
		}
		if a.Key == DigestAttribute {
			if value.Type() != pcommon.ValueTypeStr || value.Str() != c.policy.Digest.String() {
				return refuse(PolicyDigest)
			}
			out.PutStr(DigestAttribute, c.policy.Digest.String())
			continue
		}
		text, ok := copyValue(a, value, out)
		if !ok {
			return refuse(IdentityValue)
		}
		if a.Key == InstallKey && c.facts.Install != "" && text != c.facts.Install {
			return refuse(Install)
		}
	}
	return nil
}
