package fault

import (
	"time"

	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// Rounds is how many rounds in a row must disagree with the verdict in force
// before the last of them replaces it, for the worse as for the better: a probe
// that fails once is no fault, and one that succeeds once no end of it.
const Rounds = 2

// Verdict is what a round, or several, came to.
type Verdict struct {
	Domain Domain                `json:"domain"`
	Owner  responsibilities.Area `json:"owner"`
	Since  time.Time             `json:"since"`
}

func (v Verdict) same(w Verdict) bool { return v.Domain == w.Domain && v.Owner == w.Owner }

// Judge holds the verdict in force. Its zero value has none yet.
type Judge struct {
	inForce  Verdict
	disagree int // rounds in a row
}

// Hear takes the signs of a round and returns the verdict in force, and whether
// it is a new one. The first round is believed to be none until others follow.
func (j *Judge) Hear(signs []Sign, at time.Time) (v Verdict, changed bool) {
	if j.inForce.Domain == "" {
		j.inForce = Verdict{None, responsibilities.None, at}
	}
	domain, owner := Decide(signs)
	heard := Verdict{domain, owner, at}
	if heard.same(j.inForce) {
		j.disagree = 0
		return j.inForce, false
	}
	if j.disagree++; j.disagree < Rounds {
		return j.inForce, false
	}
	j.inForce, j.disagree = heard, 0
	return j.inForce, true
}
