// Package consent decides whether anything may leave at all: whether there is
// a policy, whether it is whole and in force, and whether the customer has
// accepted exactly these bytes of it.
//
// An acceptance names a digest. It lies in the data folder as two files,
// policy/<digest>.yaml, the accepted text as it was, and policy/<digest>.json,
// who accepted it, when and why. A policy file that changed by one byte has
// another digest.
//
// Where nothing was accepted before, such a file lets nothing out. Where a
// revision was, consent is a ratchet: what only narrows takes effect by itself,
// and Weir writes that down as an acceptance of its own; while something is
// widened, or the revision is older, what both let out leaves, and no more
// ([policy.Meet]). A file that says the same under the same revision, in other
// words, is held to the accepted text, whose digest the reports go on to quote.
// Weir's own acceptances hold as long as the person's that they follow from.
//
// A person can refuse a revision ([Refuse]), so that it does not even take effect
// by narrowing, and take back what was accepted ([Revoke]), and an install can demand
// that acceptances are signed with the customer's own keys ([Rules]).
//
// [Resolve] never fails: whatever is wrong is a [Decision] other than
// [Active], under which nothing leaves and everything local goes on. The
// package holds no state, reads no clock and sends nothing.
package consent

import (
	"time"

	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// State says whether something may leave, and if not, why.
type State string

// The states. Only Active lets anything out.
const (
	Active     State = "active"
	NoPolicy   State = "no_policy"  // none is configured
	Unreadable State = "unreadable" // the file cannot be read
	Invalid    State = "invalid"    // the file has faults
	Unsigned   State = "unsigned"   // a signature is demanded of the vendor or the customer, and it is missing, wrong or expired
	Unaccepted State = "unaccepted" // nobody accepted these bytes
	Expired    State = "expired"    // its last day is over
)

// States lists all of them, for those who count.
var States = []State{Active, NoPolicy, Unreadable, Invalid, Unsigned, Unaccepted, Expired}

// Acceptance is the customer's word for one digest, or what Weir concluded from
// such a word.
//
// Rules for change: the ledger holds these for ever. Keys are added, never
// renamed or removed; one that is absent means what it meant before it existed.
type Acceptance struct {
	Digest policy.Digest `json:"digest"`
	By     string        `json:"by"`
	Reason string        `json:"reason"`
	At     time.Time     `json:"at"`
	// Order counts the acceptances of this install. The last one counts, and a
	// clock may go back.
	Order int `json:"order,omitzero"`
	// Base is set in Weir's own: the digest that a person accepted and that this
	// one does not go beyond. It holds while that acceptance does.
	Base policy.Digest `json:"base,omitzero"`
	// With is set if the digest is that of a meet: the revision that waits.
	With policy.Digest `json:"with,omitzero"`
	// As is set if the text says what an accepted one says, in other words: the
	// digest of that one, which reports go on to quote.
	As policy.Digest `json:"as,omitzero"`
	// Expires is the last day of the signatures, Note the signed note, if a
	// person has signed. See [Acceptance.Words].
	Expires string `json:"expires,omitzero"`
	Note    string `json:"note,omitzero"`
}

// Own reports whether the acceptance is Weir's conclusion, and no person's word.
func (a Acceptance) Own() bool { return !a.Base.IsZero() }

// ownName is who accepts by itself.
const ownName = "weir"

// Right is by what right a policy is in force.
type Right string

// The rights. There is none while nothing may leave.
const (
	RightAccepted Right = "accepted"           // a person accepted these bytes
	RightNarrowed Right = "narrowed by itself" // it widens nothing that was accepted
	RightSame     Right = "same"               // the file says what was accepted in other words; the accepted text is in force
	RightMeet     Right = "meet"               // a revision waits; what both let out leaves
)

// Decision is the answer at one moment.
type Decision struct {
	State State
	// Policy is what the file says, if it could be parsed. If State is Active, it
	// is the one in force, which under [RightMeet] and [RightSame] is not the file's.
	Policy *policy.Policy
	// Acceptance is that of Policy, if there is one.
	Acceptance Acceptance
	// Right is set if State is Active.
	Right Right
	// Pending is the file's policy while it waits for acceptance under
	// [RightMeet], and Base the accepted one that it is held against.
	Pending, Base *policy.Policy
	// Revocation is what took the file's policy back, if that is why nothing
	// leaves.
	Revocation Revocation
	// Refusal is a person's no to the file's policy, while it holds. It does not
	// wait for anybody then.
	Refusal Refusal
	// Same is the file's policy under [RightSame], SameAs Weir's acceptance of it.
	Same   *policy.Policy
	SameAs Acceptance
	// SignedUntil is when the signature on the file's policy ends, AcceptedUntil
	// when that on its acceptance does, if one is demanded.
	SignedUntil, AcceptedUntil time.Time
	// Note is one line for a person on a policy that is in force but was not
	// accepted by one: what happened, and what to do.
	Note string
	// Err is nil if State is Active, and otherwise one line for a person:
	// what is wrong, and what to do.
	Err error
}

// Waiting is the file's policy while it waits for a person: to be decided on, or
// for a signature on its acceptance. Nil: it does not.
func (d Decision) Waiting() *policy.Policy {
	switch {
	case d.Refusal != (Refusal{}):
	case d.State == Active:
		return d.Pending
	case d.State == Unaccepted && d.Revocation == (Revocation{}), d.State == Unsigned && !d.Acceptance.Digest.IsZero():
		return d.Policy
	}
	return nil
}

// Source is where components ask. The `policy` extension is one.
type Source interface {
	// Decision is cheap and safe for concurrent use. It may differ from one
	// call to the next; take it once for each report.
	Decision() Decision
	// Install is who reports. It does not change.
	Install() install.Install
}
