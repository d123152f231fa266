// Package registry is what a fleet remembers of who its installs belong to and
// which of them it has thrown out, in a folder that all gateways share.
//
//	installs/<install>/customer          whose it is; made once, never changed
//	installs/<install>/<enrolment>.json  when it enrolled, and with which ledger
//	revoked/<install>.json               the enrolments that no longer count
//
// Revoking is by enrolment, not by time: an install that enrols again has a new
// one and is back, its old certificates are not, and no two clocks have to agree.
// Every question is answered from the disk, so that what one gateway or one
// operator writes counts for all at once.
//
// It holds no certificates and no secrets.
package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/internal/vfs"
)

// Registry is the folder.
type Registry struct {
	FS  vfs.FS
	Dir string
}

// Errors.
var (
	ErrTaken   = errors.New("the install belongs to another customer")
	ErrUnknown = errors.New("this fleet knows no such install")
)

const customerFile = "customer"

// Enrolment is one entry of an install.
//
// Rules for change: fields are only added.
type Enrolment struct {
	ID     string    `json:"id"`
	Time   time.Time `json:"time"`
	Ledger string    `json:"ledger,omitempty"`
}

// Install is what is known of one.
type Install struct {
	ID         string      `json:"install"`
	Customer   string      `json:"customer"`
	Enrolments []Enrolment `json:"enrolments"`
	// Revoked is when it was last thrown out; zero: never, or it is back.
	Revoked time.Time `json:"revoked,omitzero"`
}

// revocation is revoked/<install>.json. Rules for change: fields are only added.
type revocation struct {
	Time time.Time `json:"time"`
	// Enrolments that do not count any more. A certificate without one, of a
	// customer's own authority, does not count while the file is there.
	Enrolments []string `json:"enrolments"`
}

func (r Registry) install(id string) string { return filepath.Join(r.Dir, "installs", id) }
func (r Registry) revoked(id string) string { return filepath.Join(r.Dir, "revoked", id+".json") }

// Bind says that an install is a customer's. The first word counts: [ErrTaken]
// if it was another's before.
func (r Registry) Bind(install, customer string) error {
	if !identity.IsInstall(install) {
		return ErrUnknown
	}
	name := filepath.Join(r.install(install), customerFile)
	owner, err := vfs.ReadFile(r.FS, name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := r.claim(name, customer); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("note the install's customer: %w", err)
		}
		owner, err = vfs.ReadFile(r.FS, name)
	}
	if err != nil {
		return fmt.Errorf("look up the install's customer: %w", err)
	}
	if string(owner) != customer+"\n" {
		return ErrTaken
	}
	return nil
}

// claim makes the file appear with its content, or fails with fs.ErrExist: an
// exclusive file beside it decides who may rename.
func (r Registry) claim(name, customer string) error {
	dir := filepath.Dir(name)
	if err := r.FS.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	lock, err := r.FS.Lock(filepath.Join(dir, "lock"))
	for range 500 {
		if !errors.Is(err, vfs.ErrLocked) {
			break
		}
		time.Sleep(10 * time.Millisecond)
		lock, err = r.FS.Lock(filepath.Join(dir, "lock"))
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := r.FS.Stat(name); err == nil {
		return fs.ErrExist
	}
	if err := vfs.WriteFileAtomic(r.FS, name, []byte(customer+"\n"), 0o600); err != nil {
		return err
	}
	return errors.Join(r.FS.SyncDir(filepath.Dir(dir)), r.FS.SyncDir(r.Dir))
}

// Record notes an enrolment.
func (r Registry) Record(install string, e Enrolment) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := vfs.WriteFileAtomic(r.FS, filepath.Join(r.install(install), e.ID+".json"), append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("note the enrolment: %w", err)
	}
	return nil
}

// Get answers what is known of an install.
func (r Registry) Get(install string) (Install, error) {
	if !identity.IsInstall(install) {
		return Install{}, ErrUnknown
	}
	owner, err := vfs.ReadFile(r.FS, filepath.Join(r.install(install), customerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Install{}, ErrUnknown
	}
	if err != nil {
		return Install{}, fmt.Errorf("look the install up: %w", err)
	}
	in := Install{ID: install, Customer: strings.TrimSuffix(string(owner), "\n")}
	list, err := r.FS.ReadDir(r.install(install))
	if err != nil {
		return Install{}, fmt.Errorf("look the install up: %w", err)
	}
	for _, f := range list {
		if !strings.HasSuffix(f.Name(), ".json") {
			continue
		}
		text, err := vfs.ReadFile(r.FS, filepath.Join(r.install(install), f.Name()))
		var e Enrolment
		if err != nil || json.Unmarshal(text, &e) != nil {
			return Install{}, fmt.Errorf("look the install up: %s cannot be read", filepath.Join(r.install(install), f.Name()))
		}
		in.Enrolments = append(in.Enrolments, e)
	}
	slices.SortFunc(in.Enrolments, func(a, b Enrolment) int { return a.Time.Compare(b.Time) })
	gone, there, err := r.read(install)
	if err != nil {
		return Install{}, err
	}
	if there && !slices.ContainsFunc(in.Enrolments, func(e Enrolment) bool { return !slices.Contains(gone.Enrolments, e.ID) }) {
		in.Revoked = gone.Time
	}
	return in, nil
}

// List answers with the ids of all installs, sorted.
func (r Registry) List() ([]string, error) {
	list, err := r.FS.ReadDir(filepath.Join(r.Dir, "installs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the installs: %w", err)
	}
	var ids []string
	for _, e := range list {
		if identity.IsInstall(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// Revoke throws out what an install has enrolled with so far. One that is only
// known by a certificate of its customer's authority is thrown out until the
// file is removed.
func (r Registry) Revoke(install string, now time.Time) (Install, error) {
	in, err := r.Get(install)
	if err != nil {
		return Install{}, err
	}
	gone := revocation{Time: now.UTC(), Enrolments: []string{}}
	for _, e := range in.Enrolments {
		gone.Enrolments = append(gone.Enrolments, e.ID)
	}
	text, err := json.Marshal(gone)
	if err != nil {
		return Install{}, err
	}
	dir := filepath.Join(r.Dir, "revoked")
	if err = r.FS.MkdirAll(dir, 0o700); err == nil {
		if err = vfs.WriteFileAtomic(r.FS, r.revoked(install), append(text, '\n'), 0o600); err == nil {
			err = r.FS.SyncDir(r.Dir)
		}
	}
	if err != nil {
		return Install{}, fmt.Errorf("revoke: %w", err)
	}
	in.Revoked = gone.Time
	return in, nil
}

// Revoked says whether a peer has been thrown out. An error means that nobody
// knows, and nothing of it should be taken until somebody does.
func (r Registry) Revoked(p identity.Peer) (bool, error) {
	gone, there, err := r.read(p.Install)
	if err != nil || !there {
		return false, err
	}
	return p.Enrolment == "" || slices.Contains(gone.Enrolments, p.Enrolment), nil
}

func (r Registry) read(install string) (revocation, bool, error) {
	text, err := vfs.ReadFile(r.FS, r.revoked(install))
	if errors.Is(err, fs.ErrNotExist) {
		// Nothing is revoked, or the folder is not mounted: then its parent is gone too.
		if _, err := r.FS.Stat(r.Dir); err != nil {
			return revocation{}, false, fmt.Errorf("look up revocations: %w", err)
		}
		return revocation{}, false, nil
	}
	var gone revocation
	if err == nil {
		err = json.Unmarshal(text, &gone)
	}
	if err != nil {
		return revocation{}, false, fmt.Errorf("look up revocations: %s: %w", r.revoked(install), err)
	}
	return gone, true, nil
}
