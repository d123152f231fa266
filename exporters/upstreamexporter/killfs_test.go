package upstreamexporter

import (
	"context"
	"io"
	"io/fs"
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// reaper kills the process at one of the boundaries that it counts: before and
// after each operation on files that changes something, and each read and write
// of the network.
type reaper struct {
	steps  atomic.Int64
	killAt int64 // 0: never
}

func (r *reaper) step() {
	if r.next() {
		die()
	}
}

// next says whether the end comes here.
func (r *reaper) next() bool { return r.steps.Add(1) == r.killAt }

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// killFS is the host's file system under a reaper.
type killFS struct {
	vfs.FS
	r *reaper
}

func (k killFS) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	if flag&os.O_CREATE != 0 {
		k.r.step()
		defer k.r.step()
	}
	f, err := k.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return killFile{f, k.r}, nil
}

func (k killFS) Rename(from, to string) error {
	k.r.step()
	defer k.r.step()
	return k.FS.Rename(from, to)
}

func (k killFS) Remove(name string) error {
	k.r.step()
	defer k.r.step()
	return k.FS.Remove(name)
}

func (k killFS) SyncDir(name string) error {
	k.r.step()
	defer k.r.step()
	return k.FS.SyncDir(name)
}

func (k killFS) Lock(name string) (io.Closer, error) { return k.FS.Lock(name) }

type killFile struct {
	vfs.File
	r *reaper
}

func (f killFile) Write(b []byte) (int, error) {
	if f.r.next() {
		_, _ = f.File.Write(b[:len(b)/2]) // torn
		die()
	}
	defer f.r.step()
	return f.File.Write(b)
}

func (f killFile) Sync() error {
	f.r.step()
	defer f.r.step()
	return f.File.Sync()
}

func (f killFile) Truncate(size int64) error {
	f.r.step()
	defer f.r.step()
	return f.File.Truncate(size)
}

// dial connects under the reaper.
func (r *reaper) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return killConn{c, r}, nil
}

type killConn struct {
	net.Conn
	r *reaper
}

func (c killConn) Write(b []byte) (int, error) {
	if c.r.next() {
		_, _ = c.Conn.Write(b[:len(b)/2])
		die()
	}
	defer c.r.step()
	return c.Conn.Write(b)
}

func (c killConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.r.step()
	return n, err
}
