package policy

import (
	"fmt"
	"strings"
)

// Description is what [Explain] writes, for machines. Its JSON is stable: keys
// are added, never renamed or removed.
type Description struct {
	Product     string                 `json:"product"`
	Vendor      string                 `json:"vendor"`
	Revision    int                    `json:"revision"`
	Digest      Digest                 `json:"digest"`
	Destination string                 `json:"destination"`
	Interval    string                 `json:"interval"`
	Expires     string                 `json:"expires"`
	Identity    []AttributeDescription `json:"identity"`
	Signals     []SignalDescription    `json:"signals"`
	Budget      BudgetReport           `json:"budget"`
}

// SignalDescription is one entry in plain words.
type SignalDescription struct {
	Name       string                 `json:"name"`
	Line       int                    `json:"line"`
	Set        string                 `json:"set,omitempty"`
	Kind       string                 `json:"kind"`
	UpDown     bool                   `json:"up_down,omitempty"`
	Unit       string                 `json:"unit"`
	What       string                 `json:"what"`
	Why        string                 `json:"why"`
	Owner      string                 `json:"owner"`
	Category   Category               `json:"category"`
	Expires    string                 `json:"expires"`
	Attributes []AttributeDescription `json:"attributes"`
	Series     string                 `json:"series"`
	Budget     SignalBudget           `json:"budget"`
	Example    string                 `json:"example"`
}

// AttributeDescription is one key in plain words.
type AttributeDescription struct {
	Key       string `json:"key"`
	Values    string `json:"values"`
	Otherwise string `json:"otherwise,omitempty"`
}

// Describe puts the policy into words, sorted as the policy is.
func Describe(p *Policy) Description {
	d := Description{
		Product: p.Product, Vendor: p.Vendor, Revision: p.Revision, Digest: p.Digest,
		Destination: p.Destination, Interval: shortDuration(p.Interval.String()), Expires: lastDay(p.Expires),
		Identity: []AttributeDescription{}, Signals: []SignalDescription{}, Budget: Budget(p),
	}
	for _, a := range p.Identity {
		d.Identity = append(d.Identity, AttributeDescription{Key: a.Key, Values: a.values()})
	}
	for i := range p.Signals {
		s := &p.Signals[i]
		one := SignalDescription{
			Name: s.Name, Line: s.Line, Set: s.Set, Kind: s.Kind.String(), UpDown: s.UpDown, Unit: s.Unit, What: s.what(), Why: s.Why, Owner: s.Owner,
			Category: s.Category, Expires: lastDay(s.Expires), Attributes: []AttributeDescription{},
			Budget: d.Budget.Signals[i], Example: s.example(),
		}
		for _, a := range s.Attributes {
			otherwise := "a point with anything else is dropped"
			if !a.Otherwise.Drop {
				otherwise = "anything else is sent as " + a.Otherwise.Constant
			}
			one.Attributes = append(one.Attributes, AttributeDescription{Key: a.Key, Values: a.values(), Otherwise: otherwise})
		}
		one.Series = fmt.Sprintf("%d, all in every report", s.MaxSeries)
		if s.DenseSize() < 0 {
			one.Series = fmt.Sprintf("up to %d, as they are seen", s.MaxSeries)
		}
		d.Signals = append(d.Signals, one)
	}
	return d
}

// shortDuration drops the zeros that Go appends: 1h0m0s is 1h.
func shortDuration(s string) string {
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}
