package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

type policyAnswer struct {
	State       consent.State       `json:"state"`
	Right       consent.Right       `json:"right,omitempty"`
	Explanation string              `json:"explanation"`
	InForce     *policy.Description `json:"in_force"`
	Accepted    *acceptedAnswer     `json:"accepted"`
	Pending     *pendingAnswer      `json:"pending"`
}

type acceptedAnswer struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// pendingAnswer is a revision that a person has to decide on, and what it
// changes; Changes is empty where nothing was accepted before.
type pendingAnswer struct {
	Revision policy.Description `json:"revision"`
	Changes  []policy.DiffEntry `json:"changes"`
}

func (a *api) policy(*http.Request) (any, error) {
	return describe(a.Policy.Decision()), nil
}

func describe(d consent.Decision) policyAnswer {
	out := policyAnswer{State: d.State, Right: d.Right}
	switch {
	case d.Err != nil:
		out.Explanation = d.Err.Error()
	case d.Note != "":
		out.Explanation = d.Note
	default:
		out.Explanation = "what the entries below name may leave, and nothing else"
	}
	if d.State == consent.Active {
		in := policy.Describe(d.Policy)
		out.InForce = &in
		out.Accepted = &acceptedAnswer{By: d.Acceptance.By, Reason: d.Acceptance.Reason, At: d.Acceptance.At.UTC()}
	}
	if waiting := pending(d); waiting != nil {
		out.Pending = &pendingAnswer{Revision: policy.Describe(waiting), Changes: []policy.DiffEntry{}}
		if d.Base != nil {
			out.Pending.Changes = policy.Diff(d.Base, waiting).Entries
		}
	}
	return out
}

// pending is the policy that waits for a person, or nil.
func pending(d consent.Decision) *policy.Policy {
	if d.Pending != nil {
		return d.Pending
	}
	if d.State == consent.Unaccepted {
		return d.Policy
	}
	return nil
}

type verdict struct {
	Digest policy.Digest `json:"digest"`
	By     string        `json:"by"`
	Reason string        `json:"reason"`
}

// accept accepts the revision that waits, and only that one: what was looked
// at is what is accepted, also if the file changed in between. It takes effect
// when the policy extension looks next, within a second.
func (a *api) accept(r *http.Request) (any, error) {
	user, may := a.Who(r)
	if !may.may(Approver) {
		return nil, refuse(http.StatusForbidden, "accepting a revision takes the role approver; yours is %s", may)
	}
	var v verdict
	if err := read(r, &v); err != nil {
		return nil, err
	}
	by, reason := strings.TrimSpace(v.By), strings.TrimSpace(v.Reason)
	if user != "" {
		by = user // who signed in is who accepts
	}
	if by == "" || reason == "" {
		return nil, refuse(http.StatusBadRequest, "say who accepts and why: both are recorded")
	}
	waiting := pending(a.Policy.Decision())
	if waiting == nil || waiting.Digest != v.Digest {
		return nil, refuse(http.StatusConflict, "the revision that you looked at is not the one that waits now: look again")
	}
	accepted, err := consent.Accept(a.FS, a.Data, waiting, by, reason, a.Now())
	if err != nil {
		return nil, refuse(http.StatusConflict, "not accepted: %v", err)
	}
	return accepted, nil
}
