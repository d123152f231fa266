package probe

import (
	"path/filepath"
	"slices"
	"strings"
)

// cgroupRoot is where control groups are mounted. The first version has a folder
// in it for each controller.
const cgroupRoot = "/sys/fs/cgroup"

// cgroups are the two versions of control groups: the files in which a group
// says what memory it uses and may have, and the word in memory.stat for pages
// of files that were not used lately, the groups below included.
var cgroups = []struct{ used, limit, inactive string }{
	{"memory.current", "memory.max", "inactive_file"},
	{"memory.usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file"},
}

// noLimit is what no machine has. The first version says a number beyond it for
// a group without a limit, the second the word "max".
const noLimit = 1 << 60

// groupMemory is what a control group may have and what it has left of that; a
// group without a limit has none of both. It is not found if nothing says what
// the group uses.
func (s System) groupMemory(group string) (available, limit float64, found bool) {
	for _, v := range cgroups {
		used, ok := s.number(filepath.Join(group, v.used))
		if !ok {
			continue
		}
		limit, ok := s.number(filepath.Join(group, v.limit))
		if !ok || limit <= 0 || limit >= noLimit {
			return 0, 0, true
		}
		// They are given back on demand.
		cached := s.field(filepath.Join(group, "memory.stat"), v.inactive)
		return max(0, limit-used+min(cached, used)), limit, true
	}
	return 0, 0, false
}

// OwnGroup is the folder of the control group that bounds the memory of this
// process, or empty. In a container the group's path may be the host's, which
// is not there; its own limit is at the top then.
func (s System) OwnGroup() string {
	text, err := s.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		id, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, path, _ := strings.Cut(rest, ":")
		var root string
		switch {
		case id == "0" && controllers == "":
			root = cgroupRoot
		case slices.Contains(strings.Split(controllers, ","), "memory"):
			root = filepath.Join(cgroupRoot, "memory")
		default:
			continue
		}
		for _, group := range []string{filepath.Join(root, path), root} {
			if _, limit, _ := s.groupMemory(group); limit > 0 {
				return group
			}
		}
	}
	return ""
}
