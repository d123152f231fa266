// Package install is who this Weir is: a random id that names the install to
// its vendor, and a secret key that stays here.
//
// Both are made once, from the host's random source, and kept in
// $data/identity/install.json, readable by the owner alone. The id says
// nothing about the machine, the customer or the time. The key turns values of
// `hmac` domains into hashes that cannot be compared across installs; it is
// never sent, logged or copied into a bundle.
//
// The file is never repaired or replaced: a new id would be a new install in
// the fleet, with no word that the old one is gone. A broken file is an error
// that says what to do.
package install

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// KeySize is the length of an install's key in bytes.
const KeySize = 32

// Install is the identity of one install.
type Install struct {
	// ID is a version 4 UUID in lower case.
	ID string
	// Key is KeySize random bytes. Secret.
	Key []byte
}

// String and GoString keep the key out of anything that prints the value.
func (i Install) String() string   { return "install " + i.ID }
func (i Install) GoString() string { return i.String() }

// Where the identity lies under the data folder.
const (
	folder   = "identity"
	fileName = "install.json"
	lockName = "install.lock"
)

// The wait for another caller that is creating the identity right now. It
// writes one small file; five seconds is a disk in deep trouble.
const (
	lockWait = 5 * time.Second
	lockPoll = 5 * time.Millisecond
)

// Load returns the identity kept under data and creates it on first use. Two
// callers at once, in this process or in two, get the same one. When it
// returns, the identity is durable: no report can name an id that a power cut
// takes back.
func Load(fsys vfs.FS, data string) (Install, error) {
	name := filepath.Join(data, folder, fileName)
	in, err := read(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		in, err = create(fsys, data, name)
		if err != nil {
			err = fmt.Errorf("create the install's identity in %s: %w", data, err)
		}
	}
	if err == nil {
		err = settle(fsys, data)
	}
	if err != nil {
		return Install{}, err
	}
	return in, nil
}

// settle makes the file's name and those of its folders durable. A file that
// was found needs it too: whoever wrote it may have died between the rename
// and the sync. Folders above the data folder that may not be opened were not
// made by us.
func settle(fsys vfs.FS, data string) error {
	for dir := filepath.Join(data, folder); ; {
		err := fsys.SyncDir(dir)
		own := len(dir) >= len(filepath.Clean(data))
		if err != nil && (own || !errors.Is(err, fs.ErrPermission)) {
			return fmt.Errorf("make the install's identity durable: %w", err)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		dir = parent
	}
}

// create makes the identity under the lock, unless somebody else did first. A
// crash before the end leaves no file, or the whole.
func create(fsys vfs.FS, data, name string) (Install, error) {
	dir := filepath.Dir(name)
	if err := fsys.MkdirAll(data, 0o755); err != nil {
		return Install{}, err
	}
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return Install{}, err
	}
	lock, err := lock(fsys, filepath.Join(dir, lockName))
	if err != nil {
		return Install{}, err
	}
	defer lock.Close()
	if in, err := read(fsys, name); !errors.Is(err, fs.ErrNotExist) {
		return in, err
	}
	in, err := generate()
	if err != nil {
		return Install{}, err
	}
	text, err := json.MarshalIndent(file{Version: 1, ID: in.ID, Key: in.Key}, "", "  ")
	if err != nil {
		return Install{}, err
	}
	return in, vfs.WriteFileAtomic(fsys, name, append(text, '\n'), 0o600)
}

func generate() (Install, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return Install{}, err
	}
	key := make([]byte, KeySize)
	if _, err := rand.Read(key); err != nil {
		return Install{}, err
	}
	return Install{ID: id.String(), Key: key}, nil
}

func lock(fsys vfs.FS, name string) (io.Closer, error) {
	for waited := time.Duration(0); ; waited += lockPoll {
		l, err := fsys.Lock(name)
		if !errors.Is(err, vfs.ErrLocked) || waited >= lockWait {
			return l, err
		}
		time.Sleep(lockPoll)
	}
}
