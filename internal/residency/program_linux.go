package residency

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// unmapProgram drops the process's mappings of its own program's pages, where
// they are private, read-only and so the same as in the file (madvise(2),
// MADV_DONTNEED: "subsequent accesses ... repopulate from the up-to-date
// contents of the underlying mapped file").
func unmapProgram() error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("find the program's file: %w", err)
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return fmt.Errorf("list the mappings: %w", err)
	}
	defer maps.Close()
	ranges, err := readOnly(maps, exe)
	if err != nil {
		return fmt.Errorf("list the mappings: %w", err)
	}
	for _, r := range ranges {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, r.from, r.to-r.from, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("drop pages of the program: %w", errno)
		}
	}
	return nil
}

type addresses struct{ from, to uintptr }

// readOnly picks from a /proc/<pid>/maps the private mappings of a file that
// cannot be written, so that nothing in them can differ from the file.
func readOnly(maps io.Reader, file string) ([]addresses, error) {
	var out []addresses
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		// address perms offset dev inode pathname
		f := strings.Fields(lines.Text())
		if len(f) < 6 || f[5] != file || (f[1] != "r-xp" && f[1] != "r--p") {
			continue
		}
		from, to, ok := strings.Cut(f[0], "-")
		a, err1 := strconv.ParseUint(from, 16, 64)
		b, err2 := strconv.ParseUint(to, 16, 64)
		if !ok || err1 != nil || err2 != nil || b <= a {
			return nil, fmt.Errorf("a line that is not understood")
		}
		out = append(out, addresses{uintptr(a), uintptr(b)})
	}
	return out, lines.Err()
}
