package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// memFile is an open file of Mem. Like the host's, it goes on reading and
// writing the same content after the name has been moved or removed.
type memFile struct {
	m      *Mem
	n      *node
	name   string
	flag   int
	pos    int64
	closed bool
}

const accessMode = os.O_RDONLY | os.O_WRONLY | os.O_RDWR

// edit changes the visible content. The caller holds the Mem's lock.
func (n *node) edit(e edit) {
	n.data = e.apply(n.data)
	n.unsynced = append(n.unsynced, e)
	n.modTime = time.Now()
}

func (f *memFile) do(kind OpKind, run func() error) error {
	return f.m.do(kind, f.name, func() error {
		if f.closed {
			return fs.ErrClosed
		}
		return run()
	})
}

func (f *memFile) readable() error {
	if f.flag&accessMode == os.O_WRONLY {
		return fs.ErrPermission
	}
	return nil
}

func (f *memFile) writable() error {
	if f.flag&accessMode == os.O_RDONLY {
		return fs.ErrPermission
	}
	return nil
}

func (f *memFile) Read(p []byte) (n int, err error) {
	err = f.do(OpRead, func() error {
		n, err = f.readAt(p, f.pos)
		f.pos += int64(n)
		if n > 0 {
			return nil
		}
		return err
	})
	return n, err
}

func (f *memFile) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.do(OpRead, func() error {
		n, err = f.readAt(p, off)
		return err
	})
	return n, err
}

func (f *memFile) readAt(p []byte, off int64) (int, error) {
	if err := f.readable(); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	if len(p) == 0 {
		return 0, nil
	}
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) Write(p []byte) (n int, err error) {
	write := func(p []byte) error {
		if err := f.writable(); err != nil {
			return err
		}
		if f.flag&os.O_APPEND != 0 {
			f.pos = int64(len(f.n.data))
		}
		if len(p) > 0 {
			f.n.edit(edit{off: f.pos, data: append([]byte{}, p...)})
		}
		f.pos += int64(len(p))
		n = len(p)
		return nil
	}
	err = f.do(OpWrite, func() error { return write(p) })
	if n == 0 && errors.Is(err, ErrTorn) {
		f.m.mu.Lock()
		if !f.closed {
			_ = write(p[:len(p)/2])
		}
		f.m.mu.Unlock()
	}
	return n, err
}

func (f *memFile) Seek(offset int64, whence int) (int64, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.closed {
		return 0, pathErr(OpOpen, f.name, fs.ErrClosed)
	}
	switch whence {
	case io.SeekCurrent:
		offset += f.pos
	case io.SeekEnd:
		offset += int64(len(f.n.data))
	}
	if offset < 0 {
		return 0, pathErr(OpOpen, f.name, fs.ErrInvalid)
	}
	f.pos = offset
	return offset, nil
}

// Sync makes the content durable. When Inject stops it, what was unsynced is
// lost to every later Sync.
func (f *memFile) Sync() error {
	reached := false
	err := f.do(OpSync, func() error {
		reached = true
		for _, e := range f.n.unsynced {
			f.n.durable = e.apply(f.n.durable)
		}
		f.n.unsynced = nil
		return nil
	})
	if !reached {
		f.m.mu.Lock()
		if !f.closed {
			f.n.unsynced = nil
		}
		f.m.mu.Unlock()
	}
	return err
}

func (f *memFile) Truncate(size int64) error {
	return f.do(OpTruncate, func() error {
		if err := f.writable(); err != nil {
			return err
		}
		if size < 0 {
			return fs.ErrInvalid
		}
		f.n.edit(edit{off: size})
		return nil
	})
}

func (f *memFile) Close() error {
	return f.do(OpClose, func() error {
		f.closed = true
		return nil
	})
}

func (f *memFile) Stat() (info fs.FileInfo, err error) {
	err = f.do(OpStat, func() error {
		info = f.n.info(f.name)
		return nil
	})
	return info, err
}

func (f *memFile) Name() string { return f.name }

// memInfo describes a node at one moment.
type memInfo struct {
	name    string
	size    int64
	mode    fs.FileMode
	modTime time.Time
}

func (n *node) info(name string) memInfo {
	i := memInfo{name: baseName(name), size: int64(len(n.data)), mode: n.perm.Perm(), modTime: n.modTime}
	if n.dir {
		i.mode |= fs.ModeDir
	}
	return i
}

func baseName(name string) string {
	p := parts(name)
	if len(p) == 0 {
		return "/"
	}
	return p[len(p)-1]
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) Mode() fs.FileMode  { return i.mode }
func (i memInfo) ModTime() time.Time { return i.modTime }
func (i memInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memInfo) Sys() any           { return nil }
