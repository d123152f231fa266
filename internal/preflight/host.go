package preflight

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

const (
	// beside is what the edge needs beside what its limiter counts: the code's
	// own pages and stacks.
	beside = 128 << 20
	// leastCPU is the share of a processor below which the edge falls behind
	// whoever sends at an ordinary rate.
	leastCPU = 0.25
	// leastFiles is how many files the stores and the followed logs may need.
	leastFiles = 1024
)

// host looks at memory, processors, open files and the clock of this machine,
// within the limits of the control group that the look runs in.
func (s *Site) host(ctx context.Context) {
	infrastructure := responsibilities.Infrastructure
	s.probed(ctx, probe.Spec{Kind: probe.Memory}, Finding{Check: "memory", About: "of the machine", Area: infrastructure,
		Fix: "give the machine more memory, or move something else away from it"})
	s.limits()
	s.probed(ctx, probe.Spec{Kind: probe.Clock}, Finding{Check: "clock", About: "of the machine", Area: infrastructure,
		Fix: "start a time service, such as chrony or systemd-timesyncd"})
}

func (s *Site) limits() {
	group := s.controlGroup()
	about := "of the control group that this look runs in"
	f := Finding{Check: "memory limit", About: about, State: Fine, Evidence: "none", Area: responsibilities.Infrastructure}
	if limit, ok := s.number(group, "memory.max"); ok {
		f.Evidence = size(limit)
		if need := s.Settings.MemoryLimit + beside; limit < need {
			f.State = Missing
			f.Evidence += fmt.Sprintf(": the kernel would end the edge before its own limit of %s holds senders back", size(s.Settings.MemoryLimit))
			f.Fix = fmt.Sprintf("raise the limit to %s, or lower processors::memory_limiter::limit_mib to %d", size(need), max(64, (limit-beside)>>20))
		}
	}
	s.add(f)
	f = Finding{Check: "processor limit", About: about, State: Fine, Evidence: "none", Area: responsibilities.Infrastructure}
	text, _ := s.System.ReadFile(path.Join(group, "cpu.max"))
	var quota, period float64
	if n, _ := fmt.Sscan(string(text), &quota, &period); n == 2 && period > 0 {
		f.Evidence = fmt.Sprintf("%.2f processors", quota/period)
		if quota/period < leastCPU {
			f.State = Warning
			f.Evidence += ": it falls behind whoever sends at an ordinary rate"
			f.Fix = fmt.Sprintf("raise it to %.2f or more", leastCPU)
		}
	}
	s.add(f)
	f = Finding{Check: "open files", About: "that one process may have", State: Unknown, Evidence: "this system does not say", Area: responsibilities.Infrastructure}
	text, _ = s.System.ReadFile("/proc/self/limits")
	for line := range strings.Lines(string(text)) {
		// The hard limit, to which the collector raises its own.
		rest, ok := strings.CutPrefix(line, "Max open files")
		if fields := strings.Fields(rest); ok && len(fields) >= 2 {
			f.State, f.Evidence = Fine, fields[1]
			if n, err := strconv.Atoi(fields[1]); err == nil && n < leastFiles {
				f.State, f.Fix = Warning, fmt.Sprintf("raise it to %d or more: LimitNOFILE= of the service, or ulimit -n", leastFiles)
			}
		}
	}
	s.add(f)
}

// controlGroup is the folder of this process's control group, of the second
// version.
func (s *Site) controlGroup() string {
	const root = "/sys/fs/cgroup"
	text, _ := s.System.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		if at, ok := strings.CutPrefix(line, "0::"); ok {
			return path.Join(root, strings.TrimSpace(at))
		}
	}
	return root
}

func (s *Site) number(folder, name string) (int64, bool) {
	text, err := s.System.ReadFile(path.Join(folder, name))
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // "max" is none
	return n, err == nil
}
