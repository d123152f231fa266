package consent

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// Refusal is the customer's word that a revision shall not take effect. It
// changes nothing of what leaves: a revision that waits lets nothing more out
// than before, and one that only narrows does not take effect by itself any
// more. Whoever accepts the revision later, supersedes it.
//
// Rules for change: as for [Acceptance].
type Refusal struct {
	Digest   policy.Digest `json:"digest"`
	Revision int           `json:"revision"`
	By       string        `json:"by"`
	Reason   string        `json:"reason"`
	At       time.Time     `json:"at"`
	// Order is counted with the acceptances': the higher of the two holds.
	Order int `json:"order"`
}

// ErrAccepted is returned for a policy that cannot be refused any more.
var ErrAccepted = errors.New("it is accepted: take that back instead")

// errRefused is an absence: the acceptance counts as none.
var errRefused = fmt.Errorf("the policy was refused since: %w", fs.ErrNotExist)

// errDecidedSince is an absence: the refusal counts as none.
var errDecidedSince = fmt.Errorf("the policy was accepted since: %w", fs.ErrNotExist)

// RefusalFile is where the refusal of a digest lies, beside the refused text.
func RefusalFile(data string, d policy.Digest) string {
	return filepath.Join(data, folder, d.String()+".refused")
}

// Refuse records that a person refuses the policy. When it returns nil, the
// refusal is durable. A digest is refused once: a second refusal changes nothing
// and returns the first.
//
// Whoever keeps the record is told first: what holds has been recorded. A crash
// in between leaves a record of what a person did say.
func Refuse(fsys vfs.FS, data string, p *policy.Policy, by, reason string, now time.Time, tell func(Refusal) error) (Refusal, error) {
	if err := (Acceptance{By: by, Reason: reason}).validate(); err != nil {
		return Refusal{}, err
	}
	r := Refusal{Digest: p.Digest, Revision: p.Revision, By: by, Reason: reason, At: now.UTC().Truncate(time.Second)}
	dir := filepath.Join(data, folder)
	if err := fsys.MkdirAll(dir, 0o755); err != nil {
		return Refusal{}, fmt.Errorf("refuse the policy: %w", err)
	}
	lock, err := fsys.Lock(filepath.Join(dir, "accept.lock"))
	if err != nil {
		return Refusal{}, fmt.Errorf("refuse the policy: %w", err)
	}
	defer lock.Close()
	switch first, err := refusal(fsys, data, p.Digest); {
	case err == nil:
		return first, nil
	case !errors.Is(err, fs.ErrNotExist):
		return Refusal{}, fmt.Errorf("refuse the policy: %w", err)
	}
	a, err := readAcceptance(fsys, data, p.Digest)
	if err == nil {
		err = stands(fsys, data, a)
	}
	switch {
	case err == nil:
		return Refusal{}, ErrAccepted
	case !errors.Is(err, fs.ErrNotExist):
		return Refusal{}, fmt.Errorf("refuse the policy: %w", err)
	}
	if r.Order, err = nextOrder(fsys, data); err != nil {
		return Refusal{}, fmt.Errorf("refuse the policy: %w", err)
	}
	if err := tell(r); err != nil {
		return Refusal{}, fmt.Errorf("refuse the policy: %w", err)
	}
	if err := writeDecision(fsys, data, RefusalFile(data, r.Digest), p, r); err != nil {
		return Refusal{}, fmt.Errorf("refuse the policy: %w", err)
	}
	if err := syncDecisions(fsys, data); err != nil {
		return Refusal{}, fmt.Errorf("refuse the policy: %w", err)
	}
	return r, nil
}

// Refusals lists those that hold, in no order.
func Refusals(fsys vfs.FS, data string) ([]Refusal, error) {
	var list []Refusal
	err := each(fsys, data, ".refused", func(d policy.Digest) error {
		r, err := refusal(fsys, data, d)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		list = append(list, r)
		return err
	})
	return list, err
}

// refusal returns fs.ErrNotExist only if there is none that holds: neither an
// acceptance nor its revocation came after it.
func refusal(fsys vfs.FS, data string, d policy.Digest) (Refusal, error) {
	r, err := readRefusal(fsys, data, d)
	if err != nil {
		return Refusal{}, err
	}
	switch _, err := readAcceptance(fsys, data, d); {
	case err == nil:
		return Refusal{}, errDecidedSince
	case !errors.Is(err, fs.ErrNotExist):
		return Refusal{}, err
	}
	switch taken, err := readRevocation(fsys, data, d); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return Refusal{}, err
	case taken.Order > r.Order:
		return Refusal{}, errDecidedSince
	}
	return r, nil
}

// readRefusal returns fs.ErrNotExist only if there is no file.
func readRefusal(fsys vfs.FS, data string, d policy.Digest) (Refusal, error) {
	name := RefusalFile(data, d)
	var r Refusal
	err := readDecision(fsys, name, &r)
	if err == nil && (r.Digest != d || r.At.IsZero() || r.Order < 1 || (Acceptance{By: r.By, Reason: r.Reason}).validate() != nil) {
		err = errForeign
	}
	switch {
	case errors.Is(err, errForeign):
		return Refusal{}, fmt.Errorf("its refusal %s %w: nothing leaves while it is there", name, err)
	case err != nil:
		return Refusal{}, fmt.Errorf("its refusal cannot be read: %w", err)
	}
	return r, nil
}

// each calls f with every digest that a file with the suffix is named for.
func each(fsys vfs.FS, data, suffix string, f func(policy.Digest) error) error {
	files, err := fsys.ReadDir(filepath.Join(data, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list the policies that were decided on: %w", pathless(err))
	}
	for _, file := range files {
		name, ok := strings.CutSuffix(file.Name(), suffix)
		d, err := policy.ParseDigest(name)
		if !ok || err != nil {
			continue
		}
		if err := f(d); err != nil {
			return err
		}
	}
	return nil
}
