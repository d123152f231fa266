// Package releases reads the vendor's release catalogue, releases.yaml, and turns
// it into metrics that the fleet's rules join with what installs report.
//
// A catalogue is one product's: its versions with their channel, the day of
// general availability, the end of support and whether they fix a security
// fault; the rings that installs are rolled out in; and what each ring should
// run. What it promises:
//   - Parsing is strict and gathers all faults, each with line, column and hint.
//   - The metrics follow from the file and the time alone, in a fixed order.
//   - Names are under weir.fleet., which no install's policy can declare.
//
// It does not compare the catalogue with installs: recording rules do.
package releases

import (
	"cmp"
	"slices"
	"time"

	"golang.org/x/mod/semver"
)

// Rest is the ring of every install that no ring names.
const Rest = "rest"

// Catalogue is a checked releases.yaml.
type Catalogue struct {
	Product string
	// Services carry the product's version. None: versions are reported
	// without a service's name.
	Services []string
	Releases []Release // by version, the oldest first
	Rings    []Ring    // Rest is the last, if no other stands there
}

// Release is one version of the product.
type Release struct {
	Version        string
	Channel        string
	GA             time.Time // zero: not generally available, such as a candidate
	SupportedUntil time.Time // zero: no end is set; the support ends with that day
	Security       bool      // fixes a fault of security
}

// Ring is a part of the fleet that gets releases together.
type Ring struct {
	Name      string
	Channel   string // its newest release is what the ring should run
	Desired   string // if set, this version instead
	Installs  []string
	Customers []string
}

// available says whether the release is generally available at a time.
func (r Release) available(now time.Time) bool { return !r.GA.IsZero() && !r.GA.After(now) }

// Desired is the version that a ring should run at a time; "" if the catalogue
// has none for it.
func (c *Catalogue) Desired(r Ring, now time.Time) string {
	if r.Desired != "" {
		return r.Desired
	}
	for _, rel := range slices.Backward(c.Releases) {
		if rel.Channel == r.Channel && rel.available(now) {
			return rel.Version
		}
	}
	return ""
}

// byVersion orders versions as semver does, "1.2.3" and "v1.2.3" alike.
func byVersion(a, b Release) int {
	return cmp.Or(semver.Compare(canonical(a.Version), canonical(b.Version)), cmp.Compare(a.Version, b.Version))
}

func canonical(v string) string {
	if v != "" && v[0] != 'v' {
		return "v" + v
	}
	return v
}
