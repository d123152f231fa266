package probe

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
)

// FileSystem is what a file system says of itself.
type FileSystem struct {
	Used, Available   uint64 // in blocks, for those who are not root
	Inodes, FreeNodes uint64 // zero inodes: it has no fixed number of them
	ReadOnly          bool
}

func (p *Probe) disk(context.Context) (Reason, *float64) {
	f, err := p.system.FileSystem(p.Target)
	switch {
	case err != nil:
		return Missing, nil
	case f.Used+f.Available == 0:
		return Unmeasurable, nil
	}
	reason, left := p.share(float64(f.Available), float64(f.Used+f.Available))
	if f.ReadOnly {
		reason = ReadOnly
	}
	return reason, left
}

func (p *Probe) inode(context.Context) (Reason, *float64) {
	f, err := p.system.FileSystem(p.Target)
	switch {
	case err != nil:
		return Missing, nil
	case f.Inodes == 0:
		return Unmeasurable, nil
	}
	return p.share(float64(f.FreeNodes), float64(f.Inodes))
}

func (p *Probe) share(available, all float64) (Reason, *float64) {
	share := min(max(available/all, 0), 1)
	switch {
	case share < p.FailBelow:
		return Full, &share
	case share < p.WarnBelow:
		return Low, &share
	}
	return OK, &share
}

// memory looks at the machine, or at a control group. One without a limit has
// what the machine has. Pressure is what the second version alone says.
func (p *Probe) memory(context.Context) (Reason, *float64) {
	available, all, ok := p.machineMemory()
	pressure := "/proc/pressure/memory"
	if p.Target != "" {
		pressure = filepath.Join(p.Target, "memory.pressure")
		left, limit, found := p.system.groupMemory(p.Target)
		if !found {
			return Missing, nil
		}
		if limit > 0 {
			available, all, ok = left, limit, true
		}
	}
	if !ok {
		return Unmeasurable, nil
	}
	reason, left := p.share(available, all)
	if reason != Full && p.stalled(pressure) >= p.Pressure {
		reason = Pressure
	}
	return reason, left
}

func (p *Probe) machineMemory() (available, all float64, ok bool) {
	all = p.system.field("/proc/meminfo", "MemTotal:")
	available = p.system.field("/proc/meminfo", "MemAvailable:")
	return available, all, all > 0
}

// stalled is the share of the last minute in which all work waited, as the
// kernel's pressure stall information has it; 0 where there is none.
func (p *Probe) stalled(file string) float64 {
	text, err := p.system.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "full "); ok {
			for f := range strings.FieldsSeq(rest) {
				if v, ok := strings.CutPrefix(f, "avg60="); ok {
					percent, _ := strconv.ParseFloat(v, 64)
					return percent / 100
				}
			}
		}
	}
	return 0
}

// number reads a file that holds one; "max" is none.
func (s System) number(file string) (float64, bool) {
	text, err := s.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return float64(n), err == nil
}

// field reads the number behind a word at the beginning of a line, or 0.
func (s System) field(file, word string) float64 {
	text, err := s.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == word {
			n, _ := strconv.ParseUint(f[1], 10, 64)
			return float64(n)
		}
	}
	return 0
}
