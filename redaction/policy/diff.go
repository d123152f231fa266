package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Change says what a difference between two policies does to what may leave.
type Change string

// The changes. A policy that only narrows takes effect by itself; one that
// widens anything waits for the customer.
const (
	Widened   Change = "widened"   // something may leave that the old one kept
	Narrowed  Change = "narrowed"  // something is kept that might leave under the old one
	Neutral   Change = "neutral"   // text for people; what may leave is the same
	Unchanged Change = "unchanged" // nothing differs
)

// PolicyName is how a [Difference] refers to a policy.
type PolicyName struct {
	Product  string `json:"product"`
	Vendor   string `json:"vendor"`
	Revision int    `json:"revision"`
	Digest   Digest `json:"digest"`
}

// DiffEntry is one difference. Its words quote the two policies and nothing else.
type DiffEntry struct {
	// Signal is the signal's name; empty if it is about the policy as a whole.
	Signal string `json:"signal,omitempty"`
	// Part is what differs: "destination", "value", "attributes.service.name"...
	Part   string `json:"part"`
	Change Change `json:"change"`
	What   string `json:"what"`
}

// Difference is every difference between two policies, in the order of the
// file's keys and then of the signals' names. A signal that is the same in both
// has one entry that says so.
type Difference struct {
	Old PolicyName `json:"old"`
	New PolicyName `json:"new"`
	// Change is the verdict on the whole: the first of widened, narrowed and
	// neutral that any entry has, or unchanged.
	Change  Change      `json:"change"`
	Entries []DiffEntry `json:"entries"`
}

// Has reports whether any entry is of that change.
func (d Difference) Has(c Change) bool {
	return slices.ContainsFunc(d.Entries, func(e DiffEntry) bool { return e.Change == c })
}

// Diff says what next would let out that old does not, and the reverse.
//
// A policy turns what comes in into a report. Next is not wider than old if it
// tells apart nothing that old does not, and says nothing with a text, number
// or time that old could not say. Where that is hard to decide it answers
// widened: a vendor then needs one acceptance more than strictly necessary, and
// never one less. It knows no clock: an entry that has expired in both still counts.
func Diff(old, next *Policy) Difference {
	d := &differ{}
	d.head(old, next)
	d.identity(old.Identity, next.Identity)
	d.signals(old.Signals, next.Signals)
	out := Difference{Old: nameOfPolicy(old), New: nameOfPolicy(next), Change: Unchanged, Entries: d.entries}
	for _, c := range []Change{Widened, Narrowed, Neutral} {
		if out.Has(c) {
			out.Change = c
			break
		}
	}
	return out
}

func nameOfPolicy(p *Policy) PolicyName {
	return PolicyName{Product: p.Product, Vendor: p.Vendor, Revision: p.Revision, Digest: p.Digest}
}

// differ gathers entries; signal is the one that is being looked at.
type differ struct {
	entries []DiffEntry
	signal  string
}

func (d *differ) say(part string, c Change, format string, args ...any) {
	d.entries = append(d.entries, DiffEntry{Signal: d.signal, Part: part, Change: c, What: fmt.Sprintf(format, args...)})
}

func (d *differ) head(old, next *Policy) {
	if old.Product != next.Product || old.Vendor != next.Vendor {
		d.say("product", Widened, "%s of %s → %s of %s: another product's policy", old.Product, old.Vendor, next.Product, next.Vendor)
	}
	if old.Revision != next.Revision {
		d.say("revision", Neutral, "%d → %d", old.Revision, next.Revision)
	}
	if old.Destination != next.Destination {
		d.say("destination", Widened, "%s → %s", old.Destination, next.Destination)
	}
	if old.Interval != next.Interval {
		// A report's time is a multiple of its interval: only times that the
		// old grid has, too, say nothing more.
		c := Widened
		if next.Interval%old.Interval == 0 {
			c = Narrowed
		}
		d.say("interval", c, "%s → %s", shortDuration(old.Interval.String()), shortDuration(next.Interval.String()))
	}
	d.expires(old.Expires, next.Expires)
}

func (d *differ) expires(old, next time.Time) {
	switch {
	case old.Equal(next):
	case !old.IsZero() && (next.IsZero() || next.After(old)):
		d.say("expires", Widened, "%s → %s", lastDay(old), lastDay(next))
	default:
		d.say("expires", Narrowed, "%s → %s", lastDay(old), lastDay(next))
	}
}

// identity compares the resource. Its values are Weir's own facts, so a key
// that is gone takes something away and never lets other points in.
func (d *differ) identity(old, next []Attribute) {
	byKey(old, next, func(a, b *Attribute) {
		switch {
		case a == nil:
			d.say("identity."+b.Key, Widened, "added: %s", b.values())
		case b == nil:
			d.say("identity."+a.Key, Narrowed, "removed: %s", a.values())
		default:
			d.attribute("identity."+a.Key, *a, *b)
		}
	})
}

func (d *differ) signals(old, next []Signal) {
	walk(old, next, func(s *Signal) string { return s.Name }, func(a, b *Signal) {
		before := len(d.entries)
		switch {
		case a == nil:
			d.signal = b.Name
			d.say("signal", Widened, "added: %s", b.Why)
		case b == nil:
			d.signal = a.Name
			d.say("signal", Narrowed, "removed")
		default:
			d.signal = a.Name
			d.oneSignal(a, b)
			if len(d.entries) == before {
				d.say("signal", Unchanged, "the same")
			}
		}
	})
	d.signal = ""
}

func (d *differ) oneSignal(a, b *Signal) {
	text := func(part, old, next string) {
		if old != next {
			d.say(part, Neutral, "%s → %s", old, next)
		}
	}
	text("why", a.Why, b.Why)
	text("owner", a.Owner, b.Owner)
	text("category", string(a.Category), string(b.Category))
	d.expires(a.Expires, b.Expires)
	if a.Kind != b.Kind {
		d.say("kind", Widened, "%s → %s: other metrics match", a.Kind, b.Kind)
		return // the rest means something else
	}
	if a.Unit != b.Unit {
		d.say("unit", Widened, "%s → %s: other metrics match", a.Unit, b.Unit)
	}
	if a.UpDown != b.UpDown {
		d.say("monotonic", Widened, "%v → %v: the value means something else", !a.UpDown, !b.UpDown)
	}
	if a.Merge != b.Merge {
		d.say("merge", Widened, "%s → %s: the value means something else", a.Merge, b.Merge)
	}
	d.values(a, b)
	d.bounds(a.Bounds, b.Bounds)
	d.attributes(a.Attributes, b.Attributes)
	d.maxSeries(a, b)
}

func (d *differ) values(a, b *Signal) {
	say := func(c Change) { d.say("value", c, "%s → %s", sayGrid(a), sayGrid(b)) }
	switch {
	case !a.HasValue && !b.HasValue || a.HasValue && b.HasValue && a.Value == b.Value:
	case !a.HasValue: // a histogram that now carries its sum
		say(Widened)
	case !b.HasValue:
		say(Narrowed)
	case gridWithin(b.Value, a.Value):
		say(Narrowed)
	default:
		say(Widened)
	}
}

func sayGrid(s *Signal) string {
	if !s.HasValue {
		return "no sum"
	}
	return fmt.Sprintf("%v to %v by %v", s.Value.Min, s.Value.Max, s.Value.Step)
}

// bounds: fewer of the same bounds are sums of the old buckets.
func (d *differ) bounds(old, next []float64) {
	if slices.Equal(old, next) {
		return
	}
	c := Narrowed
	for _, b := range next {
		if !slices.Contains(old, b) {
			c = Widened
		}
	}
	d.say("bounds", c, "%s → %s", sayBounds(old), sayBounds(next))
}

func sayBounds(list []float64) string {
	words := make([]string, len(list))
	for i, b := range list {
		words[i] = renderNumber(b)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// maxSeries: of a dense signal the number follows from its attributes, which
// have been compared. It counts only against a dictionary's limit.
func (d *differ) maxSeries(a, b *Signal) {
	if a.DenseSize() >= 0 || a.MaxSeries == b.MaxSeries {
		return
	}
	c := Narrowed
	if b.MaxSeries > a.MaxSeries {
		c = Widened
	}
	d.say("max_series", c, "%d → %d", a.MaxSeries, b.MaxSeries)
}

func byKey(old, next []Attribute, visit func(a, b *Attribute)) {
	walk(old, next, func(a *Attribute) string { return a.Key }, visit)
}

// walk goes through two sorted lists at once; one of a and b may be nil.
func walk[T any](old, next []T, name func(*T) string, visit func(a, b *T)) {
	for len(old) > 0 || len(next) > 0 {
		switch {
		case len(next) == 0 || len(old) > 0 && name(&old[0]) < name(&next[0]):
			visit(&old[0], nil)
			old = old[1:]
		case len(old) == 0 || name(&next[0]) < name(&old[0]):
			visit(nil, &next[0])
			next = next[1:]
		default:
			visit(&old[0], &next[0])
			old, next = old[1:], next[1:]
		}
	}
}
