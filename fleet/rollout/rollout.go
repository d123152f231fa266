// Package rollout judges whether a release may go on to more installs: it compares
// those that run it with those that do not.
//
// Three things must come together for a pause, so that neither chance nor one
// broken install stops a rollout: a difference that matters, one beyond chance (a
// two-proportion z-test), and half of the installs worse than the others. These
// are the thresholds of the early warning in dashboards/rules/fleet.yaml too. And
// installs that fell silent with the release pause it, whatever the others say.
//
// Requests of one install are not independent of each other, so z is a guard
// against chance and no probability.
package rollout

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// The thresholds.
const (
	MinRequests = 100   // of a service, with the release, in the window
	MinExcess   = 0.005 // of the share of failed requests
	MinZ        = 3
	MinWorse    = 0.5 // of the installs with the release
	MinSilence  = 0.2 // by which the silent share exceeds that of the others
)

// Observation is one service of one install in the window.
type Observation struct {
	Install, Service string
	Requests, Errors float64
	Candidate        bool // runs the release
}

// Silence is how many of the installs with the release, and of the others, are silent.
type Silence struct {
	Candidates, SilentCandidates int
	Others, SilentOthers         int
}

// Decision is the answer.
type Decision string

const (
	Go      Decision = "go"
	Pause   Decision = "pause"
	Unknown Decision = "unknown"
)

// Finding is the comparison of one service.
type Finding struct {
	Service        string  `json:"service"`
	Installs       int     `json:"installs"`
	Requests       float64 `json:"requests"`
	ErrorRatio     float64 `json:"errorRatio"`
	OtherInstalls  int     `json:"otherInstalls"`
	OtherRequests  float64 `json:"otherRequests"`
	OtherRatio     float64 `json:"otherErrorRatio"`
	Excess         float64 `json:"excess"`
	Z              float64 `json:"z"`
	WorseInstalls  float64 `json:"worseInstallsRatio"`
	Pause          bool    `json:"pause"`
	Enough         bool    `json:"enough"`
	errors, others float64
}

// Verdict is a decision and what it rests on.
type Verdict struct {
	Decision Decision  `json:"decision"`
	Why      []string  `json:"why"`
	Services []Finding `json:"services"`
}

// Judge compares. Services without requests with the release say nothing.
func Judge(seen []Observation, silence Silence) Verdict {
	by := map[string]*Finding{}
	for _, o := range seen {
		f := by[o.Service]
		if f == nil {
			f = &Finding{Service: o.Service}
			by[o.Service] = f
		}
		if o.Candidate {
			f.Installs++
			f.Requests += o.Requests
			f.errors += o.Errors
		} else {
			f.OtherInstalls++
			f.OtherRequests += o.Requests
			f.others += o.Errors
		}
	}
	v := Verdict{Decision: Go, Why: []string{}, Services: []Finding{}}
	for _, f := range by {
		if f.Installs > 0 {
			f.compare(seen)
			v.Services = append(v.Services, *f)
		}
	}
	slices.SortFunc(v.Services, func(a, b Finding) int { return cmp.Compare(a.Service, b.Service) })
	v.decide(silence)
	return v
}

func (f *Finding) compare(seen []Observation) {
	f.ErrorRatio, f.OtherRatio = ratio(f.errors, f.Requests), ratio(f.others, f.OtherRequests)
	f.Enough = f.Requests >= MinRequests && f.OtherRequests >= MinRequests
	f.Excess = f.ErrorRatio - f.OtherRatio
	p := ratio(f.errors+f.others, f.Requests+f.OtherRequests)
	if spread := p * (1 - p) * (1/f.Requests + 1/f.OtherRequests); spread > 0 && !math.IsInf(spread, 0) {
		f.Z = f.Excess / math.Sqrt(spread)
	}
	worse, judged := 0, 0
	for _, o := range seen {
		if o.Service == f.Service && o.Candidate && o.Requests > 0 {
			judged++
			if ratio(o.Errors, o.Requests) > f.OtherRatio {
				worse++
			}
		}
	}
	f.WorseInstalls = ratio(float64(worse), float64(judged))
	f.Pause = f.Enough && f.Excess > MinExcess && f.Z > MinZ && f.WorseInstalls >= MinWorse
}

func ratio(part, of float64) float64 {
	if of <= 0 {
		return 0
	}
	return part / of
}

func (v *Verdict) decide(s Silence) {
	enough := false
	for _, f := range v.Services {
		name := f.Service
		if name == "" {
			name = "the product"
		}
		figures := fmt.Sprintf("%s: %.2f %% of %.0f requests fail in %d installs with the release, %.2f %% of %.0f in %d without",
			name, 100*f.ErrorRatio, f.Requests, f.Installs, 100*f.OtherRatio, f.OtherRequests, f.OtherInstalls)
		switch {
		case f.Pause:
			v.Decision = Pause
			v.Why = append(v.Why, fmt.Sprintf("%s; beyond chance (z = %.1f), and %.0f %% of the installs with it are worse than those without",
				figures, f.Z, 100*f.WorseInstalls))
		case !f.Enough:
			v.Why = append(v.Why, fmt.Sprintf("%s; too few to compare, it takes %d on either side", figures, MinRequests))
		default:
			enough = true
			v.Why = append(v.Why, figures+"; no difference that matters")
		}
	}
	with, without := ratio(float64(s.SilentCandidates), float64(s.Candidates)), ratio(float64(s.SilentOthers), float64(s.Others))
	if s.SilentCandidates > 0 && with-without > MinSilence {
		v.Decision = Pause
		v.Why = append(v.Why, fmt.Sprintf("%d of %d installs with the release are silent, %d of %d without", s.SilentCandidates, s.Candidates, s.SilentOthers, s.Others))
	}
	if v.Decision == Go && !enough {
		v.Decision = Unknown
		if len(v.Why) == 0 {
			v.Why = append(v.Why, "no install with the release reports requests")
		}
	}
}
