package allowlistprocessor

import (
	"errors"
	"maps"
	"time"

	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/internal/version"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

// current is the table of the policy that is in force, and when its next
// report is due. It never changes; a table of its own is one report's policy.
type current struct {
	digest   policy.Digest
	interval time.Duration
	table    *table.Table // nil: the policy is in force and no table can be made
	failure  failure
}

// failure is why an interval ends without a report.
type failure int

const (
	none     failure = iota
	identity         // the identity does not fit the policy
	layout           // the table could not be made
	clock            // the clock went back
	next             // the next component did not take it
	failures
)

var failureNames = [failures]string{"", "identity", "layout", "clock", "next"}

// successor is the state that the decision asks for: nil if nothing may leave,
// the same if nothing changed, and otherwise a new table that begins now. Its
// counters carry on from the last one's.
func successor(now *current, d consent.Decision, in install.Install, extra map[string]string, at time.Time, last *table.Table) (*current, error) {
	if d.State != consent.Active || d.Policy == nil {
		return nil, nil
	}
	if now != nil && now.digest == d.Policy.Digest {
		return now, nil
	}
	values := map[string]string{}
	maps.Copy(values, extra)
	values[installKey], values[versionKey] = in.ID, version.Version
	t, err := table.New(d.Policy, table.Options{Key: in.Key, Identity: values, Start: at, Previous: last})
	c := &current{digest: d.Policy.Digest, interval: d.Policy.Interval, table: t}
	switch {
	case errors.Is(err, table.ErrIdentity):
		c.table, c.failure = nil, identity
	case err != nil:
		c.table, c.failure = nil, layout
	}
	return c, err
}

// slot numbers the intervals of the wall clock.
func slot(at time.Time, interval time.Duration) int64 {
	return at.UnixNano() / int64(interval)
}

// wait is how long to sleep until the next report is due, or until it is time
// to ask again whether anything may leave.
func (c *current) wait(now time.Time) time.Duration {
	if c == nil {
		return askAgain
	}
	due := time.Unix(0, (slot(now, c.interval)+1)*int64(c.interval))
	return min(due.Sub(now), askAgain)
}

// askAgain is how soon a change of the decision is noticed at the latest.
const askAgain = time.Second
