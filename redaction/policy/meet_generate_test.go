package policy

import (
	"slices"
	"time"

	"pgregory.net/rapid"
)

// The generator draws from small vocabularies, so that two policies meet often
// and in every way: the same, one within the other, overlapping, apart.

var grids = []Value{
	{0, 10, 1}, {0, 100, 1}, {5, 50, 5}, {3, 48, 5}, {0, 1, 0.01}, {0, 1, 0.1}, {0, 0.5, 0.01}, {0.25, 1, 0.25},
	{0, 2, 0.5}, {0, 1e12, 1}, {1, 1e12, 3}, {0, 1e12, 7}, {0, 0.3, 0.1}, {0.1, 0.7, 0.2}, {0, 1e15, 0.5},
}

func drawDay(t *rapid.T, label string) time.Time {
	switch rapid.IntRange(0, 3).Draw(t, label) {
	case 0:
		return time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC)
	case 1:
		return time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)
	default:
		return time.Time{}
	}
}

func drawDomain(t *rapid.T) Domain {
	switch rapid.IntRange(0, 8).Draw(t, "domain") {
	case 0:
		return Domain{Kind: DomainBool}
	case 1:
		low := rapid.Int64Range(-2, 2).Draw(t, "min")
		return Domain{Kind: DomainInt, Min: low, Max: low + rapid.Int64Range(0, 3).Draw(t, "size")}
	case 2:
		return Domain{Kind: DomainSemver}
	case 3:
		return Domain{Kind: DomainUUID}
	case 4:
		return Domain{Kind: DomainHMAC}
	default:
		words := []string{"a", "b", "c", "1.0.0", "00112233445566aa", "other", `q"\`}
		perm := rapid.Permutation(words).Draw(t, "words")
		return Domain{Kind: DomainEnum, Values: perm[:rapid.IntRange(1, len(words)).Draw(t, "n")]}
	}
}

func drawAttribute(t *rapid.T, key string) Attribute {
	a := Attribute{Key: key, Domain: drawDomain(t), Otherwise: Otherwise{Drop: true}}
	if rapid.Bool().Draw(t, "constant") {
		a.Otherwise = Otherwise{Constant: rapid.SampledFrom([]string{"other", "a", "1.0.0", "00112233445566aa", "none"}).Draw(t, "otherwise")}
	}
	return a
}

func drawSignal(t *rapid.T, name string) Signal {
	s := Signal{Name: name, Why: rapid.SampledFrom([]string{"why", `a "quoted" \ why, naïve: {yes}`}).Draw(t, "why"), Owner: "o", Category: CategoryHealth, Unit: "1",
		Kind: rapid.SampledFrom([]Kind{KindSum, KindSum, KindGauge, KindHistogram}).Draw(t, "kind")}
	s.Expires = drawDay(t, "signal expires")
	s.Value, s.HasValue = rapid.SampledFrom(grids).Draw(t, "grid"), true
	switch s.Kind {
	case KindSum:
		s.UpDown = rapid.IntRange(0, 3).Draw(t, "up down") == 0
	case KindGauge:
		s.Merge = rapid.SampledFrom([]Merge{MergeLast, MergeMax}).Draw(t, "merge")
	case KindHistogram:
		s.HasValue = rapid.Bool().Draw(t, "sum")
		if !s.HasValue {
			s.Value = Value{}
		}
		for _, b := range []float64{0.1, 0.5, 1, 10} {
			if rapid.Bool().Draw(t, "bound") {
				s.Bounds = append(s.Bounds, b)
			}
		}
		if len(s.Bounds) == 0 {
			s.Bounds = []float64{2}
		}
	}
	for _, key := range []string{"k", "l"} {
		if rapid.Bool().Draw(t, "has "+key) {
			s.Attributes = append(s.Attributes, drawAttribute(t, key))
		}
	}
	if s.MaxSeries = s.DenseSize(); s.MaxSeries < 0 {
		s.MaxSeries = rapid.IntRange(1, 12).Draw(t, "max series")
	}
	return s
}

// drawPolicy returns a policy as Parse made it. Of near, if there is one, about
// half is taken over.
func drawPolicy(t *rapid.T, near *Policy) *Policy {
	p := &Policy{Version: 1, Product: "shop", Vendor: "acme", Revision: rapid.IntRange(1, 9).Draw(t, "revision"),
		Destination: "https://telemetry.acme.example",
		Interval:    rapid.SampledFrom([]time.Duration{10 * time.Second, 15 * time.Second, time.Minute, 90 * time.Second, 24 * time.Hour}).Draw(t, "interval"),
		Expires:     drawDay(t, "expires"),
		Identity:    []Attribute{{Key: "weir.install.id", Domain: Domain{Kind: DomainUUID}, Otherwise: Otherwise{Drop: true}}},
	}
	if rapid.Bool().Draw(t, "site") {
		p.Identity = slices.Insert(p.Identity, 0, Attribute{Key: "site.kind", Domain: drawDomain(t), Otherwise: Otherwise{Drop: true}})
	}
	for i, name := range []string{"s.one", "s.three", "s.two"} {
		switch take := rapid.IntRange(0, 7).Draw(t, name); {
		case take == 0:
		case take < 4 && near != nil && i < len(near.Signals):
			if s := near.Signals[i]; !slices.ContainsFunc(p.Signals, func(o Signal) bool { return o.Name >= s.Name }) {
				p.Signals = append(p.Signals, s)
			}
		default:
			if !slices.ContainsFunc(p.Signals, func(o Signal) bool { return o.Name >= name }) {
				p.Signals = append(p.Signals, drawSignal(t, name))
			}
		}
	}
	parsed, err := Parse("drawn", Render(p))
	if err != nil {
		t.Fatalf("the generator or Render is wrong: %v\n%s", err, Render(p))
	}
	wantSame(t, p, parsed)
	return parsed
}
