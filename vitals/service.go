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
	last int64 // Unix nanoseconds of arrival, not of the records' own times
	numbers
	versions []version // at most Options.MaxVersions
	// versioned says that a version was seen before, be it forgotten since.
	versioned bool
	own       [measures]owned
}

// numbers are what is counted of a service, and forgotten when it was silent
// for long.
type numbers struct {
	logs      records
	requests  [servedKinds]requests
	durations map[durationKey]*duration
	inOrder   []*duration // of their creation, which is the order they are said in

	routes, systems, errorTypes names
}

// records are the log records of a service.
type records struct {
	bySeverity [severities]uint64
	any        bool
	series
}

// heard finds or makes the service, notes that it was heard, and returns the
// name that it is counted under. The caller holds v.mu.
func (v *Vitals) heard(name, ver string, now int64) (*service, string) {
	s, name := v.lookup(name, now)
	if s.gone(now) { // and no emission has forgotten it yet
		v.dropNumbers(s)
	}
	// Batches end in no particular order, and clocks step back.
	s.last = max(s.last, now)
	if ver != "" && name != otherServices {
		v.seen(s, ver, now)
	}
	return s, name
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
	if s == nil && name != otherServices && v.full() && !v.dropService(now) {
		v.limited.Services++
		name = otherServices
		s = v.services[name]
	}
	if s == nil {
		// The batch's own memory must not be held by a name.
		name = strings.Clone(name)
		s = &service{last: now}
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

// dropService makes room: of the services of which nothing but the name and the
// versions is remembered, the one that has been silent for longest goes. They
// are looked for once between two emissions, however many names a sender makes up.
func (v *Vitals) dropService(now int64) bool {
	if v.noneGone == v.emitted {
		return false
	}
	var oldest string
	for name, s := range v.services {
		if !s.gone(now) || name == otherServices {
			continue
		}
		if oldest == "" || s.last < v.services[oldest].last || s.last == v.services[oldest].last && name < oldest {
			oldest = name
		}
	}
	if oldest == "" {
		v.noneGone = v.emitted
		return false
	}
	v.drop(oldest)
	return true
}

// gone says that a service was silent for so long that it is not spoken of.
func (s *service) gone(now int64) bool { return now-s.last > int64(forgetAfter) }

func (v *Vitals) drop(name string) {
	v.dropNumbers(v.services[name])
	delete(v.services, name)
}

func (v *Vitals) dropNumbers(s *service) {
	v.durations -= len(s.inOrder)
	s.numbers = numbers{}
}

// forget drops the numbers of services that have been silent for long, and in
// the end their names and versions. The caller holds v.mu.
func (v *Vitals) forget(now int64) {
	for name, s := range v.services {
		switch {
		case now-s.last > int64(forgetVersionsAfter):
			v.drop(name)
		case s.gone(now):
			v.dropNumbers(s)
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
