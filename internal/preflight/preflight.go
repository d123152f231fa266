// Package preflight looks, before an edge starts or while it runs, at what the
// edge needs: ports, its data folder and the room in it, the policy, the way to
// its destination, the files that it reads, memory, the clock. Of each it says
// what is missing, the evidence, how to mend it, and whose that is.
//
// It promises to change nothing but for one small file in the data folder that
// it writes, syncs and removes; to stop nothing; and to say of the outside only
// what this machine sees. A finding may name paths, addresses and processes of
// this machine; none holds a line of telemetry, a password or what the other
// side of a connection said.
//
// It looks at the network only as far as [Settings] names a destination, and not
// at all with Offline: until then nothing has talked to the vendor, and a look
// should not be the first to.
package preflight

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// State is what a finding comes to.
type State string

// The states.
const (
	Fine    State = "fine"
	Warning State = "warning"    // the edge works; somebody should know
	Missing State = "missing"    // something of the edge does not work until it is mended
	Unknown State = "not looked" // it could not be seen from here, and why
)

// Finding is what was found of one thing. Its JSON is for machines: keys are
// added, never renamed.
type Finding struct {
	Check    string                    `json:"check"` // port, data, room, …
	About    string                    `json:"about"` // which one, in words
	State    State                     `json:"state"`
	Evidence string                    `json:"evidence"`
	Fix      string                    `json:"fix,omitempty"`
	Area     responsibilities.Area     `json:"area,omitempty"` // whose it is
	Contact  *responsibilities.Contact `json:"contact,omitempty"`
}

// Site is where the look is taken.
type Site struct {
	Settings Settings
	System   probe.System
	// Offline leaves out what would send anything.
	Offline bool
	// Progress, which may be nil, is told what is looked at next.
	Progress func(what string)

	found []Finding
	// fileSystem stands in for the machine's; nil: ask that.
	fileSystem func(folder string) (kind string, free int64, err error)
}

// timeout bounds one look at the network.
const timeout = 5 * time.Second

// Run looks at everything.
func (s *Site) Run(ctx context.Context) []Finding {
	for _, look := range []struct {
		what string
		at   func(context.Context)
	}{
		{"who answers for what", s.responsibilities},
		{"ports", s.ports},
		{"the data folder", s.data},
		{"the room on its disk", s.room},
		{"the retention", s.retention},
		{"memory, processors, clock", s.host},
		{"log files", s.logs},
		{"scrape targets", s.scrapes},
		{"the policy", s.policy},
		{"the policy's destination", s.destination},
		{"what connects outwards", s.doors},
	} {
		if ctx.Err() != nil {
			break
		}
		if s.Progress != nil {
			s.Progress(look.what)
		}
		look.at(ctx)
	}
	contacts := s.Settings.contacts
	for i := range s.found {
		f := &s.found[i]
		if f.State == Fine || f.State == Unknown {
			f.Fix, f.Area = "", ""
		} else if c, ok := contacts[f.Area]; ok {
			f.Contact = &c
		}
	}
	return s.found
}

func (s *Site) add(f Finding) { s.found = append(s.found, f) }

// probed runs one probe, and puts its word and the area of its kind into f.
func (s *Site) probed(ctx context.Context, spec probe.Spec, f Finding) probe.Finding {
	if spec.Timeout == 0 {
		spec.Timeout = timeout
	}
	spec.Name = f.Check
	p := probe.New(spec, s.System).Run(ctx)
	f.Evidence = p.Reason.Words()
	if p.Value != nil && slices.Contains([]probe.Kind{probe.Disk, probe.Inode, probe.Memory}, p.Kind) {
		f.Evidence += fmt.Sprintf(", %.0f %% left", 100**p.Value)
	}
	switch p.Outcome {
	case probe.Passed:
		f.State = Fine
	case probe.Warning:
		f.State = Warning
	case probe.Failed:
		f.State = Missing
	default:
		f.State = Unknown
	}
	s.add(f)
	return p
}
