package vfs

import (
	"io"
	"io/fs"
	"os"
)

// OS is the host's file system.
var OS FS = osFS{}

type osFS struct{}

func (osFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err // not a nil *osFile in a non-nil interface
	}
	return &osFile{f}, nil
}

func (osFS) Rename(oldName, newName string) error         { return os.Rename(oldName, newName) }
func (osFS) Remove(name string) error                     { return os.Remove(name) }
func (osFS) MkdirAll(name string, perm fs.FileMode) error { return os.MkdirAll(name, perm) }
func (osFS) ReadDir(name string) ([]fs.DirEntry, error)   { return os.ReadDir(name) }
func (osFS) Stat(name string) (fs.FileInfo, error)        { return os.Stat(name) }
func (osFS) Lock(name string) (io.Closer, error)          { return lockFile(name) }
func (osFS) SyncDir(name string) error                    { return syncDir(name) }

type osFile struct{ *os.File }

func (f *osFile) Sync() error { return syncData(f.File) }
