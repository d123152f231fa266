package vitals

import (
	"slices"
	"strings"
	"time"
)

// versionFor is how long a version counts as running after it was seen.
const versionFor = time.Hour

// version is one of a service's. They are kept as long as the service is, so
// that one that comes back is known.
type version struct {
	name        string
	first, last int64
	deploys     uint64
	series
}

func (ver *version) runs(now int64) bool { return now-ver.last <= int64(versionFor) }

// seen notes a version. It was deployed if it did not run and another one has
// run since: a service's first version was not, nor one that comes back after a
// night in which nothing ran.
func (v *Vitals) seen(s *service, name string, now int64) {
	i := s.version(name)
	if i < 0 {
		if clean := cleanName(name); clean != name { // an odd name may be known under its clean form
			name = clean
			i = s.version(name)
		}
	}
	if i >= 0 {
		ver := &s.versions[i]
		if !ver.runs(now) && s.replaced(ver) {
			ver.deploys++
		}
		ver.last = max(ver.last, now)
		return
	}
	if len(s.versions) >= v.opts.MaxVersions && !s.dropVersion(now) {
		v.limited.Versions++
		return
	}
	ver := version{name: strings.Clone(name), first: now, last: now, series: series{start: v.emitted}}
	if s.versioned {
		ver.deploys = 1
	}
	s.versioned = true
	s.versions = append(s.versions, ver)
}

func (s *service) version(name string) int {
	for i := range s.versions {
		if s.versions[i].name == name {
			return i
		}
	}
	return -1
}

// replaced says that another version was seen when this one ran no longer.
func (s *service) replaced(ver *version) bool {
	return slices.ContainsFunc(s.versions, func(other version) bool { return !ver.runs(other.last) })
}

// dropVersion makes room: the version goes that was not seen for longest, if it
// no longer runs.
func (s *service) dropVersion(now int64) bool {
	oldest := 0
	for i := range s.versions {
		if s.versions[i].last < s.versions[oldest].last {
			oldest = i
		}
	}
	if s.versions[oldest].runs(now) {
		return false
	}
	s.versions = slices.Delete(s.versions, oldest, oldest+1)
	return true
}
