package vitals

import (
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

const (
	// unknownService is what OpenTelemetry calls a service that has no name.
	unknownService = "unknown_service"
	// otherServices gathers the services beyond the bound.
	otherServices = "other"
	// maxNameBytes cuts names of services and versions.
	maxNameBytes = 128
)

// service is what is known of one service. Vitals.mu guards it.
type service struct {
	first, last int64 // Unix nanoseconds of arrival, not of the records' own times
	logs        [severities]uint64
	hasLogs     bool
	requests    requests
	versions    []version // at most Options.MaxVersions
}

type version struct {
	name string
	last int64
}

// heard finds or makes the service and notes that it was heard. The caller
// holds v.mu.
func (v *Vitals) heard(name, ver string, now int64) *service {
	s, name := v.lookup(name, now)
	// Batches end in no particular order, and clocks step back.
	s.last = max(s.last, now)
	if ver != "" && name != otherServices {
		v.seen(s, ver, now)
	}
	return s
}

// lookup tries the name as it came first, so that only names that are new or
// odd are looked at closely.
func (v *Vitals) lookup(name string, now int64) (*service, string) {
	if s := v.services[name]; s != nil {
		return s, name
	}
	if name = cleanName(name); name == "" {
		name = unknownService
	}
	s := v.services[name]
	if s == nil && name != otherServices && v.full() {
		v.limited.Services++
		name = otherServices
		s = v.services[name]
	}
	if s == nil {
		// The batch's own memory must not be held by a name.
		name = strings.Clone(name)
		s = &service{first: now, last: now}
		v.services[name] = s
	}
	return s, name
}

// full says that no further service may be told apart. The one that gathers
// the rest does not count.
func (v *Vitals) full() bool {
	n := len(v.services)
	if v.services[otherServices] != nil {
		n--
	}
	return n >= v.opts.MaxServices
}

func (v *Vitals) seen(s *service, ver string, now int64) {
	for i := range s.versions {
		if s.versions[i].name == ver {
			s.versions[i].last = max(s.versions[i].last, now)
			return
		}
	}
	clean := cleanName(ver)
	if clean != ver { // an odd name may be known under its clean form
		for i := range s.versions {
			if s.versions[i].name == clean {
				s.versions[i].last = max(s.versions[i].last, now)
				return
			}
		}
	}
	if len(s.versions) >= v.opts.MaxVersions {
		s.forgetVersions(now)
	}
	if len(s.versions) >= v.opts.MaxVersions {
		v.limited.Versions++
		return
	}
	s.versions = append(s.versions, version{name: strings.Clone(clean), last: now})
}

// forgetVersions drops the versions that no longer run.
func (s *service) forgetVersions(now int64) {
	kept := s.versions[:0]
	for _, ver := range s.versions {
		if now-ver.last <= int64(versionFor) {
			kept = append(kept, ver)
		}
	}
	clear(s.versions[len(kept):])
	s.versions = kept
}

// forget drops the services that have been silent for long. The caller holds
// v.mu.
func (v *Vitals) forget(now int64) {
	for name, s := range v.services {
		if now-s.last > int64(forgetAfter) {
			delete(v.services, name)
		}
	}
}

// cleanName is a name that is valid UTF-8 and at most maxNameBytes long.
func cleanName(s string) string {
	s = cut(s)
	if !utf8.ValidString(s) {
		s = cut(strings.ToValidUTF8(s, "\uFFFD"))
	}
	return s
}

// cut takes at most maxNameBytes and no part of a rune.
func cut(s string) string {
	if len(s) <= maxNameBytes {
		return s
	}
	end := maxNameBytes
	for end > maxNameBytes-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// identity finds the names in a resource. Over Loki's push, service.name is
// the label service_name. What is not a string is no name.
func identity(attrs pcommon.Map) (name, ver string) {
	var label string
	for key, value := range attrs.All() {
		switch key {
		case "service.name":
			name = value.Str()
		case "service_name":
			label = value.Str()
		case "service.version":
			ver = value.Str()
		case "service_version":
			if ver == "" {
				ver = value.Str()
			}
		}
	}
	if name == "" {
		name = label
	}
	return name, ver
}
