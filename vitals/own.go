package vitals

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// A service that measures its own requests says so by a metric of the very name
// that would be derived from its spans, and both together would count each
// request twice, at home and in a report. So the derived one makes way for it:
//
//   - A new service has Options.OwnWithin to say its own, since libraries say
//     theirs once a minute. Until then the derived series are counted and not
//     said; then they are said from their beginning, or they are forgotten.
//   - While its own comes, nothing is derived. When it has not come for
//     ownFor and spans still do, the service is as a new one.
const (
	// DefaultOwnWithin is a little more than the minute after which
	// OpenTelemetry's libraries say their metrics first.
	DefaultOwnWithin = 70 * time.Second
	// ownFor is how long a service's own metric counts as coming.
	ownFor = 10 * time.Minute
)

// owned is what is known of one measure of one service.
type owned struct {
	last  int64 // when the service's own metric came last; 0: never
	since int64 // since when it is derived; 0: it is not
}

// derives says whether an operation that is counted now is counted for a
// derived series, and notes that it is.
func (o *owned) derives(now int64) bool {
	if o.last != 0 {
		if now-o.last <= int64(ownFor) {
			return false
		}
		*o = owned{}
	}
	if o.since == 0 {
		o.since = now
	}
	return true
}

// said says whether what was derived may be said now.
func (o *owned) said(now int64, within time.Duration) bool {
	return o.since != 0 && now-o.since >= int64(within)
}

// byName finds a measure by the names that a service's own metric has: that of
// the conventions, or the one that a Prometheus endpoint makes of it.
var byName = func() map[string]measure {
	m := map[string]measure{}
	for i := range measure(measures) {
		name := measured[i].name
		m[name] = i
		m[strings.ReplaceAll(name, ".", "_")+"_seconds"] = i
	}
	delete(m, measured[request].name) // ours alone
	delete(m, strings.ReplaceAll(measured[request].name, ".", "_")+"_seconds")
	return m
}()

// OwnMetrics hears the services that sent a batch of metrics at the given time,
// and notes which of the derived metrics they send themselves. It looks at
// names alone.
func (v *Vitals) OwnMetrics(md pmetric.Metrics, arrived time.Time) {
	now := arrived.UnixNano()
	for _, rm := range md.ResourceMetrics().All() {
		var own [measures]bool
		heard := false
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				name := m.Name()
				heard = heard || !ofTheScrape(name)
				if strings.HasSuffix(name, "duration") || strings.HasSuffix(name, "duration_seconds") {
					if i, ok := byName[name]; ok {
						own[i] = true
					}
				}
			}
		}
		if !heard {
			continue
		}
		name, ver := identity(rm.Resource().Attributes())
		v.mu.Lock()
		s, name := v.heard(name, ver, now)
		for i, is := range own {
			if is && name != otherServices { // which is many, and the others do not measure
				s.own[i] = owned{last: max(now, s.own[i].last)}
				v.dropDurations(s, measure(i))
			}
		}
		v.mu.Unlock()
	}
}

// ofTheScrape are the metrics that a scrape has of a target even if it is down:
// they are no sign of life.
func ofTheScrape(name string) bool {
	return name == "up" || strings.HasPrefix(name, "scrape_")
}
