package consent

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// accepted is a policy with its acceptance, and when the signatures on that end.
type accepted struct {
	policy     *policy.Policy
	acceptance Acceptance
	until      time.Time
}

// ratchet decides on a policy that nobody accepted, by the one accepted last.
func (c *clerk) ratchet(p *policy.Policy) Decision {
	unaccepted := Decision{State: Unaccepted, Policy: p, Err: fmt.Errorf("policy %s is not accepted: run %s", c.file, c.acceptHint(""))}
	var err error
	switch unaccepted.Refusal, err = refusal(c.fsys, c.data, p.Digest); {
	case err == nil:
		unaccepted.Err = fmt.Errorf("policy %s was refused by %s on %s: %s to let it out after all",
			c.file, unaccepted.Refusal.By, unaccepted.Refusal.At.Format(time.DateOnly), c.acceptHint(""))
	case !errors.Is(err, fs.ErrNotExist):
		unaccepted.Err = fmt.Errorf("policy %s: %w", c.file, err)
		return unaccepted
	}
	refused := unaccepted.Refusal != (Refusal{})
	base, err := c.lastAccepted(c.fsys, c.data, p, c.now)
	if err != nil {
		unaccepted.Err = fmt.Errorf("policy %s is not accepted, and what was before cannot be read: %w", c.file, err)
		return unaccepted
	}
	if base.policy == nil || base.policy.Expired(c.now) {
		return unaccepted
	}
	d := unaccepted
	diff := policy.Diff(base.policy, p)
	switch {
	case refused || p.Revision < base.policy.Revision || diff.Has(policy.Widened):
		d = c.meet(base, p, unaccepted)
	case p.Revision == base.policy.Revision && !diff.Has(policy.Narrowed):
		d = c.held(base, p)
	default:
		d = c.narrowed(base, p, diff)
	}
	if d.State == Active {
		d.AcceptedUntil = base.until
	}
	return d
}

// held keeps the accepted text in force, and its digest in the reports: what
// lies in the file is the same revision, and lets out the same.
func (c *clerk) held(base accepted, p *policy.Policy) Decision {
	own := base.own(p, fmt.Sprintf("says what revision %d does, in other words", p.Revision), c.now)
	own.As = base.policy.Digest
	a, err := c.record(p, own)
	if err != nil {
		return c.unrecorded(p, err)
	}
	return c.sameAs(base, p, a)
}

// same is the decision of [clerk.held] when it was written down before.
func (c *clerk) same(p *policy.Policy, a Acceptance) Decision {
	base, err := c.accepted(a.As)
	if errors.Is(err, fs.ErrNotExist) {
		return c.ratchet(p) // the text that it was held to is not accepted any more
	}
	if err != nil {
		return Decision{State: Unaccepted, Policy: p, Err: fmt.Errorf("policy %s says what was accepted, and that cannot be read: %w", c.file, err)}
	}
	return c.sameAs(base, p, a)
}

func (c *clerk) sameAs(base accepted, p *policy.Policy, a Acceptance) Decision {
	return Decision{State: Active, Policy: base.policy, Acceptance: base.acceptance, Right: RightSame, Same: p, SameAs: a, AcceptedUntil: base.until,
		Note: fmt.Sprintf("policy %s says what was accepted as revision %d, in other words; reports go on to quote the accepted text, %s",
			c.file, p.Revision, textFile(c.data, base.policy.Digest))}
}

// accepted returns the policy that was accepted under a digest.
func (c *clerk) accepted(d policy.Digest) (accepted, error) {
	a, err := readAcceptance(c.fsys, c.data, d)
	if err != nil {
		return accepted{}, err
	}
	until, err := c.stands(c.fsys, c.data, a, c.now)
	if err != nil {
		return accepted{}, err
	}
	p, err := Text(c.fsys, c.data, d)
	return accepted{policy: p, acceptance: a, until: until}, err
}

// narrowed lets a revision take effect that widens nothing.
func (c *clerk) narrowed(base accepted, p *policy.Policy, diff policy.Difference) Decision {
	reason := fmt.Sprintf("narrows revision %d", base.policy.Revision)
	if !diff.Has(policy.Narrowed) {
		reason = fmt.Sprintf("lets out what revision %d does", base.policy.Revision)
	}
	a, err := c.record(p, base.own(p, reason, c.now))
	if err != nil {
		return c.unrecorded(p, err)
	}
	return Decision{State: Active, Policy: p, Acceptance: a, Right: RightNarrowed, Note: narrowedNote(c.file, p, a)}
}

func narrowedNote(file string, p *policy.Policy, a Acceptance) string {
	return fmt.Sprintf("policy %s, revision %d, took effect by itself: it %s", file, p.Revision, a.Reason)
}

// meet lets out what both would. Where that is all that the accepted one lets
// out, the accepted one itself stays in force.
func (c *clerk) meet(base accepted, p *policy.Policy, unaccepted Decision) Decision {
	m, err := policy.Meet(base.policy, p)
	if err != nil || m.Expired(c.now) {
		return unaccepted
	}
	what, flag := "widens what may leave", ""
	if p.Revision < base.policy.Revision {
		what, flag = "is older than the one in force", " --rollback"
	}
	d := Decision{State: Active, Policy: base.policy, Acceptance: base.acceptance, Right: RightMeet, Pending: p, Base: base.policy, Refusal: unaccepted.Refusal}
	d.Note = fmt.Sprintf("policy %s, revision %d, %s and waits for acceptance; until then what it shares with revision %d leaves: "+
		"run 'weir policy diff %s %s', then %s",
		c.file, p.Revision, what, base.policy.Revision, textFile(c.data, base.policy.Digest), c.file, c.acceptHint(flag))
	if r := d.Refusal; r != (Refusal{}) {
		d.Note = fmt.Sprintf("policy %s, revision %d, was refused by %s on %s; what it shares with revision %d leaves",
			c.file, p.Revision, r.By, r.At.Format(time.DateOnly), base.policy.Revision)
	}
	if !policy.Diff(base.policy, m).Has(policy.Narrowed) {
		return d
	}
	own := base.own(m, fmt.Sprintf("what revisions %d and %d both let out, until %d is accepted", base.policy.Revision, p.Revision, p.Revision), c.now)
	own.With = p.Digest
	d.Policy = m
	if d.Acceptance, err = c.record(m, own); err != nil {
		return c.unrecorded(p, err)
	}
	return d
}

func (c *clerk) unrecorded(p *policy.Policy, err error) Decision {
	return Decision{State: Unaccepted, Policy: p, Err: fmt.Errorf(
		"policy %s could take effect by itself, but that cannot be written down: %w: check the data folder", c.file, err)}
}

// record writes an acceptance of Weir's own, unless a person's is there or one
// of its own that still holds.
func (c *clerk) record(p *policy.Policy, own Acceptance) (Acceptance, error) {
	if r, err := readRevocation(c.fsys, c.data, p.Digest); err == nil {
		return Acceptance{}, fmt.Errorf("%s took that back", r.By)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Acceptance{}, err
	}
	if r, err := refusal(c.fsys, c.data, p.Digest); err == nil {
		return Acceptance{}, fmt.Errorf("%s refused that", r.By)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Acceptance{}, err
	}
	decide := func(first Acceptance) (Acceptance, error) {
		if first.Digest.IsZero() {
			return own, nil
		}
		if _, err := c.stands(c.fsys, c.data, first, c.now); first.Own() && (err != nil || first.As != own.As) {
			return own, nil
		}
		return first, nil
	}
	if c.look {
		first, err := readAcceptance(c.fsys, c.data, p.Digest)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Acceptance{}, err
		}
		return decide(first)
	}
	return record(c.fsys, c.data, p, own, decide)
}

// own is Weir's acceptance of what does not go beyond the base.
func (b accepted) own(p *policy.Policy, reason string, now time.Time) Acceptance {
	a := Acceptance{Digest: p.Digest, By: ownName, Reason: reason, At: now.UTC().Truncate(time.Second), Base: b.policy.Digest}
	if b.acceptance.Own() {
		a.Base = b.acceptance.Base // not beyond the base, and so not beyond its base
	}
	return a
}

var errBaseGone = fmt.Errorf("the acceptance that it follows from was taken back: %w", fs.ErrNotExist)

// errWordUnsigned is an absence: what is not signed as demanded counts as none.
var errWordUnsigned = fmt.Errorf("the acceptance is not signed as demanded: %w", fs.ErrNotExist)

// stands reports whether an acceptance holds: a person's does, Weir's own as
// long as the person's does that it follows from. [fs.ErrNotExist] means that
// it does not; any other error that this cannot be said.
func stands(fsys vfs.FS, data string, a Acceptance) error {
	_, err := Rules{}.stands(fsys, data, a, time.Time{})
	return err
}

// stands does the same where acceptances must be signed, and says until when.
func (r Rules) stands(fsys vfs.FS, data string, a Acceptance, now time.Time) (until time.Time, err error) {
	if a.Own() {
		base, err := readAcceptance(fsys, data, a.Base)
		switch {
		case err != nil:
			return time.Time{}, err
		case base.Own():
			return time.Time{}, errBaseGone
		}
		a = base
	}
	if len(r.Accepters) == 0 {
		return time.Time{}, nil
	}
	if _, until, err = a.Verify(r.Accepters, r.AcceptThreshold, now); err != nil {
		return time.Time{}, errWordUnsigned
	}
	return until, nil
}

// Standing returns the accepted policy of a digest, with no regard to which file
// is configured: what was recorded under an earlier policy may still be sent
// while that one stands. The ratchet moves for a configured file only, and
// signatures were demanded when it was recorded.
func Standing(fsys vfs.FS, data string, d policy.Digest) (*policy.Policy, Acceptance, error) {
	a, err := readAcceptance(fsys, data, d)
	if err == nil {
		err = stands(fsys, data, a)
	}
	if err != nil {
		return nil, Acceptance{}, err
	}
	p, err := Text(fsys, data, d)
	return p, a, err
}

// Text returns the policy of a digest that was accepted or refused once, whether
// that still holds or not.
func Text(fsys vfs.FS, data string, d policy.Digest) (*policy.Policy, error) {
	file := textFile(data, d)
	source, err := readPolicy(fsys, file)
	if err != nil {
		return nil, err
	}
	p, err := policy.Parse(file, source)
	if err != nil {
		return nil, fmt.Errorf("the accepted policy %s is not valid for this Weir", file)
	}
	if p.Digest != d {
		return nil, fmt.Errorf("the accepted policy %s is not the text that was accepted: put that back", file)
	}
	return p, nil
}

// lastAccepted is the policy of p's product that was accepted last. Meets are
// left out, since none of them was in a file, and so are other words for what was
// accepted. The policy is nil if there is none. An acceptance that cannot be read
// might be the last, so that is an error.
func (r Rules) lastAccepted(fsys vfs.FS, data string, p *policy.Policy, now time.Time) (accepted, error) {
	list, err := acceptances(fsys, data)
	if err != nil {
		return accepted{}, err
	}
	for _, a := range list {
		if !a.With.IsZero() || !a.As.IsZero() {
			continue
		}
		until, err := r.stands(fsys, data, a, now)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return accepted{}, err
		}
		q, err := Text(fsys, data, a.Digest)
		if err != nil {
			return accepted{}, err
		}
		if q.Product == p.Product && q.Vendor == p.Vendor {
			return accepted{policy: q, acceptance: a, until: until}, nil
		}
	}
	return accepted{}, nil
}

// acceptances lists all of them, the last first.
func acceptances(fsys vfs.FS, data string) ([]Acceptance, error) {
	var list []Acceptance
	err := each(fsys, data, ".json", func(d policy.Digest) error {
		a, err := readAcceptance(fsys, data, d)
		switch {
		case errors.Is(err, errRevoked), errors.Is(err, errRefused):
			return nil
		case err != nil:
			return fmt.Errorf("%w: remove that file", err)
		}
		list = append(list, a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b Acceptance) int {
		if a.Order != b.Order {
			return b.Order - a.Order
		}
		return b.At.Compare(a.At)
	})
	return list, nil
}

// nextOrder is the number of the next acceptance, revocation or refusal. One that
// cannot be read has none to go by.
func nextOrder(fsys vfs.FS, data string) (int, error) {
	list, err := acceptances(fsys, data)
	if err != nil {
		return 0, err
	}
	taken, err := Revocations(fsys, data)
	if err != nil {
		return 0, err
	}
	refused, err := Refusals(fsys, data)
	if err != nil {
		return 0, err
	}
	order := 0
	for _, r := range refused {
		order = max(order, r.Order)
	}
	for _, a := range list {
		order = max(order, a.Order)
	}
	for _, r := range taken {
		order = max(order, r.Order)
	}
	return order + 1, nil
}
