// Package responsibilities reads responsibilities.yaml: for each area of an
// install's operation, who is responsible, how to reach them, and when. Weir's
// fault domain and its preflight name an owner by it, in the customer's own
// house; of all that it holds, only an area's name can ever leave, as one word
// out of [Areas].
//
// It promises that a file with a blank is refused: somebody will look at it at
// three in the morning. All faults are gathered, each with line, column and hint,
// and no fault repeats a contact.
//
// Rules for change: an area may be added only with a new version of the format,
// since a file without it would have a blank. No area is renamed: policies and
// fleets know the names.
package responsibilities

// Area is one field of work that somebody answers for.
type Area string

// The areas. None is no area: nobody has to act.
const (
	Infrastructure Area = "infrastructure"
	Application    Area = "application"
	Backups        Area = "backups"
	Certificates   Area = "certificates"
	Approvals      Area = "approvals"
	Emergency      Area = "emergency"
	Monitoring     Area = "monitoring"
	None           Area = "none"
)

// Areas are all areas in the order in which people are asked for them.
var Areas = []Area{Infrastructure, Application, Backups, Certificates, Approvals, Emergency, Monitoring}

// About says what an area covers.
func (a Area) About() string {
	switch a {
	case Infrastructure:
		return "machines, disks, memory, network, name servers, proxies, databases"
	case Application:
		return "the vendor's software as it is set up and run here"
	case Backups:
		return "backups, and that restoring them has been tried"
	case Certificates:
		return "issuing and renewing certificates"
	case Approvals:
		return "who accepts a policy, a release, a change"
	case Emergency:
		return "whom to wake when nobody else answers"
	case Monitoring:
		return "Weir itself, dashboards and alerts"
	}
	return ""
}

// Contact says who answers for an area.
type Contact struct {
	Who   string `json:"who"`
	Reach string `json:"reach"`
	Hours string `json:"hours"`
}

// Contacts has a contact for every area.
type Contacts map[Area]Contact
