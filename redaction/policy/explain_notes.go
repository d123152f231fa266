package policy

import (
	"fmt"
	"strings"
)

// Note is something that a reviewer should look at before the rest.
type Note struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Notes lists what deserves a second look, the weightiest first. A policy with
// notes is as valid as one without.
func Notes(p *Policy) []Note {
	var notes []Note
	add := func(names []string, what, why string) {
		if len(names) > 0 {
			notes = append(notes, Note{What: fmt.Sprintf(what, strings.Join(names, ", ")), Why: why})
		}
	}
	var versions, ids, hashes, endless []string
	for i := range p.Signals {
		s := &p.Signals[i]
		for _, a := range s.Attributes {
			name := s.Name + " by " + a.Key
			switch a.Domain.Kind {
			case DomainSemver:
				versions = append(versions, name)
			case DomainUUID:
				ids = append(ids, name)
			case DomainHMAC:
				hashes = append(hashes, name)
			}
		}
		if s.Expires.IsZero() && p.Expires.IsZero() {
			endless = append(endless, s.Name)
		}
	}
	add(ids, "A sender chooses the digits: %s.", "Any UUID passes. If it names a person or a device, those can be told apart and recognised elsewhere.")
	add(versions, "A sender chooses the text: %s.", "Any version of at most 32 characters passes, also what follows its hyphen or plus.")
	add(hashes, "Values can be told apart: %s.", "The hash cannot be read back without the install's key, which never leaves. It shows how many values there are, and which one comes back.")
	if strings.HasPrefix(p.Destination, "http://") {
		notes = append(notes, Note{"Reports go to this machine itself, without encryption: " + p.Destination + ".", "What listens there decides what becomes of them."})
	}
	if len(endless) > 0 {
		what := fmt.Sprintf("%d entries without an end.", len(endless))
		if len(endless) == 1 {
			what = "1 entry without an end: " + endless[0] + "."
		}
		notes = append(notes, Note{what, "Neither the policy nor the entry expires; consent lasts until it is taken back with weir policy revoke."})
	}
	return notes
}
