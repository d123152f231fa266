package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
)

func put(t *testing.T, fsys vfs.FS, name, content string, sync bool) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	require.NoError(t, err)
	_, err = f.Write([]byte(content))
	require.NoError(t, err)
	if sync {
		require.NoError(t, f.Sync())
	}
	require.NoError(t, f.Close())
}

// get returns a file's content, or "-" when there is no such file.
func get(t *testing.T, fsys vfs.FS, name string) string {
	t.Helper()
	b, err := vfs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	require.NoError(t, err)
	return string(b)
}

// TestBothFileSystemsAgree runs one history on the host and in memory: the
// stand-in is only worth something if it behaves as what it stands for.
func TestBothFileSystemsAgree(t *testing.T) {
	for name, base := range map[string]struct {
		fsys vfs.FS
		dir  string
	}{"os": {vfs.OS, t.TempDir()}, "mem": {vfs.NewMem(), "/"}} {
		t.Run(name, func(t *testing.T) {
			fsys, at := base.fsys, func(n string) string { return filepath.Join(base.dir, n) }

			_, err := fsys.OpenFile(at("none"), os.O_RDONLY, 0)
			assert.ErrorIs(t, err, fs.ErrNotExist)
			_, err = fsys.OpenFile(at("none/file"), os.O_RDWR|os.O_CREATE, 0o600)
			assert.ErrorIs(t, err, fs.ErrNotExist)
			_, err = fsys.ReadDir(at("none"))
			assert.ErrorIs(t, err, fs.ErrNotExist)
			assert.ErrorIs(t, fsys.Remove(at("none")), fs.ErrNotExist)
			assert.ErrorIs(t, fsys.Rename(at("none"), at("other")), fs.ErrNotExist)

			require.NoError(t, fsys.MkdirAll(at("a/b"), 0o700))
			require.NoError(t, fsys.MkdirAll(at("a/b"), 0o700))
			put(t, fsys, at("a/f"), "hello", true)
			_, err = fsys.OpenFile(at("a/f"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
			assert.ErrorIs(t, err, fs.ErrExist)
			_, err = fsys.OpenFile(at("a/f/g"), os.O_RDWR|os.O_CREATE, 0o600)
			assert.Error(t, err)
			assert.Error(t, fsys.MkdirAll(at("a/f"), 0o700))
			assert.Error(t, fsys.Remove(at("a")))

			f, err := fsys.OpenFile(at("a/f"), os.O_RDWR|os.O_APPEND, 0)
			require.NoError(t, err)
			_, err = f.Write([]byte(" world"))
			require.NoError(t, err)
			p := make([]byte, 4)
			n, err := f.ReadAt(p, 6)
			assert.Equal(t, "worl", string(p[:n]))
			assert.NoError(t, err)
			n, err = f.ReadAt(p, 9)
			assert.Equal(t, "ld", string(p[:n]))
			assert.Equal(t, io.EOF, err)
			_, err = f.ReadAt(p, 11)
			assert.Equal(t, io.EOF, err)
			pos, err := f.Seek(-3, io.SeekEnd)
			require.NoError(t, err)
			assert.EqualValues(t, 8, pos)
			n, err = f.Read(p)
			assert.Equal(t, "rld", string(p[:n]))
			assert.NoError(t, err)
			_, err = f.Read(p)
			assert.Equal(t, io.EOF, err)
			require.NoError(t, f.Truncate(2))
			require.NoError(t, f.Truncate(4))
			info, err := f.Stat()
			require.NoError(t, err)
			assert.EqualValues(t, 4, info.Size())

			put(t, fsys, at("a/g"), "other", false)
			require.NoError(t, fsys.Rename(at("a/g"), at("a/f")))
			assert.Equal(t, "other", get(t, fsys, at("a/f")))
			_, err = f.ReadAt(p, 0) // the replaced file lives on behind its handle
			require.NoError(t, err)
			assert.Equal(t, "he\x00\x00", string(p))
			require.NoError(t, f.Close())
			_, err = f.Write([]byte("x"))
			assert.ErrorIs(t, err, fs.ErrClosed)

			ro, err := fsys.OpenFile(at("a/f"), os.O_RDONLY, 0)
			require.NoError(t, err)
			_, err = ro.Write([]byte("x"))
			assert.Error(t, err)
			require.NoError(t, ro.Close())

			list, err := fsys.ReadDir(at("a"))
			require.NoError(t, err)
			var names []string
			for _, e := range list {
				names = append(names, e.Name())
			}
			assert.Equal(t, []string{"b", "f"}, names)
			st, err := fsys.Stat(at("a/b"))
			require.NoError(t, err)
			assert.True(t, st.IsDir())
			assert.Equal(t, "b", st.Name())
			require.NoError(t, fsys.SyncDir(at("a")))
			require.NoError(t, fsys.Remove(at("a/b")))

			l, err := fsys.Lock(at("lock"))
			require.NoError(t, err)
			_, err = fsys.Lock(at("lock"))
			assert.ErrorIs(t, err, vfs.ErrLocked)
			require.NoError(t, l.Close())
			l, err = fsys.Lock(at("lock"))
			require.NoError(t, err)
			require.NoError(t, l.Close())
		})
	}
}

func TestCrashLeavesOnlyWhatWasSynced(t *testing.T) {
	m := vfs.NewMem()
	require.NoError(t, m.MkdirAll("d", 0o700))
	require.NoError(t, m.SyncDir("/"))
	put(t, m, "d/named and synced", "a", true)
	put(t, m, "d/named only", "b", false)
	require.NoError(t, m.SyncDir("d"))
	put(t, m, "d/synced only", "c", true)
	put(t, m, "d/named and synced", "longer", false) // truncated and written anew, not synced
	require.NoError(t, m.MkdirAll("e", 0o700))       // its name never synced
	put(t, m, "e/f", "d", true)
	require.NoError(t, m.SyncDir("e"))

	after := m.Crash()
	assert.Equal(t, "a", get(t, after, "d/named and synced"))
	assert.Equal(t, "", get(t, after, "d/named only"))
	assert.Equal(t, "-", get(t, after, "d/synced only"))
	assert.Equal(t, "-", get(t, after, "e/f"))
	assert.Equal(t, "longer", get(t, m, "d/named and synced"), "the crash is a copy")
}

func TestARenameIsDurableAfterSyncDirAndWholeBefore(t *testing.T) {
	m := vfs.NewMem()
	require.NoError(t, vfs.WriteFileAtomic(m, "f", []byte("old"), 0o600))
	assert.Equal(t, "old", get(t, m.Crash(), "f"))
	put(t, m, "f.tmp", "new", true)
	require.NoError(t, m.Rename("f.tmp", "f"))
	assert.Equal(t, "old", get(t, m.Crash(), "f"))

	seen := map[string]bool{}
	for seed := range uint64(64) {
		after := m.CrashKeeping(rand.New(rand.NewPCG(seed, 1)))
		seen[get(t, after, "f")] = true
	}
	assert.Equal(t, map[string]bool{"old": true, "new": true}, seen)

	require.NoError(t, m.SyncDir("/"))
	assert.Equal(t, "new", get(t, m.Crash(), "f"))
	assert.Equal(t, "-", get(t, m.Crash(), "f.tmp"))
}

func TestARemovalComesBackUntilTheFolderIsSynced(t *testing.T) {
	m := vfs.NewMem()
	require.NoError(t, vfs.WriteFileAtomic(m, "f", []byte("x"), 0o600))
	require.NoError(t, m.Remove("f"))
	assert.Equal(t, "x", get(t, m.Crash(), "f"))
	require.NoError(t, m.SyncDir("/"))
	assert.Equal(t, "-", get(t, m.Crash(), "f"))
}

func TestCrashKeepingLeavesAPrefixOfTheWrites(t *testing.T) {
	m := vfs.NewMem()
	put(t, m, "f", "", true)
	require.NoError(t, m.SyncDir("/"))
	f, err := m.OpenFile("f", os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	const whole = "onetwothree"
	for _, s := range []string{"one", "two", "three"} {
		_, err = f.Write([]byte(s))
		require.NoError(t, err)
	}
	lengths, zeros := map[int]bool{}, false
	for seed := range uint64(500) {
		got := get(t, m.CrashKeeping(rand.New(rand.NewPCG(seed, 2))), "f")
		require.True(t, strings.HasPrefix(whole, got), got)
		lengths[len(got)] = true
	}
	assert.Len(t, lengths, len(whole)+1)
	m.ZeroTails = true
	for seed := range uint64(500) {
		got := get(t, m.CrashKeeping(rand.New(rand.NewPCG(seed, 2))), "f")
		kept := strings.TrimRight(got, "\x00")
		require.True(t, strings.HasPrefix(whole, kept), got)
		zeros = zeros || len(kept) < len(got)
	}
	assert.True(t, zeros)
}

func TestInjectFailsBeforeAndAfterTheEffect(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpCreate, vfs.OpWrite, vfs.OpSync, vfs.OpClose, vfs.OpRename, vfs.OpSyncDir} {
		for _, after := range []bool{false, true} {
			m := vfs.NewMem()
			boom := errors.New("boom")
			hit := 0
			m.Inject = func(op vfs.Op) error {
				if op.Kind == kind && op.After == after {
					hit++
					return boom
				}
				return nil
			}
			err := vfs.WriteFileAtomic(m, "f", []byte("x"), 0o600)
			m.Inject = nil
			require.ErrorIs(t, err, boom, "%v after=%v", kind, after)
			assert.Equal(t, 1, hit)
			want := "-"
			if kind == vfs.OpSyncDir && after {
				want = "x"
			}
			assert.Equal(t, want, get(t, m.Crash(), "f"), "%v after=%v", kind, after)
		}
	}
}

func TestAFailedSyncLosesTheWritesForGood(t *testing.T) {
	m := vfs.NewMem()
	f, err := m.OpenFile("f", os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	require.NoError(t, m.SyncDir("/"))
	_, err = f.Write([]byte("abc"))
	require.NoError(t, err)
	m.Inject = func(op vfs.Op) error {
		if op.Kind == vfs.OpSync {
			return errors.New("i/o error")
		}
		return nil
	}
	require.Error(t, f.Sync())
	m.Inject = nil
	require.NoError(t, f.Sync())
	assert.Equal(t, "abc", get(t, m, "f"), "still readable")
	assert.Equal(t, "", get(t, m.Crash(), "f"), "but not on the disk")
}

func TestATornWriteReachesHalf(t *testing.T) {
	m := vfs.NewMem()
	f, err := m.OpenFile("f", os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	m.Inject = func(op vfs.Op) error {
		if op.Kind == vfs.OpWrite && !op.After {
			return vfs.ErrTorn
		}
		return nil
	}
	n, err := f.Write([]byte("abcdef"))
	assert.ErrorIs(t, err, vfs.ErrTorn)
	assert.Equal(t, 3, n)
	m.Inject = nil
	assert.Equal(t, "abc", get(t, m, "f"))
}

func TestLocksDieInACrash(t *testing.T) {
	m := vfs.NewMem()
	l, err := m.Lock("lock")
	require.NoError(t, err)
	require.NoError(t, m.SyncDir("/"))
	after := m.Crash()
	l2, err := after.Lock("lock")
	require.NoError(t, err)
	require.NoError(t, l2.Close())
	_, err = m.Lock("lock")
	assert.ErrorIs(t, err, vfs.ErrLocked)
	require.NoError(t, l.Close())
}
