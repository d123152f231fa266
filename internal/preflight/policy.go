package preflight

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// decide asks as the edge would, under its rules, and writes nothing.
func (s *Site) decide() (consent.Decision, error) {
	p := s.Settings.Policy
	rules := consent.Rules{Threshold: p.Threshold, AcceptThreshold: p.AcceptThreshold}
	var err error
	if rules.Verifiers, err = policy.ParseVerifiers(p.Verifiers); err != nil {
		return consent.Decision{}, fmt.Errorf("extensions::policy::verifiers: %w", err)
	}
	if rules.Accepters, err = policy.ParseVerifiers(p.Accepters); err != nil {
		return consent.Decision{}, fmt.Errorf("extensions::policy::require::acceptance_signature: %w", err)
	}
	return rules.Look(vfs.OS, p.Data, p.File.Value, s.System.Now()), nil
}

// policy looks whether something may leave. That nothing does is missing only if
// a policy is named.
func (s *Site) policy(context.Context) {
	file := s.Settings.Policy.File
	f := Finding{Check: "policy", About: "what may leave", Area: responsibilities.Approvals}
	d, err := s.decide()
	if err != nil {
		f.State, f.Evidence, f.Fix = Missing, err.Error(), "write the keys as 'weir policy keygen' prints them"
		s.add(f)
		return
	}
	if d.State != consent.Active {
		f.State, f.Evidence = Missing, "nothing leaves: "+d.Err.Error()
		f.Fix = map[consent.State]string{
			consent.NoPolicy:   "nothing, if nothing shall leave; else set " + file.change() + " to the vendor's allowlist",
			consent.Unreadable: "let the edge's user read " + file.Value + ", or set " + file.change(),
			consent.Invalid:    "weir policy lint " + file.Value,
			consent.Unsigned:   "have it signed: 'weir policy verify' and 'weir policy status' say by whom",
			consent.Unaccepted: fmt.Sprintf("weir policy explain %s, then weir policy accept %s", file.Value, file.Value),
			consent.Expired:    "ask the vendor for a revision that has not expired, and accept it",
		}[d.State]
		if d.State == consent.NoPolicy {
			f.State, f.Evidence = Warning, "nothing leaves: no policy is named"
		}
		s.add(f)
		return
	}
	f.State = Fine
	f.Evidence = fmt.Sprintf("revision %d of %s by %s is in force, accepted by %s", d.Policy.Revision, d.Policy.Product, d.Policy.Vendor, d.Acceptance.By)
	if end := d.Policy.Expires; !end.IsZero() && end.Sub(s.System.Now()) < probe.DefaultExpiresWithin {
		f.State = Warning
		f.Evidence += ", and nothing leaves from " + end.UTC().Format(time.RFC3339) + " on"
		f.Fix = "ask the vendor for its next revision, and accept it"
	}
	if w := d.Waiting(); w != nil {
		f.State = Warning
		f.Evidence += fmt.Sprintf("; revision %d waits for somebody to accept or refuse it", w.Revision)
		f.Fix = "weir policy status says what it would widen, weir policy accept takes it"
	}
	s.add(f)
}
