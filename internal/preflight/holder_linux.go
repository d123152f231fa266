package preflight

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holder is the process that listens on an address's port: its name and number,
// or nothing, if this user may not see it.
func holder(address string) (name string, pid int) {
	_, port, err := net.SplitHostPort(address)
	n, perr := strconv.ParseUint(port, 10, 16)
	if err != nil || perr != nil {
		return "", 0
	}
	sockets := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table)
		for line := range strings.Lines(string(text)) {
			const local, state, inode, listening = 1, 3, 9, "0A"
			f := strings.Fields(line)
			if len(f) > inode && f[state] == listening && strings.HasSuffix(f[local], fmt.Sprintf(":%04X", n)) {
				sockets["socket:["+f[inode]+"]"] = true
			}
		}
	}
	open, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range open {
		if to, err := os.Readlink(fd); err == nil && sockets[to] {
			process := filepath.Dir(filepath.Dir(fd))
			comm, _ := os.ReadFile(filepath.Join(process, "comm"))
			pid, _ = strconv.Atoi(filepath.Base(process))
			return strings.TrimSpace(string(comm)), pid
		}
	}
	return "", 0
}
