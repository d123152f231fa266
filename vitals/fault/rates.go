package fault

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// When a service's requests fail: of at least MinRequests in the last minutes, a
// share of MaxErrorRatio or more.
const (
	MinRequests   = 20
	MaxErrorRatio = 0.05
	// halfLife is the time after which a request counts half.
	halfLife = time.Minute
)

// Service is a service with what it served lately; a request of a minute ago
// counts half, and so on.
type Service struct {
	Name     string  `json:"name"`
	Requests float64 `json:"requests"`
	Errors   float64 `json:"errors"`
}

// Fails says that its requests fail.
func (s Service) Fails() bool {
	return s.Requests >= MinRequests && s.Errors >= MaxErrorRatio*s.Requests
}

// Rates turns what vitals emits into what was served lately. Its memory is
// bounded by vitals' own bound: a service that is emitted no more is forgotten.
type Rates struct {
	services map[string]*rate
	at       time.Time
}

type rate struct {
	Service
	totals [2]float64 // as last emitted
	now    [2]float64 // while one emission is read
	heard  bool
}

const (
	requests = "weir.service.requests"
	failures = "weir.service.errors"
)

// Observe reads one emission. It changes nothing of it.
func (r *Rates) Observe(md pmetric.Metrics, at time.Time) {
	if r.services == nil {
		r.services = map[string]*rate{}
	}
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if which := slices.Index([]string{requests, failures}, m.Name()); which >= 0 && m.Type() == pmetric.MetricTypeSum {
					r.read(m.Sum().DataPoints(), which)
				}
			}
		}
	}
	decay := 0.0
	if !r.at.IsZero() {
		decay = math.Exp2(-max(0, at.Sub(r.at).Seconds()) / halfLife.Seconds())
	}
	for name, s := range r.services {
		if !s.heard {
			delete(r.services, name)
			continue
		}
		if s.now[0] < s.totals[0] { // it began anew
			s.totals = [2]float64{}
		}
		s.Requests = s.Requests*decay + s.now[0] - s.totals[0]
		s.Errors = min(s.Errors*decay+max(0, s.now[1]-s.totals[1]), s.Requests)
		s.totals, s.now, s.heard = s.now, [2]float64{}, false
	}
	r.at = at
}

func (r *Rates) read(points pmetric.NumberDataPointSlice, which int) {
	for _, p := range points.All() {
		name, ok := p.Attributes().Get("service.name")
		if !ok || calls(p.Attributes()) {
			continue
		}
		s := r.services[name.Str()]
		if s == nil {
			s = &rate{Service: Service{Name: strings.Clone(name.Str())}}
			r.services[s.Name] = s
		}
		s.heard = true
		if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
			s.now[which] += float64(p.IntValue())
		} else {
			s.now[which] += p.DoubleValue()
		}
	}
}

// calls says that a point counts what the service asked of others, which is no
// measure of how it serves.
func calls(a pcommon.Map) bool {
	kind, ok := a.Get("span.kind")
	return ok && (strings.EqualFold(kind.Str(), "client") || strings.EqualFold(kind.Str(), "producer"))
}

// Failing are the services whose requests fail, the one with the most errors
// first.
func (r *Rates) Failing() []Service {
	var all []Service
	for _, s := range r.services {
		if s.Fails() {
			all = append(all, s.Service)
		}
	}
	slices.SortFunc(all, func(a, b Service) int { return cmp.Or(cmp.Compare(b.Errors, a.Errors), cmp.Compare(a.Name, b.Name)) })
	return all
}
