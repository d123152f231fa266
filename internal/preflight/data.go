package preflight

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// existing is the data folder, or as much of its path as there is.
func (s *Site) existing() string {
	dir, err := filepath.Abs(s.Settings.Data.Value)
	if err != nil {
		return "."
	}
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// data looks whether the data folder can be written to, now and by this user,
// and on what it lies.
func (s *Site) data(context.Context) {
	dir := s.Settings.Data.Value
	if dir == "" {
		return
	}
	me := userName(os.Geteuid())
	f := Finding{Check: "data", About: "the data folder " + dir, State: Fine, Area: responsibilities.Infrastructure}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		above := s.existing()
		f.Evidence = "is not there yet; the edge makes it at its first start"
		if err := mayWrite(above); err != nil {
			f.State = Missing
			f.Evidence = fmt.Sprintf("is not there, and the user %s may not make it in %s: %s", me, above, reason(err))
			f.Fix = fmt.Sprintf("as root: install -d -o %s -m 0700 %s", me, dir)
		}
	case err != nil:
		f.State, f.Evidence = Missing, "cannot be seen: "+reason(err)
		f.Fix = fmt.Sprintf("let the user %s into the folders above it", me)
	case !info.IsDir():
		f.State, f.Evidence = Missing, "is a file"
		f.Fix = "move the file away, or set " + s.Settings.Data.change() + " to a folder"
	default:
		if err := tryWrite(dir); err != nil {
			f.State, f.Evidence = Missing, fmt.Sprintf("the user %s cannot write to it: %s", me, reason(err))
			f.Fix = writeFix(err, dir, me)
			break
		}
		f.Evidence = fmt.Sprintf("the user %s can write to it", me)
		if uid, ok := owner(info); ok && uid != os.Geteuid() {
			f.State, f.Evidence = Warning, fmt.Sprintf("belongs to the user %s, and %s looks at it: the edge should run as its owner", userName(uid), me)
			f.Fix = fmt.Sprintf("run the edge and this look as %s, or as root: chown -R USER %s", userName(uid), dir)
		}
		if info.Mode().Perm()&0o002 != 0 {
			f.State, f.Evidence = Warning, "everybody on this machine may write to it"
			f.Fix = "chmod o-w " + dir
		}
	}
	s.add(f)
	s.below()
}

// tryWrite writes as the stores do: a file, synced.
func tryWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".preflight-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 64<<10))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

func writeFix(err error, dir, me string) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Sprintf("make room: 'df -h %s' and 'df -i %s' say whether bytes or files have run out", dir, dir)
	case errors.Is(err, syscall.EROFS):
		return "mount it writable; if the kernel took the right away, 'dmesg' says which disk fails"
	}
	return fmt.Sprintf("as root: chown -R %s %s", me, dir)
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

var (
	networkKinds = []string{"nfs", "smb", "cifs", "9p", "ceph", "afs", "fuse"}
	passingKinds = map[string]string{
		"tmpfs":   "lies in memory: nothing survives a reboot",
		"overlay": "lies in the layer of a container: nothing survives it",
	}
)

func (s *Site) onDisk(folder string) (kind string, free int64, err error) {
	if s.fileSystem != nil {
		return s.fileSystem(folder)
	}
	return fileSystem(folder)
}

// below looks at what holds the data folder.
func (s *Site) below() {
	f := Finding{Check: "file system", About: "below " + s.existing(), Area: responsibilities.Infrastructure,
		Fix: "put the data folder on a disk of this machine, ext4 or xfs, with " + s.Settings.Data.change()}
	kind, _, err := s.onDisk(s.existing())
	lost := passingKinds[kind]
	switch {
	case err != nil:
		f.State, f.Evidence = Unknown, reason(err)
	case slices.Contains(networkKinds, kind):
		f.State, f.Evidence = Warning, kind+": the network is part of every write. Locks and syncs may not mean what the stores rely on"
	case lost != "":
		f.State, f.Evidence = Warning, kind+": it "+lost
		f.Fix = "mount a volume there, or set " + s.Settings.Data.change() + " to a folder on a disk"
	default:
		f.State, f.Evidence = Fine, kind
	}
	s.add(f)
}
