package console

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/ledger/inbox"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

type policyAnswer struct {
	State       consent.State       `json:"state"`
	Right       consent.Right       `json:"right,omitempty"`
	Explanation string              `json:"explanation"`
	InForce     *policy.Description `json:"in_force"`
	Accepted    *saidAnswer         `json:"accepted"`
	Pending     *pendingAnswer      `json:"pending"`
}

// saidAnswer is a person's word: who, why, when.
type saidAnswer struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// pendingAnswer is a revision that a person has to decide on, or has refused, and
// what it changes; Changes is empty where nothing was accepted before.
type pendingAnswer struct {
	Revision policy.Description `json:"revision"`
	Changes  []policy.DiffEntry `json:"changes"`
	Refused  *saidAnswer        `json:"refused"`
}

func (a *api) policy(*http.Request) (any, error) {
	return describe(a.Policy.Decision()), nil
}

func describe(d consent.Decision) policyAnswer {
	out := policyAnswer{State: d.State, Right: d.Right}
	switch {
	case d.Err != nil:
		out.Explanation = d.Err.Error()
	case d.Right == consent.RightMeet: // the page itself says what waits and offers the decision
		out.Explanation = fmt.Sprintf("what the entries below name may leave, and nothing else: what revisions %d and %d share", d.Base.Revision, d.Pending.Revision)
	case d.Note != "":
		out.Explanation = d.Note
	default:
		out.Explanation = "what the entries below name may leave, and nothing else"
	}
	if d.State == consent.Active {
		in := policy.Describe(d.Policy)
		out.InForce = &in
		out.Accepted = &saidAnswer{By: d.Acceptance.By, Reason: d.Acceptance.Reason, At: d.Acceptance.At.UTC()}
	}
	if waiting := pending(d); waiting != nil {
		out.Pending = &pendingAnswer{Revision: policy.Describe(waiting), Changes: []policy.DiffEntry{}}
		if d.Base != nil {
			out.Pending.Changes = policy.Diff(d.Base, waiting).Entries
		}
		if r := d.Refusal; r != (consent.Refusal{}) {
			out.Pending.Refused = &saidAnswer{By: r.By, Reason: r.Reason, At: r.At.UTC()}
		}
	}
	return out
}

// pending is the policy that waits for a person or was refused by one, or nil.
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

// decide reads a verdict on the revision that waits, and only on that one: what
// was looked at is what is decided on, also if the file changed in between.
func (a *api) decide(r *http.Request, what string, needs Role) (verdict, *policy.Policy, error) {
	user, may := a.Who(r)
	if !may.may(needs) {
		return verdict{}, nil, refuse(http.StatusForbidden, "%s a revision takes the role %s; yours is %s", what, needs, may)
	}
	var v verdict
	if err := read(r, &v); err != nil {
		return v, nil, err
	}
	v.By, v.Reason = strings.TrimSpace(v.By), strings.TrimSpace(v.Reason)
	if user != "" {
		v.By = user // who signed in is who decides
	}
	if v.By == "" || v.Reason == "" {
		return v, nil, refuse(http.StatusBadRequest, "say who decides and why: both are recorded")
	}
	waiting := pending(a.Policy.Decision())
	if waiting == nil || waiting.Digest != v.Digest {
		return v, nil, refuse(http.StatusConflict, "the revision that you looked at is not the one that waits now: look again")
	}
	return v, waiting, nil
}

// accept accepts the revision that waits. It takes effect when the policy
// extension looks next, within a second.
func (a *api) accept(r *http.Request) (any, error) {
	v, waiting, err := a.decide(r, "accepting", Approver)
	if err != nil {
		return nil, err
	}
	accepted, err := consent.Accept(a.FS, a.Data, waiting, v.By, v.Reason, a.Now())
	if err != nil {
		return nil, refuse(http.StatusConflict, "not accepted: %v", err)
	}
	return accepted, nil
}

// refuse refuses it. That lets nothing more out, so that a reviewer may do it.
func (a *api) refuse(r *http.Request) (any, error) {
	v, waiting, err := a.decide(r, "refusing", Reviewer)
	if err != nil {
		return nil, err
	}
	now := a.Now()
	refused, err := consent.Refuse(a.FS, a.Data, waiting, v.By, v.Reason, now, func(said consent.Refusal) error {
		return inbox.PutRefusal(a.FS, a.Data, waiting.Digest, waiting.Source, said, now)
	})
	if err != nil {
		return nil, refuse(http.StatusConflict, "not refused: %v", err)
	}
	return refused, nil
}
