//go:build !unix

package vfs

import (
	"io"
	"os"
)

// syncDir does nothing where folders cannot be opened for syncing; NTFS
// journals names on its own.
func syncDir(string) error { return nil }

// lockFile relies on the host refusing a second exclusive creation; the file
// is removed on Close.
func lockFile(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if os.IsExist(err) {
		return nil, &os.PathError{Op: "lock", Path: name, Err: ErrLocked}
	}
	if err != nil {
		return nil, err
	}
	return removeOnClose{f}, nil
}

type removeOnClose struct{ *os.File }

func (f removeOnClose) Close() error {
	err := f.File.Close()
	if rerr := os.Remove(f.Name()); err == nil {
		err = rerr
	}
	return err
}
