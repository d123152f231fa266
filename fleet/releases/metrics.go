package releases

import (
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// What the catalogue becomes. In Prometheus' spelling: weir_fleet_release_info,
// weir_fleet_release_order, weir_fleet_release_ga_seconds,
// weir_fleet_release_supported_until_seconds, weir_fleet_release_covers,
// weir_fleet_release_desired, weir_fleet_install_ring, weir_fleet_customer_ring.
const (
	info      = "weir.fleet.release.info"            // 1, with channel and security
	order     = "weir.fleet.release.order"           // 1 is the oldest version
	ga        = "weir.fleet.release.ga"              // of those with a day of general availability
	supported = "weir.fleet.release.supported.until" // of those with an end of support
	covers    = "weir.fleet.release.covers"          // 1: who runs this version has weir.release or newer
	desired   = "weir.fleet.release.desired"         // 1: what the ring should run
	ring      = "weir.fleet.install.ring"            // 1, of installs that a ring names
	customers = "weir.fleet.customer.ring"           // 1, of customers that a ring names

	serviceKey  = "service.name"
	versionKey  = "service.version"
	releaseKey  = "weir.release"
	ringKey     = "weir.fleet.ring"
	installKey  = "weir.install.id"
	customerKey = "weir.customer"
)

// followed is how many of the newest releases have their adoption followed:
// each is a pair with every newer one.
const followed = 30

// Metrics is the catalogue as gauges, as they are at a time.
func (c *Catalogue) Metrics(now time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	w := &writer{ms: md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics(), at: pcommon.NewTimestampFromTime(now)}
	services := c.Services
	if len(services) == 0 {
		services = []string{""}
	}
	for _, s := range services {
		for i, r := range c.Releases {
			p := w.point(info, "{release}", s, r.Version, 1)
			p.PutStr("weir.release.channel", r.Channel)
			p.PutStr("weir.release.security", strconv.FormatBool(r.Security))
			w.point(order, "{release}", s, r.Version, float64(i+1))
			if !r.GA.IsZero() {
				w.point(ga, "s", s, r.Version, float64(r.GA.Unix()))
			}
			if !r.SupportedUntil.IsZero() {
				w.point(supported, "s", s, r.Version, float64(r.SupportedUntil.Unix()))
			}
			for _, older := range c.Releases[max(0, len(c.Releases)-followed):] {
				if byVersion(older, r) <= 0 {
					w.point(covers, "{release}", s, r.Version, 1).PutStr(releaseKey, older.Version)
				}
			}
		}
		for _, g := range c.Rings {
			if v := c.Desired(g, now); v != "" {
				w.point(desired, "{release}", s, v, 1).PutStr(ringKey, g.Name)
			}
		}
	}
	for _, g := range c.Rings {
		for _, id := range g.Installs {
			p := w.bare(ring, "{install}", 1)
			p.PutStr(installKey, id)
			p.PutStr(ringKey, g.Name)
		}
		for _, name := range g.Customers {
			p := w.bare(customers, "{customer}", 1)
			p.PutStr(customerKey, name)
			p.PutStr(ringKey, g.Name)
		}
	}
	return md
}

// writer keeps one metric for each name.
type writer struct {
	ms pmetric.MetricSlice
	at pcommon.Timestamp
	by map[string]pmetric.NumberDataPointSlice
}

func (w *writer) bare(name, unit string, value float64) pcommon.Map {
	points, ok := w.by[name]
	if !ok {
		if w.by == nil {
			w.by = map[string]pmetric.NumberDataPointSlice{}
		}
		m := w.ms.AppendEmpty()
		m.SetName(name)
		m.SetUnit(unit)
		points = m.SetEmptyGauge().DataPoints()
		w.by[name] = points
	}
	p := points.AppendEmpty()
	p.SetTimestamp(w.at)
	p.SetDoubleValue(value)
	return p.Attributes()
}

func (w *writer) point(name, unit, service, version string, value float64) pcommon.Map {
	p := w.bare(name, unit, value)
	if service != "" {
		p.PutStr(serviceKey, service)
	}
	p.PutStr(versionKey, version)
	return p
}
