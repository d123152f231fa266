package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Mem is a file system in memory that knows what a power cut would leave.
//
// It keeps two worlds. The visible one is what every call sees at once. The
// durable one grows only by Sync (a file's content) and SyncDir (the names in
// a folder); [Mem.Crash] returns it. A name and the content behind it are
// durable on their own: a synced file whose name was not synced is lost, a
// synced name may point at an empty file. "/" always exists, and relative
// names start there.
//
// A Sync that fails before it took effect loses the unsynced writes for good,
// as Linux does: the pages are marked clean, reading still shows them, a later
// Sync reports success, and a crash finds them missing.
type Mem struct {
	// Inject, if set, is called before and after each operation takes
	// effect, without any lock held. An error returned before stops the
	// operation; one returned after is what the caller sees although the
	// operation took hold. Set it while no operation runs.
	Inject func(Op) error

	// ZeroTails makes CrashKeeping leave zeros, sometimes, where the lost
	// end of a write would have been: the file's length reached the disk,
	// its content did not.
	ZeroTails bool

	mu   sync.Mutex
	root *node
	held map[*node]bool // locks
	// unnamed holds the changes of names that no SyncDir has made durable,
	// in the order in which they were made.
	unnamed []nameChange
}

// ErrTorn, returned by Inject before an OpWrite, makes half of the data reach
// the file before the write fails.
var ErrTorn = errors.New("torn write")

// FailAt is an Inject under which the operation of number step, from 0, fails
// with err, before or after it takes effect. count is how many came: more than
// step means that there was such a one.
func FailAt(step int, after bool, err error, count *int) func(Op) error {
	return func(op Op) error {
		if op.After != after {
			return nil
		}
		if *count++; *count == step+1 {
			return err
		}
		return nil
	}
}

// OpKind is what an operation does.
type OpKind int

// The operations that Inject is told about. OpCreate is an OpenFile that makes
// a new file, or that a Lock makes; OpOpen any other OpenFile.
const (
	OpOpen OpKind = iota
	OpCreate
	OpRead
	OpWrite
	OpSync
	OpTruncate
	OpClose
	OpRename
	OpRemove
	OpMkdir
	OpReadDir
	OpStat
	OpSyncDir
	OpLock
)

var opNames = [...]string{"open", "create", "read", "write", "sync", "truncate", "close", "rename", "remove", "mkdir", "readdir", "stat", "syncdir", "lock"}

func (k OpKind) String() string { return opNames[k] }

// Op is one operation on Mem. Name is as the caller gave it; for a rename it
// is the new name.
type Op struct {
	Kind  OpKind
	Name  string
	After bool
}

// NewMem returns an empty file system.
func NewMem() *Mem {
	return &Mem{root: newDir(0o755), held: map[*node]bool{}}
}

// node is a file or a folder, whatever names it has.
type node struct {
	dir     bool
	perm    fs.FileMode
	modTime time.Time

	data     []byte // visible
	durable  []byte
	unsynced []edit // what turns durable into data, unless a failed Sync lost some

	names        map[string]*node // visible
	durableNames map[string]*node
}

// edit is a write at an offset, or, with a nil data, a truncation to it.
type edit struct {
	off  int64
	data []byte
}

func (e edit) apply(b []byte) []byte {
	if e.data == nil {
		return resize(b, e.off)
	}
	if end := e.off + int64(len(e.data)); end > int64(len(b)) {
		b = resize(b, end)
	}
	copy(b[e.off:], e.data)
	return b
}

func resize(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size:size] // what is cut off must not come back by growing
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

// nameChange is one change of names that survives a crash whole or not at all:
// a creation or a removal sets one name, a rename sets two.
type nameChange []nameSet

type nameSet struct {
	dir  *node
	name string
	to   *node // nil: gone
}

func newDir(perm fs.FileMode) *node {
	return &node{dir: true, perm: perm, modTime: time.Now(), names: map[string]*node{}, durableNames: map[string]*node{}}
}

// do runs an operation between the two calls of Inject. An error of the
// operation itself comes before an injected one.
func (m *Mem) do(kind OpKind, name string, f func() error) error {
	if m.Inject != nil {
		if err := m.Inject(Op{Kind: kind, Name: name}); err != nil {
			return pathErr(kind, name, err)
		}
	}
	m.mu.Lock()
	err := f()
	m.mu.Unlock()
	if err != nil {
		return pathErr(kind, name, err)
	}
	if m.Inject != nil {
		if err := m.Inject(Op{Kind: kind, Name: name, After: true}); err != nil {
			return pathErr(kind, name, err)
		}
	}
	return nil
}

func pathErr(kind OpKind, name string, err error) error {
	if err == io.EOF {
		return err
	}
	return &fs.PathError{Op: kind.String(), Path: name, Err: err}
}

// lookup finds a node by its visible name.
func (m *Mem) lookup(name string) (*node, error) {
	n := m.root
	for _, part := range parts(name) {
		if !n.dir {
			return nil, syscall.ENOTDIR
		}
		next, ok := n.names[part]
		if !ok {
			return nil, fs.ErrNotExist
		}
		n = next
	}
	return n, nil
}

// parent finds the folder that holds name, and the last part of the name.
func (m *Mem) parent(name string) (*node, string, error) {
	p := parts(name)
	if len(p) == 0 {
		return nil, "", fs.ErrInvalid
	}
	d, err := m.lookup(strings.Join(p[:len(p)-1], "/"))
	if err == nil && !d.dir {
		err = syscall.ENOTDIR
	}
	return d, p[len(p)-1], err
}

func parts(name string) []string {
	return strings.FieldsFunc(filepath.ToSlash(filepath.Clean("/"+name)), func(r rune) bool { return r == '/' })
}

// set changes visible names and remembers that the change is not durable.
func (m *Mem) set(changes ...nameSet) {
	for _, c := range changes {
		if c.to == nil {
			delete(c.dir.names, c.name)
		} else {
			c.dir.names[c.name] = c.to
		}
	}
	m.unnamed = append(m.unnamed, changes)
}

// create makes an empty file. The caller holds mu.
func (m *Mem) create(dir *node, base string, perm fs.FileMode) *node {
	n := &node{perm: perm, modTime: time.Now()}
	m.set(nameSet{dir, base, n})
	return n
}

// OpenFile opens or creates a file.
func (m *Mem) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	kind := OpOpen
	m.mu.Lock()
	_, err := m.lookup(name)
	m.mu.Unlock()
	if err != nil && flag&os.O_CREATE != 0 {
		kind = OpCreate
	}
	var n *node
	err = m.do(kind, name, func() error {
		dir, base, err := m.parent(name)
		if err != nil {
			return err
		}
		var ok bool
		n, ok = dir.names[base]
		switch {
		case ok && flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
			return fs.ErrExist
		case ok && n.dir:
			return syscall.EISDIR
		case !ok && flag&os.O_CREATE == 0:
			return fs.ErrNotExist
		case !ok:
			n = m.create(dir, base, perm)
		case flag&os.O_TRUNC != 0 && len(n.data) > 0:
			n.edit(edit{off: 0})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &memFile{m: m, n: n, name: name, flag: flag}, nil
}

// Rename moves a file or folder, replacing a file of the new name.
func (m *Mem) Rename(oldName, newName string) error {
	return m.do(OpRename, newName, func() error {
		from, oldBase, err := m.parent(oldName)
		if err != nil {
			return err
		}
		to, newBase, err := m.parent(newName)
		if err != nil {
			return err
		}
		n, ok := from.names[oldBase]
		if !ok {
			return fs.ErrNotExist
		}
		if old, ok := to.names[newBase]; ok && (old.dir || n.dir) && old != n {
			return fs.ErrExist
		}
		if from == to && oldBase == newBase {
			return nil
		}
		m.set(nameSet{from, oldBase, nil}, nameSet{to, newBase, n})
		return nil
	})
}

// Remove deletes a file or an empty folder.
func (m *Mem) Remove(name string) error {
	return m.do(OpRemove, name, func() error {
		dir, base, err := m.parent(name)
		if err != nil {
			return err
		}
		n, ok := dir.names[base]
		if !ok {
			return fs.ErrNotExist
		}
		if n.dir && len(n.names) > 0 {
			return syscall.ENOTEMPTY
		}
		m.set(nameSet{dir, base, nil})
		return nil
	})
}

// MkdirAll makes a folder and those above it.
func (m *Mem) MkdirAll(name string, perm fs.FileMode) error {
	return m.do(OpMkdir, name, func() error {
		n := m.root
		for _, part := range parts(name) {
			next, ok := n.names[part]
			if !ok {
				next = newDir(perm)
				m.set(nameSet{n, part, next})
			}
			if !next.dir {
				return syscall.ENOTDIR
			}
			n = next
		}
		return nil
	})
}

// ReadDir lists a folder, sorted by name.
func (m *Mem) ReadDir(name string) ([]fs.DirEntry, error) {
	var list []fs.DirEntry
	err := m.do(OpReadDir, name, func() error {
		n, err := m.lookup(name)
		if err != nil {
			return err
		}
		if !n.dir {
			return syscall.ENOTDIR
		}
		for base, c := range n.names {
			list = append(list, fs.FileInfoToDirEntry(c.info(base)))
		}
		sort.Slice(list, func(i, j int) bool { return list[i].Name() < list[j].Name() })
		return nil
	})
	return list, err
}

// Stat describes a file or folder.
func (m *Mem) Stat(name string) (fs.FileInfo, error) {
	var info fs.FileInfo
	err := m.do(OpStat, name, func() error {
		n, err := m.lookup(name)
		if err == nil {
			info = n.info(filepath.Base(name))
		}
		return err
	})
	return info, err
}

// SyncDir makes the names in a folder durable.
func (m *Mem) SyncDir(name string) error {
	return m.do(OpSyncDir, name, func() error {
		dir, err := m.lookup(name)
		if err != nil {
			return err
		}
		if !dir.dir {
			return syscall.ENOTDIR
		}
		kept := m.unnamed[:0]
		for _, change := range m.unnamed {
			var rest nameChange
			for _, s := range change {
				if s.dir == dir {
					s.applyTo(dir.durableNames)
				} else {
					rest = append(rest, s)
				}
			}
			if len(rest) > 0 {
				kept = append(kept, rest)
			}
		}
		m.unnamed = kept
		return nil
	})
}

func (s nameSet) applyTo(names map[string]*node) {
	if s.to == nil {
		delete(names, s.name)
	} else {
		names[s.name] = s.to
	}
}

// Lock takes an exclusive lock on a file, which is created if missing.
func (m *Mem) Lock(name string) (io.Closer, error) {
	var n *node
	err := m.do(OpLock, name, func() error {
		dir, base, err := m.parent(name)
		if err != nil {
			return err
		}
		var ok bool
		if n, ok = dir.names[base]; !ok {
			n = m.create(dir, base, 0o600)
		}
		if m.held[n] {
			return ErrLocked
		}
		m.held[n] = true
		return nil
	})
	if err != nil {
		if n != nil && !errors.Is(err, ErrLocked) {
			m.unlock(n) // taken, but the caller has nothing to close
		}
		return nil, err
	}
	return &memLock{m: m, n: n}, nil
}

func (m *Mem) unlock(n *node) {
	m.mu.Lock()
	delete(m.held, n)
	m.mu.Unlock()
}

type memLock struct {
	m    *Mem
	n    *node
	once sync.Once
}

func (l *memLock) Close() error {
	l.once.Do(func() { l.m.unlock(l.n) })
	return nil
}
