package environment

import (
	"path"
	"strconv"
	"strings"
)

const gib = 1 << 30

// classes are the bounds of the sizes. What is scarce decides: 64 processors with
// 4 GiB are a small machine.
var classes = []struct {
	name   string
	cpus   float64
	memory float64
}{
	{"small", 2, 4 * gib},
	{"medium", 8, 32 * gib},
	{"large", 32, 128 * gib},
}

// size is that of the control group if that is limited, or else of the machine.
// What is not known does not count.
func size(h Host) string {
	cpus, memory := float64(h.CPUs), total(h.text("proc/meminfo"))
	for _, dir := range limitDirs(h) {
		cpus, memory = least(cpus, quota(h, dir)), least(memory, limit(h, dir))
	}
	for _, c := range classes {
		if within(cpus, c.cpus) || within(memory, c.memory) {
			return c.name
		}
	}
	return "xlarge"
}

func within(v, bound float64) bool { return known(v) && v <= bound }

func known(v float64) bool { return v > 0 }

func least(a, b float64) float64 {
	if !known(a) || known(b) && b < a {
		return b
	}
	return a
}

// limitDirs are the folders of the control groups that limit Weir: its own and
// those above. In a container the group's path may be the host's, which is not
// there; its own limits are at the top then.
func limitDirs(h Host) []string {
	var dirs []string
	for _, group := range append(cgroups(h), "/") {
		for at := path.Clean("/" + group); ; at = path.Dir(at) {
			for _, root := range []string{"sys/fs/cgroup", "sys/fs/cgroup/cpu", "sys/fs/cgroup/memory"} {
				dirs = append(dirs, path.Join(root, at))
			}
			if at == "/" {
				break
			}
		}
	}
	return dirs
}

// quota is in processors: version 2 says "quota period", version 1 has a file
// for each; "max" and -1 are none.
func quota(h Host, dir string) float64 {
	if f := strings.Fields(h.text(path.Join(dir, "cpu.max"))); len(f) == 2 {
		return ratio(f[0], f[1])
	}
	return ratio(h.text(path.Join(dir, "cpu.cfs_quota_us")), h.text(path.Join(dir, "cpu.cfs_period_us")))
}

func ratio(quota, period string) float64 {
	q, p := number(quota), number(period)
	if !known(q) || !known(p) {
		return 0
	}
	return q / p
}

// limit is in bytes. Version 1 says a number beyond any memory for none.
func limit(h Host, dir string) float64 {
	for _, name := range []string{"memory.max", "memory.limit_in_bytes"} {
		if v := number(h.text(path.Join(dir, name))); known(v) && v < 1<<60 {
			return v
		}
	}
	return 0
}

func total(meminfo string) float64 {
	for line := range strings.Lines(meminfo) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemTotal:" {
			return 1024 * number(f[1])
		}
	}
	return 0
}

func number(s string) float64 {
	v, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0
	}
	return float64(v)
}
