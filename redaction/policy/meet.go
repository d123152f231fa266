package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Errors of [Meet]. With either of them there is no policy that both allow, and
// nothing leaves.
var (
	ErrOtherProduct = errors.New("the two policies are not of one product of one vendor")
	ErrNoIdentity   = errors.New("no identity fits both policies")
)

// Meet is the greatest policy that this package can write down which lets out
// nothing that either of the two would not: what runs while a revision that
// widens something waits for the customer.
//
//   - A signal is in it if both have it with the same kind, unit and merge, and
//     what they share is not empty; enums, ranges, bounds and keys are intersected.
//     A key that only one of them has disappears if it has an `otherwise`
//     constant. If it drops points, no signal without it would keep them out,
//     and the whole signal goes.
//   - Reports come when both would send one, and end when the first ends.
//   - They go to old's destination, the only one that was accepted. Destinations
//     have no order: in this one respect Meet is old's and not below next.
//   - Revision and texts for people are old's.
//
// The result's bytes are [Render]'s, so whoever has the two files can compute
// its digest. Meet(p, p) lets out what p does.
func Meet(old, next *Policy) (*Policy, error) {
	if old.Product != next.Product || old.Vendor != next.Vendor {
		return nil, fmt.Errorf("meet: %w", ErrOtherProduct)
	}
	m := &Policy{
		Version: old.Version, Product: old.Product, Vendor: old.Vendor, Revision: old.Revision,
		Destination: old.Destination,
		Interval:    commonInterval(old.Interval, next.Interval),
		Expires:     earlier(old.Expires, next.Expires),
	}
	ok := true
	byKey(old.Identity, next.Identity, func(a, b *Attribute) {
		if a == nil || b == nil {
			return
		}
		one, fits := meetAttribute(*a, *b)
		ok = ok && fits
		m.Identity = append(m.Identity, one)
	})
	if !ok {
		return nil, fmt.Errorf("meet: %w", ErrNoIdentity)
	}
	walk(old.Signals, next.Signals, func(s *Signal) string { return s.Name }, func(a, b *Signal) {
		if a == nil || b == nil {
			return
		}
		if s, ok := meetSignal(a, b); ok {
			m.Signals = append(m.Signals, s)
		}
	})
	p, err := Parse("the meet", Render(m))
	if err != nil {
		return nil, fmt.Errorf("meet: %w", err)
	}
	return p, nil
}

func meetSignal(a, b *Signal) (Signal, bool) {
	if a.Kind != b.Kind || a.UpDown != b.UpDown || a.Unit != b.Unit || a.Merge != b.Merge {
		return Signal{}, false
	}
	m := *a
	m.Set, m.Line = "", 0
	m.Expires = earlier(a.Expires, b.Expires)
	m.Value, m.HasValue = Value{}, false
	if a.HasValue && b.HasValue {
		m.Value, m.HasValue = meetGrid(a.Value, b.Value)
	}
	if !m.HasValue && m.Kind != KindHistogram {
		return Signal{}, false // a histogram only loses its sum
	}
	if m.Kind == KindHistogram {
		m.Bounds = slices.DeleteFunc(slices.Clone(a.Bounds), func(x float64) bool { return !slices.Contains(b.Bounds, x) })
		if len(m.Bounds) == 0 {
			return Signal{}, false
		}
	}
	var ok bool
	if m.Attributes, ok = meetAttributes(a.Attributes, b.Attributes); !ok {
		return Signal{}, false
	}
	return m, m.fitSeries(a, b)
}

// fitSeries sets the limit. A dictionary's limit also holds for what it became
// by losing a key or by being intersected with a list.
func (s *Signal) fitSeries(a, b *Signal) bool {
	s.MaxSeries = min(a.MaxSeries, b.MaxSeries)
	dense := s.DenseSize()
	if dense < 0 {
		return true
	}
	s.MaxSeries = dense
	for _, one := range []*Signal{a, b} {
		if one.DenseSize() < 0 && one.MaxSeries < dense {
			return false
		}
	}
	return true
}

func meetAttributes(old, next []Attribute) ([]Attribute, bool) {
	var list []Attribute
	ok := true
	byKey(old, next, func(a, b *Attribute) {
		switch {
		case a == nil:
			ok = ok && !b.Otherwise.Drop
		case b == nil:
			ok = ok && !a.Otherwise.Drop
		default:
			one, fits := meetAttribute(*a, *b)
			ok = ok && fits
			list = append(list, one)
		}
	})
	return list, ok
}

// meetAttribute intersects what two attributes of one key tell apart.
func meetAttribute(a, b Attribute) (Attribute, bool) {
	m := Attribute{Key: a.Key, Otherwise: Otherwise{Drop: true}}
	if a.Otherwise == b.Otherwise {
		m.Otherwise = a.Otherwise
	}
	var ok bool
	m.Domain, ok = reachOf(a).meet(reachOf(b), m.Otherwise.Drop)
	if !ok && !m.Otherwise.Drop {
		// They share no value but what stands for all others.
		m.Domain, ok = Domain{Kind: DomainEnum, Values: []string{m.Otherwise.Constant}}, true
	}
	return m, ok
}

// meet is the domain of what both tell apart. Without a constant in the result,
// nothing can take a single value out of an open domain.
func (r reach) meet(s reach, drop bool) (Domain, bool) {
	list, other := r, s
	if r.domain.Kind != DomainEnum {
		list, other = s, r
	}
	switch {
	case list.domain.Kind == DomainEnum:
		d := Domain{Kind: DomainEnum}
		for _, v := range list.domain.Values {
			if v != list.except && other.has(v) {
				d.Values = append(d.Values, v)
			}
		}
		return d, len(d.Values) > 0
	case r.domain.Kind != s.domain.Kind:
		return Domain{}, false
	case r.domain.Kind == DomainInt:
		d := Domain{Kind: DomainInt, Min: max(r.domain.Min, s.domain.Min), Max: min(r.domain.Max, s.domain.Max)}
		return d, d.Min <= d.Max
	default:
		return r.domain, !drop || r.except == "" && s.except == ""
	}
}

// commonInterval is the shortest that is a multiple of both. Both divide a day,
// so it does.
func commonInterval(a, b time.Duration) time.Duration {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x * b
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
