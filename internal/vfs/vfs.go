// Package vfs is the file system as the ledger and the stores see it: small
// enough that a test can stand in for it, and precise about what is durable.
//
// Durability is POSIX's, not a kinder one: the content of a file is durable
// after File.Sync, its name (creation, rename, removal) only after SyncDir on
// the folder that holds the name. [OS] is the real thing. [Mem] keeps both
// worlds, what a reader sees and what a power cut would leave, so that a test
// can fail any step and then look at the disk as the next start would find it.
//
// It does not hide errors, retry or buffer: after a failed Sync the content of
// the file is unknown until it has been read back.
package vfs

import (
	"errors"
	"io"
	"io/fs"
)

// FS is a tree of files. Names use the separator of the host and are passed
// through unchanged. Errors are *fs.PathError or wrap one, so that
// errors.Is(err, fs.ErrNotExist) and friends work.
type FS interface {
	// OpenFile is os.OpenFile. The flags understood are os.O_RDONLY,
	// O_WRONLY, O_RDWR, O_CREATE, O_EXCL, O_TRUNC and O_APPEND.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Rename replaces newName if it exists. Durable after SyncDir of both
	// folders.
	Rename(oldName, newName string) error
	// Remove deletes a file or an empty folder.
	Remove(name string) error
	MkdirAll(name string, perm fs.FileMode) error
	// ReadDir lists a folder, sorted by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	Stat(name string) (fs.FileInfo, error)
	// SyncDir makes the names in a folder durable.
	SyncDir(name string) error
	// Lock takes an exclusive lock for as long as the returned Closer is
	// open. It fails with [ErrLocked] at once if another holder, in this
	// process or another, has it. The lock dies with its process.
	Lock(name string) (io.Closer, error)
}

// File is an open file.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Seeker
	io.Closer
	// Sync makes the content durable (fdatasync).
	Sync() error
	Truncate(size int64) error
	Stat() (fs.FileInfo, error)
	Name() string
}

// ErrLocked is returned by Lock when the lock is held elsewhere.
var ErrLocked = errors.New("in use by another process")
