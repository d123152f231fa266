package consent

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// The longest name and reason, in bytes. Both go into the ledger.
const (
	MaxBy     = 200
	MaxReason = 1000
)

const folder = "policy"

// Folder is where all acceptances lie. Its time changes when one comes or goes.
func Folder(data string) string { return filepath.Join(data, folder) }

// AcceptanceFile is where the acceptance of a digest lies. Looking at its time
// and size is enough to see that it came, changed or went.
func AcceptanceFile(data string, d policy.Digest) string {
	return filepath.Join(data, folder, d.String()+".json")
}

// ErrRollback is returned for a policy whose revision is lower than that of the
// one accepted last: an older text may let out what was since taken out.
var ErrRollback = errors.New("an older revision than the one accepted last")

// ErrWorded is returned where a person has signed an acceptance with other words.
var ErrWorded = errors.New("it was accepted with other words, which are signed: sign those, or take them back first")

// Word is what a person says by accepting a policy.
type Word struct {
	By, Reason string
	// Rollback accepts an older revision than the one accepted last.
	Rollback bool
	// Signer, if there is one, signs the acceptance, and Expires is the last day
	// on which that counts. See [Acceptance.Words].
	Signer  note.Signer
	Expires time.Time
}

// Accept is [Word.Accept] by somebody who signs nothing.
func Accept(fsys vfs.FS, data string, p *policy.Policy, by, reason string, now time.Time) (Acceptance, error) {
	return Word{By: by, Reason: reason}.Accept(fsys, data, p, now)
}

// Accept records that a person accepts the policy. When it returns nil, the
// acceptance is durable. A digest is accepted once: a second acceptance changes
// nothing and returns the first, unless that was Weir's own. With a signer it
// adds a signature to what was signed before, if the words are the same or left
// out; an acceptance without signatures, or with ones that have expired, is
// replaced.
//
// The accepted text is written before the acceptance, so that whoever finds
// the second can read the first. The names of the folders are synced last;
// until then the caller has no answer.
func (w Word) Accept(fsys vfs.FS, data string, p *policy.Policy, now time.Time) (Acceptance, error) {
	a := Acceptance{Digest: p.Digest, By: w.By, Reason: w.Reason, At: now.UTC().Truncate(time.Second)}
	first, err := readAcceptance(fsys, data, p.Digest)
	if err == nil && first.signedAt(now) && w.Signer != nil && w.By == "" && w.Reason == "" {
		a.By, a.Reason = first.By, first.Reason
	}
	if w.Signer != nil {
		a.Expires = w.Expires.UTC().Format(time.DateOnly)
	}
	if err := a.validate(); err != nil {
		return Acceptance{}, err
	}
	if p.Expired(now) {
		return Acceptance{}, fmt.Errorf("accept the policy: its last day was %s: ask %s for a new revision",
			p.Expires.Add(-time.Nanosecond).UTC().Format(time.DateOnly), p.Vendor)
	}
	if !w.Rollback && err != nil {
		last, err := Rules{}.lastAccepted(fsys, data, p, now)
		if err != nil {
			return Acceptance{}, fmt.Errorf("accept the policy: %w", err)
		}
		if last.policy != nil && p.Revision < last.policy.Revision {
			return Acceptance{}, fmt.Errorf("accept revision %d after revision %d: %w", p.Revision, last.policy.Revision, ErrRollback)
		}
	}
	a, err = record(fsys, data, p, a, func(first Acceptance) (Acceptance, error) { return w.after(first, a, now) })
	if err != nil {
		return Acceptance{}, fmt.Errorf("accept the policy: %w", err)
	}
	return a, nil
}

// after is what becomes of the acceptance a where the first one holds; the zero
// first stands for none.
func (w Word) after(first, a Acceptance, now time.Time) (Acceptance, error) {
	switch {
	case first.Own() || first.Digest.IsZero():
	case w.Signer == nil:
		return first, nil
	case first.signedAt(now):
		if first.By != a.By || first.Reason != a.Reason {
			return Acceptance{}, ErrWorded
		}
		a = first
	default:
		a.Order = first.Order // who signs what was accepted decides nothing anew
	}
	if w.Signer == nil {
		return a, nil
	}
	return a.sign(w.Signer)
}

// signedAt reports whether there are signatures in time.
func (a Acceptance) signedAt(now time.Time) bool { return a.Note != "" && now.Before(a.until()) }

// record writes the acceptance a of p, or what decide makes of it where another
// one holds already. What is there and stays is not written again.
func record(fsys vfs.FS, data string, p *policy.Policy, a Acceptance, decide func(first Acceptance) (Acceptance, error)) (Acceptance, error) {
	dir := filepath.Join(data, folder)
	if err := fsys.MkdirAll(dir, 0o755); err != nil {
		return Acceptance{}, err
	}
	lock, err := fsys.Lock(filepath.Join(dir, "accept.lock"))
	if err != nil {
		return Acceptance{}, err
	}
	defer lock.Close()

	first, err := readAcceptance(fsys, data, a.Digest)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Acceptance{}, fmt.Errorf("%w: remove that file and accept again", err)
	}
	if a, err = decide(first); err != nil {
		return Acceptance{}, err
	}
	if a != first {
		if a.Order == 0 {
			if a.Order, err = nextOrder(fsys, data); err != nil {
				return Acceptance{}, err
			}
		}
		if err := writeDecision(fsys, data, AcceptanceFile(data, a.Digest), p, a); err != nil {
			return Acceptance{}, err
		}
	}
	if err := syncDecisions(fsys, data); err != nil {
		return Acceptance{}, err
	}
	return a, nil
}

// readAcceptance returns fs.ErrNotExist only if there is none that holds.
func readAcceptance(fsys vfs.FS, data string, d policy.Digest) (Acceptance, error) {
	name := AcceptanceFile(data, d)
	var a Acceptance
	if err := readDecision(fsys, name, &a); err != nil {
		if errors.Is(err, errForeign) {
			return Acceptance{}, fmt.Errorf("its acceptance %s %w", name, err)
		}
		return Acceptance{}, fmt.Errorf("its acceptance cannot be read: %w", err)
	}
	if a.Digest != d {
		return Acceptance{}, fmt.Errorf("its acceptance %s names another digest", name)
	}
	if a.validate() != nil || a.At.IsZero() {
		return Acceptance{}, fmt.Errorf("its acceptance %s does not say who, when and why", name)
	}
	switch r, err := readRevocation(fsys, data, d); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return Acceptance{}, err
	case r.Order >= a.Order:
		return Acceptance{}, errRevoked
	}
	switch r, err := readRefusal(fsys, data, d); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return Acceptance{}, err
	case r.Order >= a.Order:
		return Acceptance{}, errRefused
	}
	return a, nil
}

func (a Acceptance) validate() error {
	return errors.Join(
		checkText("by", "say who accepts", a.By, MaxBy),
		checkText("reason", "say why", a.Reason, MaxReason))
}

func checkText(what, hint, s string, limit int) error {
	switch {
	case strings.TrimSpace(s) == "":
		return fmt.Errorf("%s is empty: %s", what, hint)
	case len(s) > limit:
		return fmt.Errorf("%s is longer than %d bytes: shorten it", what, limit)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%s is not one line of plain text: remove control characters", what)
	}
	return nil
}
