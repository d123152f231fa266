package preflight

import (
	"context"

	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// doors names what connects to other machines, and whose they are. Only upstream
// goes through the policy.
func (s *Site) doors(context.Context) {
	for _, d := range s.Settings.Doors {
		f := Finding{Check: "connects outwards", About: d.Component, State: Fine, Evidence: d.To + ", the customer's own", Area: responsibilities.Approvals}
		if d.Whose != "customer" {
			f.State, f.Evidence = Warning, d.To+": no policy holds what it sends"
			f.Fix = "remove it from the pipelines, or make sure that it is the customer's own"
		}
		s.add(f)
	}
}
