package preflight

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// fileSystem is the kind of the file system that holds a folder, and what a user
// who is not root may still write to it, in bytes.
func fileSystem(folder string) (kind string, free int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return "", 0, err
	}
	kind, ok := kinds[int64(s.Type)]
	if !ok {
		kind = "another kind"
	}
	return kind, int64(s.Bavail) * s.Bsize, nil
}

// kinds are those that something is to be said about, and the usual ones.
var kinds = map[int64]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.F2FS_SUPER_MAGIC: "f2fs",
	unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay",
	unix.NFS_SUPER_MAGIC: "nfs", unix.SMB_SUPER_MAGIC: "smb", unix.CIFS_SUPER_MAGIC: "cifs", unix.SMB2_SUPER_MAGIC: "smb",
	unix.V9FS_MAGIC: "9p", unix.CEPH_SUPER_MAGIC: "ceph", unix.AFS_SUPER_MAGIC: "afs", unix.FUSE_SUPER_MAGIC: "fuse",
}

// owner is the user that a file belongs to.
func owner(info fs.FileInfo) (uid int, ok bool) {
	if s, is := info.Sys().(*syscall.Stat_t); is {
		return int(s.Uid), true
	}
	return 0, false
}

// mayWrite says whether this user may make something in a folder.
func mayWrite(folder string) error { return unix.Access(folder, unix.W_OK|unix.X_OK) }
