package table

import (
	"math/bits"
	"slices"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// maxAttributes is the most that a signal can have.
const maxAttributes = 16

// attribute is one key of a signal. A dense one numbers its values by their
// texts in order, the constant of its otherwise among them, so that counting
// through the digits is counting through the series in the report's order.
type attribute struct {
	policy    *policy.Attribute
	key       string
	kind      policy.DomainKind
	texts     []string // by digit
	stride    int32
	otherwise int32 // the constant's digit, or dropPoint

	digits   []int32 // of an enum's values, of false and true, of Min..Max
	min, max int64

	hasher *hasher
	slots  []valueSlot // an enum's values by their hashes
}

// valueSlot is one of an open table, at most a quarter full.
type valueSlot struct {
	hash  uint64
	text  string
	digit int32 // dropPoint: empty
}

// Digits that are none.
const (
	dropPoint   = -1 // the point is dropped
	notLookedUp = -2
)

func newAttribute(h *hasher, p *policy.Attribute) attribute {
	a := attribute{policy: p, key: p.Key, kind: p.Domain.Kind, otherwise: dropPoint, hasher: h}
	var values []string
	switch a.kind {
	case policy.DomainEnum:
		values = p.Domain.Values
	case policy.DomainBool:
		values = []string{"false", "true"}
	case policy.DomainInt:
		a.min, a.max = p.Domain.Min, p.Domain.Max
		for n := a.min; n <= a.max; n++ {
			values = append(values, strconv.FormatInt(n, 10))
		}
	}
	a.texts = slices.Clone(values)
	if !p.Otherwise.Drop && !slices.Contains(values, p.Otherwise.Constant) {
		a.texts = append(a.texts, p.Otherwise.Constant)
	}
	slices.Sort(a.texts)
	for _, v := range values {
		a.digits = append(a.digits, a.digitOf(v))
	}
	a.slots = []valueSlot{{digit: dropPoint}}
	if a.kind == policy.DomainEnum {
		a.fillSlots(values)
	}
	if !p.Otherwise.Drop {
		a.otherwise = a.digitOf(p.Otherwise.Constant)
	}
	return a
}

func (a *attribute) digitOf(text string) int32 {
	i, _ := slices.BinarySearch(a.texts, text)
	return int32(i)
}

func (a *attribute) fillSlots(values []string) {
	a.slots = make([]valueSlot, 4<<bits.Len(uint(len(values))))
	for i := range a.slots {
		a.slots[i].digit = dropPoint
	}
	for i, v := range values {
		h := a.hasher.short(v)
		at := h & uint64(len(a.slots)-1)
		for a.slots[at].digit != dropPoint {
			at = (at + 1) & uint64(len(a.slots)-1)
		}
		a.slots[at] = valueSlot{h, v, a.digits[i]}
	}
}

// digitOfShort is that of a text with its hash, of a dense attribute.
func (a *attribute) digitOfShort(hash uint64, text string) int32 {
	mask := uint64(len(a.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		s := &a.slots[at]
		if s.digit == dropPoint {
			return a.otherwise
		}
		if s.hash == hash && s.text == text {
			return s.digit
		}
	}
}

// digit is that of a value found, of a dense attribute.
func (a *attribute) digit(v pcommon.Value) int32 {
	switch a.kind {
	case policy.DomainEnum:
		if v.Type() == pcommon.ValueTypeStr {
			return a.digitOfShort(a.hasher.short(v.Str()), v.Str())
		}
	case policy.DomainBool:
		if v.Type() == pcommon.ValueTypeBool {
			if v.Bool() {
				return a.digits[1]
			}
			return a.digits[0]
		}
	case policy.DomainInt:
		if v.Type() == pcommon.ValueTypeInt {
			if n := v.Int(); a.min <= n && n <= a.max {
				return a.digits[n-a.min]
			}
		}
	}
	return a.otherwise
}

// put writes a series' text as the type that its domain has. A constant is a
// string; the policy sees to it that none looks like a bool or an int of its
// own domain.
func (a *attribute) put(m pcommon.Map, text string) {
	inside := a.policy.Domain.Contains(text)
	switch {
	case a.kind == policy.DomainBool && inside:
		m.PutBool(a.key, text == "true")
	case a.kind == policy.DomainInt && inside:
		n, _ := strconv.ParseInt(text, 10, 64) // inside: it parses
		m.PutInt(a.key, n)
	default:
		m.PutStr(a.key, text)
	}
}
