package consent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// Revocation is the customer's word that an acceptance does not hold any more.
// Nothing leaves under its digest, by whatever right, until a person accepts it
// again.
//
// Rules for change: as for [Acceptance].
type Revocation struct {
	Digest policy.Digest `json:"digest"`
	By     string        `json:"by"`
	Reason string        `json:"reason"`
	At     time.Time     `json:"at"`
	// Order is counted with the acceptances': the higher of the two holds.
	Order int `json:"order"`
}

// ErrNotAccepted is returned for a digest under which nothing leaves anyway.
var ErrNotAccepted = errors.New("it is not accepted: there is nothing to take back")

// errRevoked is an absence: the acceptance counts as none.
var errRevoked = fmt.Errorf("its acceptance was taken back: %w", fs.ErrNotExist)

// RevocationFile is where the revocation of a digest lies.
func RevocationFile(data string, d policy.Digest) string {
	return filepath.Join(data, folder, d.String()+".revoked")
}

// Revoke takes an acceptance back. If it is Weir's own, the person's that it
// follows from is taken back with it: otherwise the next remark in the file
// would be accepted the same way. It returns what was taken back, the digest
// itself first; when it returns nil for an error, that is durable.
//
// The revocations are written before the acceptances are removed, and hold
// against one that a crash has left.
func Revoke(fsys vfs.FS, data string, d policy.Digest, by, reason string, now time.Time) ([]Revocation, error) {
	said := Acceptance{By: by, Reason: reason}
	if err := said.validate(); err != nil {
		return nil, err
	}
	a, err := readAcceptance(fsys, data, d)
	if err == nil {
		err = stands(fsys, data, a)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotAccepted
	}
	if err != nil {
		return nil, err
	}
	digests := []policy.Digest{d}
	if a.Own() {
		digests = append(digests, a.Base)
	}
	dir := filepath.Join(data, folder)
	lock, err := fsys.Lock(filepath.Join(dir, "accept.lock"))
	if err != nil {
		return nil, fmt.Errorf("take the acceptance back: %w", err)
	}
	defer lock.Close()
	order, err := nextOrder(fsys, data)
	if err != nil {
		return nil, fmt.Errorf("take the acceptance back: %w", err)
	}
	var list []Revocation
	for i, d := range digests {
		r := Revocation{Digest: d, By: by, Reason: reason, At: now.UTC().Truncate(time.Second), Order: order + i}
		text, err := json.MarshalIndent(r, "", "  ")
		if err == nil {
			err = vfs.WriteFileAtomic(fsys, RevocationFile(data, d), append(text, '\n'), 0o644)
		}
		if err != nil {
			return nil, fmt.Errorf("take the acceptance back: %w", err)
		}
		list = append(list, r)
	}
	if err := fsys.SyncDir(dir); err != nil {
		return nil, fmt.Errorf("take the acceptance back: %w", err)
	}
	for _, d := range digests {
		if err := fsys.Remove(AcceptanceFile(data, d)); err != nil {
			return nil, fmt.Errorf("take the acceptance back: %w", err)
		}
	}
	if err := fsys.SyncDir(dir); err != nil {
		return nil, fmt.Errorf("take the acceptance back: %w", err)
	}
	return list, nil
}

// Revocations lists those that hold, in no order.
func Revocations(fsys vfs.FS, data string) ([]Revocation, error) {
	var list []Revocation
	err := each(fsys, data, ".revoked", func(d policy.Digest) error {
		r, err := readRevocation(fsys, data, d)
		if err != nil {
			return err
		}
		if _, err := readAcceptance(fsys, data, d); errors.Is(err, fs.ErrNotExist) {
			list = append(list, r)
		}
		return nil
	})
	return list, err
}

// readRevocation returns fs.ErrNotExist only if there is none.
func readRevocation(fsys vfs.FS, data string, d policy.Digest) (Revocation, error) {
	name := RevocationFile(data, d)
	var r Revocation
	err := readDecision(fsys, name, &r)
	if err == nil && (r.Digest != d || r.At.IsZero() || r.Order < 1 || (Acceptance{By: r.By, Reason: r.Reason}).validate() != nil) {
		err = errForeign
	}
	switch {
	case errors.Is(err, errForeign):
		return Revocation{}, fmt.Errorf("its revocation %s %w: nothing leaves while it is there", name, err)
	case err != nil:
		return Revocation{}, fmt.Errorf("its revocation cannot be read: %w", err)
	}
	return r, nil
}
