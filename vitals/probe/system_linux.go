package probe

import (
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxFile bounds what is read of a file: the kernel's are small, and
// certificates of authorities some hundred kilobytes.
const maxFile = 4 << 20

// Real is this machine.
func Real() System {
	return System{
		Now:        time.Now,
		Dial:       (&net.Dialer{KeepAlive: -1}).DialContext,
		ReadFile:   readFile,
		FileSystem: fileSystem,
		ClockState: clockState,
	}
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

func fileSystem(folder string) (FileSystem, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return FileSystem{}, &os.PathError{Op: "statfs", Path: folder, Err: err}
	}
	return FileSystem{
		Used: s.Blocks - s.Bfree, Available: s.Bavail,
		Inodes: s.Files, FreeNodes: s.Ffree,
		ReadOnly: s.Flags&unix.ST_RDONLY != 0,
	}, nil
}

// clockState asks the kernel whether something disciplines its clock.
func clockState() Reason {
	var t unix.Timex // with no mode set, nothing is changed
	if _, err := unix.Adjtimex(&t); err != nil {
		return Unmeasurable
	}
	if t.Status&unix.STA_UNSYNC != 0 {
		return Unsynchronized
	}
	return OK
}
