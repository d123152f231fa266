// Package consent decides whether anything may leave at all: whether there is
// a policy, whether it is whole and in force, and whether the customer has
// accepted exactly these bytes of it.
//
// An acceptance names a digest. It lies in the data folder as two files,
// policy/<digest>.yaml, the accepted text as it was, and policy/<digest>.json,
// who accepted it, when and why. A policy file that changed by one byte has
// another digest and is unaccepted; one that changes back is accepted again.
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
	Unaccepted State = "unaccepted" // nobody accepted these bytes
	Expired    State = "expired"    // its last day is over
)

// States lists all of them, for those who count.
var States = []State{Active, NoPolicy, Unreadable, Invalid, Unaccepted, Expired}

// Acceptance is the customer's word for one digest.
type Acceptance struct {
	Digest policy.Digest `json:"digest"`
	By     string        `json:"by"`
	Reason string        `json:"reason"`
	At     time.Time     `json:"at"`
}

// Decision is the answer at one moment.
type Decision struct {
	State State
	// Policy is what the file says, if it could be parsed. It is in force only
	// if State is Active.
	Policy *policy.Policy
	// Acceptance is set if these bytes were accepted.
	Acceptance Acceptance
	// Err is nil if State is Active, and otherwise one line for a person:
	// what is wrong, and what to do.
	Err error
}

// Source is where components ask. The `policy` extension is one.
type Source interface {
	// Decision is cheap and safe for concurrent use. It may differ from one
	// call to the next; take it once for each report.
	Decision() Decision
	// Install is who reports. It does not change.
	Install() install.Install
}
