package consent

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// accepted is a policy with its acceptance.
type accepted struct {
	policy     *policy.Policy
	acceptance Acceptance
}

// ratchet decides on a policy that nobody accepted, by the one accepted last.
func ratchet(fsys vfs.FS, data, file string, p *policy.Policy, now time.Time) Decision {
	unaccepted := Decision{State: Unaccepted, Policy: p,
		Err: fmt.Errorf("policy %s is not accepted: run 'weir policy accept %s --by NAME --reason TEXT'", file, file)}
	base, err := lastAccepted(fsys, data, p)
	if err != nil {
		unaccepted.Err = fmt.Errorf("policy %s is not accepted, and what was before cannot be read: %w", file, err)
		return unaccepted
	}
	if base.policy == nil || base.policy.Expired(now) {
		return unaccepted
	}
	if p.Revision >= base.policy.Revision && !policy.Diff(base.policy, p).Has(policy.Widened) {
		return narrowed(fsys, data, file, base, p, now)
	}
	return meet(fsys, data, file, base, p, now, unaccepted)
}

// narrowed lets a revision take effect that widens nothing.
func narrowed(fsys vfs.FS, data, file string, base accepted, p *policy.Policy, now time.Time) Decision {
	reason := fmt.Sprintf("narrows revision %d", base.policy.Revision)
	if !policy.Diff(base.policy, p).Has(policy.Narrowed) {
		reason = fmt.Sprintf("lets out what revision %d does", base.policy.Revision)
	}
	a, err := record(fsys, data, p, base.own(p, reason, now))
	if err != nil {
		return unrecorded(file, p, err)
	}
	return Decision{State: Active, Policy: p, Acceptance: a, Right: RightNarrowed, Note: narrowedNote(file, p, a)}
}

func narrowedNote(file string, p *policy.Policy, a Acceptance) string {
	return fmt.Sprintf("policy %s, revision %d, took effect by itself: it %s", file, p.Revision, a.Reason)
}

// meet lets out what both would. Where that is all that the accepted one lets
// out, the accepted one itself stays in force.
func meet(fsys vfs.FS, data, file string, base accepted, p *policy.Policy, now time.Time, unaccepted Decision) Decision {
	m, err := policy.Meet(base.policy, p)
	if err != nil || m.Expired(now) {
		return unaccepted
	}
	what, flag := "widens what may leave", ""
	if p.Revision < base.policy.Revision {
		what, flag = "is older than the one in force", " --rollback"
	}
	d := Decision{State: Active, Policy: base.policy, Acceptance: base.acceptance, Right: RightMeet, Pending: p}
	d.Note = fmt.Sprintf("policy %s, revision %d, %s and waits for acceptance; until then what it shares with revision %d leaves: "+
		"run 'weir policy diff %s %s', then 'weir policy accept %s%s --by NAME --reason TEXT'",
		file, p.Revision, what, base.policy.Revision, textFile(data, base.policy.Digest), file, file, flag)
	if !policy.Diff(base.policy, m).Has(policy.Narrowed) {
		return d
	}
	own := base.own(m, fmt.Sprintf("what revisions %d and %d both let out, until %d is accepted", base.policy.Revision, p.Revision, p.Revision), now)
	own.With = p.Digest
	d.Policy = m
	if d.Acceptance, err = record(fsys, data, m, own); err != nil {
		return unrecorded(file, p, err)
	}
	return d
}

func unrecorded(file string, p *policy.Policy, err error) Decision {
	return Decision{State: Unaccepted, Policy: p, Err: fmt.Errorf(
		"policy %s could take effect by itself, but that cannot be written down: %w: check the data folder", file, err)}
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

// stands reports whether an acceptance holds: a person's does, Weir's own as
// long as the person's does that it follows from. [fs.ErrNotExist] means that
// it does not; any other error that this cannot be said.
func stands(fsys vfs.FS, data string, a Acceptance) error {
	if !a.Own() {
		return nil
	}
	base, err := readAcceptance(fsys, data, a.Base)
	switch {
	case err != nil:
		return err
	case base.Own():
		return errBaseGone
	}
	return nil
}

// Standing returns the accepted policy of a digest, with no regard to which file
// is configured: what was recorded under an earlier policy may still be sent
// while that one stands. The ratchet moves for a configured file only.
func Standing(fsys vfs.FS, data string, d policy.Digest) (*policy.Policy, Acceptance, error) {
	a, err := readAcceptance(fsys, data, d)
	if err == nil {
		err = stands(fsys, data, a)
	}
	if err != nil {
		return nil, Acceptance{}, err
	}
	p, err := readText(fsys, data, d)
	return p, a, err
}

func readText(fsys vfs.FS, data string, d policy.Digest) (*policy.Policy, error) {
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

// lastAccepted is the policy of p's product that was accepted last, meets left
// out: none of them was in a file. The policy is nil if there is none. An acceptance
// that cannot be read might be the last, so that is an error.
func lastAccepted(fsys vfs.FS, data string, p *policy.Policy) (accepted, error) {
	list, err := acceptances(fsys, data)
	if err != nil {
		return accepted{}, err
	}
	for _, a := range list {
		if !a.With.IsZero() {
			continue
		}
		switch err := stands(fsys, data, a); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return accepted{}, err
		}
		q, err := readText(fsys, data, a.Digest)
		if err != nil {
			return accepted{}, err
		}
		if q.Product == p.Product && q.Vendor == p.Vendor {
			return accepted{policy: q, acceptance: a}, nil
		}
	}
	return accepted{}, nil
}

// acceptances lists all of them, the last first.
func acceptances(fsys vfs.FS, data string) ([]Acceptance, error) {
	files, err := fsys.ReadDir(filepath.Join(data, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the acceptances: %w", pathless(err))
	}
	var list []Acceptance
	for _, f := range files {
		d, err := policy.ParseDigest(strings.TrimSuffix(f.Name(), ".json"))
		if err != nil || !strings.HasSuffix(f.Name(), ".json") {
			continue
		}
		a, err := readAcceptance(fsys, data, d)
		if err != nil {
			return nil, fmt.Errorf("%w: remove that file", err)
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Acceptance) int {
		if a.Order != b.Order {
			return b.Order - a.Order
		}
		return b.At.Compare(a.At)
	})
	return list, nil
}

// nextOrder is the number of the next acceptance. One that cannot be read has
// none to go by.
func nextOrder(fsys vfs.FS, data string) (int, error) {
	list, err := acceptances(fsys, data)
	if err != nil {
		return 0, err
	}
	if len(list) == 0 {
		return 1, nil
	}
	return list[0].Order + 1, nil
}
