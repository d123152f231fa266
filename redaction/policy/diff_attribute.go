package policy

import (
	"fmt"
	"strings"
)

// reach is what an attribute tells apart. Under `otherwise: c`, a sender's own
// text c and everything outside the domain look the same in a report, so c is
// none of the values that are told apart, whether or not the enum lists it.
type reach struct {
	domain Domain
	except string // a value of the domain that is not told apart; empty: none
}

func reachOf(a Attribute) reach {
	r := reach{domain: a.Domain}
	if !a.Otherwise.Drop && a.Domain.Contains(a.Otherwise.Constant) {
		r.except = a.Otherwise.Constant
	}
	return r
}

// has reports whether a sender's text v is told apart and sent as it is.
func (r reach) has(v string) bool {
	switch r.domain.Kind {
	case DomainEnum, DomainSemver, DomainUUID:
		return v != r.except && r.domain.Contains(v)
	default:
		return false // other types, or not sent as it is
	}
}

// within reports whether r tells apart nothing that s does not.
func (r reach) within(s reach) bool {
	switch r.domain.Kind {
	case DomainEnum:
		for _, v := range r.domain.Values {
			if v != r.except && !s.has(v) {
				return false
			}
		}
		return true
	case DomainInt:
		return s.domain.Kind == DomainInt && s.domain.Min <= r.domain.Min && r.domain.Max <= s.domain.Max
	default:
		return s.domain.Kind == r.domain.Kind && (s.except == "" || s.except == r.except)
	}
}

// attributes compares a signal's keys. A key splits the numbers, so one more
// tells more. One less tells less, unless it also kept points away.
func (d *differ) attributes(old, next []Attribute) {
	byKey(old, next, func(a, b *Attribute) {
		switch {
		case a == nil:
			d.say("attributes."+b.Key, Widened, "added: %s", b.values())
		case b == nil && a.Otherwise.Drop:
			d.say("attributes."+a.Key, Widened, "removed: points that it dropped now count")
		case b == nil:
			d.say("attributes."+a.Key, Narrowed, "removed: %s", a.values())
		default:
			d.attribute("attributes."+a.Key, *a, *b)
		}
	})
}

func (d *differ) attribute(part string, a, b Attribute) {
	switch {
	case a.Otherwise == b.Otherwise:
	case b.Otherwise.Drop:
		d.say(part, Narrowed, "otherwise: %s → drop", a.Otherwise.Constant)
	case a.Otherwise.Drop:
		d.say(part, Widened, "otherwise: drop → %s: points that it dropped now count", b.Otherwise.Constant)
	default:
		d.say(part, Widened, "otherwise: %s → %s", a.Otherwise.Constant, b.Otherwise.Constant)
	}
	old, next := reachOf(a), reachOf(b)
	if a.Domain.Kind == DomainEnum && b.Domain.Kind == DomainEnum {
		if more := beyond(next, old); len(more) > 0 {
			d.say(part, Widened, "added: %s", strings.Join(more, ", "))
		}
		if less := beyond(old, next); len(less) > 0 {
			d.say(part, Narrowed, "removed: %s", strings.Join(less, ", "))
		}
		return
	}
	switch {
	case !next.within(old):
		d.say(part, Widened, "%s → %s", sayDomain(a), sayDomain(b))
	case !old.within(next):
		d.say(part, Narrowed, "%s → %s", sayDomain(a), sayDomain(b))
	}
}

// beyond lists what one enum tells apart and another does not.
func beyond(r, s reach) []string {
	var list []string
	for _, v := range r.domain.Values {
		if v != r.except && !s.has(v) {
			list = append(list, v)
		}
	}
	return list
}

func sayDomain(a Attribute) string {
	switch a.Domain.Kind {
	case DomainEnum:
		return "one of " + strings.Join(a.Domain.Values, ", ")
	case DomainInt:
		return fmt.Sprintf("int %d to %d", a.Domain.Min, a.Domain.Max)
	default:
		return a.Domain.Kind.String()
	}
}
