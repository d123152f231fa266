package consent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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

// Accept records that a person accepts the policy. When it returns nil, the
// acceptance is durable. A digest is accepted once: a second acceptance changes
// nothing and returns the first, unless that was Weir's own.
//
// The accepted text is written before the acceptance, so that whoever finds
// the second can read the first. The names of the folders are synced last;
// until then the caller has no answer.
func Accept(fsys vfs.FS, data string, p *policy.Policy, by, reason string, now time.Time) (Acceptance, error) {
	return acceptAs(fsys, data, p, by, reason, now, false)
}

// AcceptRollback is [Accept], also of an older revision.
func AcceptRollback(fsys vfs.FS, data string, p *policy.Policy, by, reason string, now time.Time) (Acceptance, error) {
	return acceptAs(fsys, data, p, by, reason, now, true)
}

func acceptAs(fsys vfs.FS, data string, p *policy.Policy, by, reason string, now time.Time, rollback bool) (Acceptance, error) {
	a := Acceptance{Digest: p.Digest, By: by, Reason: reason, At: now.UTC().Truncate(time.Second)}
	if err := a.validate(); err != nil {
		return Acceptance{}, err
	}
	if p.Expired(now) {
		return Acceptance{}, fmt.Errorf("accept the policy: its last day was %s: ask %s for a new revision",
			p.Expires.Add(-time.Nanosecond).UTC().Format(time.DateOnly), p.Vendor)
	}
	if !rollback {
		last, err := lastAccepted(fsys, data, p)
		if err != nil {
			return Acceptance{}, fmt.Errorf("accept the policy: %w", err)
		}
		if _, err := readAcceptance(fsys, data, p.Digest); err != nil && last.policy != nil && p.Revision < last.policy.Revision {
			return Acceptance{}, fmt.Errorf("accept revision %d after revision %d: %w", p.Revision, last.policy.Revision, ErrRollback)
		}
	}
	a, err := record(fsys, data, p, a)
	if err != nil {
		return Acceptance{}, fmt.Errorf("accept the policy: %w", err)
	}
	return a, nil
}

// record writes an acceptance that is not there yet. Weir's own gives way to a
// person's, and to one of its own that still holds.
func record(fsys vfs.FS, data string, p *policy.Policy, a Acceptance) (Acceptance, error) {
	dir := filepath.Join(data, folder)
	if err := fsys.MkdirAll(dir, 0o755); err != nil {
		return Acceptance{}, err
	}
	lock, err := fsys.Lock(filepath.Join(dir, "accept.lock"))
	if err != nil {
		return Acceptance{}, err
	}
	defer lock.Close()

	name := AcceptanceFile(data, a.Digest)
	first, err := readAcceptance(fsys, data, a.Digest)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Acceptance{}, fmt.Errorf("%w: remove that file and accept again", err)
	}
	if err == nil && (!first.Own() || a.Own() && stands(fsys, data, first) == nil) {
		a = first
	} else {
		if a.Order, err = nextOrder(fsys, data); err != nil {
			return Acceptance{}, err
		}
		text, err := json.MarshalIndent(a, "", "  ")
		if err != nil {
			return Acceptance{}, err
		}
		if err := vfs.WriteFileAtomic(fsys, textFile(data, a.Digest), p.Source, 0o644); err != nil {
			return Acceptance{}, err
		}
		if err := vfs.WriteFileAtomic(fsys, name, append(text, '\n'), 0o644); err != nil {
			return Acceptance{}, err
		}
	}
	for _, d := range []string{dir, data, filepath.Dir(filepath.Clean(data))} {
		if err := fsys.SyncDir(d); err != nil {
			return Acceptance{}, err
		}
	}
	return a, nil
}

// textFile is where the accepted text of a digest lies.
func textFile(data string, d policy.Digest) string {
	return strings.TrimSuffix(AcceptanceFile(data, d), ".json") + ".yaml"
}

// readAcceptance returns fs.ErrNotExist only if there is none.
func readAcceptance(fsys vfs.FS, data string, d policy.Digest) (Acceptance, error) {
	name := AcceptanceFile(data, d)
	text, err := vfs.ReadFile(fsys, name)
	if err != nil {
		return Acceptance{}, fmt.Errorf("its acceptance cannot be read: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var a Acceptance
	if err := dec.Decode(&a); err != nil || dec.More() {
		return Acceptance{}, fmt.Errorf("its acceptance %s is not the JSON that Weir wrote", name)
	}
	if a.Digest != d {
		return Acceptance{}, fmt.Errorf("its acceptance %s names another digest", name)
	}
	if a.validate() != nil || a.At.IsZero() {
		return Acceptance{}, fmt.Errorf("its acceptance %s does not say who, when and why", name)
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
