package preflight

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/weir-telemetry/weir/internal/yamlfile"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// responsibilities looks whether somebody is named for every area, and gives the
// other findings their contacts.
func (s *Site) responsibilities(context.Context) {
	name := s.Settings.Responsibilities
	s.Settings.contacts = nil
	f := Finding{Check: "responsibilities", About: "who answers for what", Area: responsibilities.Monitoring}
	defer func() { s.add(f) }()
	if name == "" {
		f.State, f.Evidence = Warning, "WEIR_RESPONSIBILITIES names no file: nobody is named below"
		f.Fix = "weir responsibilities init, fill it in, and set WEIR_RESPONSIBILITIES to it"
		return
	}
	text, err := os.ReadFile(name)
	if err != nil {
		f.State, f.Evidence, f.Fix = Missing, fmt.Sprintf("%s cannot be read: %s", name, reason(err)), "set WEIR_RESPONSIBILITIES to a file that this user can read"
		return
	}
	contacts, err := responsibilities.Parse(name, text)
	var faults *yamlfile.Faults
	switch {
	case errors.As(err, &faults):
		f.State, f.Evidence, f.Fix = Missing, fmt.Sprintf("%s has %s", name, counted(len(faults.List), "blank or fault")), "weir responsibilities lint "+name
	case err != nil:
		f.State, f.Evidence, f.Fix = Missing, err.Error(), "weir responsibilities lint "+name
	default:
		s.Settings.contacts = contacts
		f.State, f.Evidence = Fine, fmt.Sprintf("%s names somebody for each of %d areas", name, len(contacts))
	}
}
