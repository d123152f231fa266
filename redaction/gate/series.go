package gate

import (
	"slices"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// series holds the points of one metric against the series of its signal.
type series struct {
	signal *policy.Signal
	dense  int // their number; -1: as many as were seen
	seen   int
	last   []string // the texts of the point before
}

func seriesOf(s *policy.Signal) *series {
	return &series{signal: s, dense: s.DenseSize()}
}

// count refuses too many points before they are looked at.
func (s *series) count(n int) *Refusal {
	if n > s.signal.MaxSeries {
		return refuse(SeriesLimit)
	}
	return nil
}

// next checks a point's attributes: exactly the policy's keys in their order,
// each in its domain, and the whole after that of the point before.
func (s *series) next(in, out pcommon.Map) *Refusal {
	if in.Len() != len(s.signal.Attributes) {
		return refuse(Attributes)
	}
	texts := make([]string, 0, in.Len())
	for key, value := range in.All() {
		a := s.signal.Attributes[len(texts)]
		if key != a.Key {
			return refuse(Attributes)
		}
		text, ok := copyValue(a, value, out)
		if !ok {
			return refuse(Attributes)
		}
		texts = append(texts, text)
	}
	if s.seen > 0 {
		switch order := slices.Compare(texts, s.last); {
		case order == 0:
			return refuse(SeriesTwice)
		case order < 0:
			return refuse(SeriesOrder)
		}
	}
	s.seen++
	s.last = texts
	return nil
}

// end refuses a dense signal with fewer than all its series: those seen are
// different and in the domains, so their number tells. A dictionary signal
// without a series has no metric.
func (s *series) end() *Refusal {
	if s.seen < s.dense || s.seen == 0 {
		return refuse(SeriesMissing)
	}
	return nil
}

// copyValue checks one attribute's value against its domain, writes it to out
// as the domain has it, and returns its canonical text.
func copyValue(a policy.Attribute, in pcommon.Value, out pcommon.Map) (string, bool) {
	switch in.Type() {
	case pcommon.ValueTypeBool:
		if a.Domain.Kind != policy.DomainBool {
			return "", false
		}
		out.PutBool(a.Key, in.Bool())
		return strconv.FormatBool(in.Bool()), true
	case pcommon.ValueTypeInt:
		if a.Domain.Kind != policy.DomainInt || in.Int() < a.Domain.Min || in.Int() > a.Domain.Max {
			return "", false
		}
		out.PutInt(a.Key, in.Int())
		return strconv.FormatInt(in.Int(), 10), true
	case pcommon.ValueTypeStr:
		text := in.Str()
		constant := !a.Otherwise.Drop && text == a.Otherwise.Constant
		value := a.Domain.Kind != policy.DomainBool && a.Domain.Kind != policy.DomainInt && a.Domain.Contains(text)
		if !constant && !value {
			return "", false
		}
		out.PutStr(a.Key, text)
		return text, true
	default:
		return "", false
	}
}
