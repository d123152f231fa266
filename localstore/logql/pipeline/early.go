package pipeline

import (
	"bytes"
	"net/netip"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// A line that label filters behind a parser refuse need not be parsed to its
// end, and many need not be parsed at all. What is decided early is what the
// filters themselves would decide, but for a line that is broken behind the value
// that refuses it: nobody comes to see that it is, in Loki neither.

// refuser tells from a label's value alone that a filter drops the entry,
// whatever else the entry has.
type refuser interface {
	of() (label string)
	refuses(value string) bool
}

type refusers []refuser

func (r refusers) refuses(value string) bool {
	for _, one := range r {
		if one.refuses(value) {
			return true
		}
	}
	return false
}

func (c stringCond) of() string      { return c.m.Name }
func (c *convertCond[T]) of() string { return c.label }
func (c ipCond) of() string          { return c.label }

func (c stringCond) refuses(value string) bool { return !c.m.Matches(value) }

func (c *convertCond[T]) refuses(value string) bool {
	v, err := c.read(value)
	return err == nil && !c.compare(v)
}

func (c ipCond) refuses(value string) bool {
	a, err := netip.ParseAddr(value)
	return (err == nil && c.ip.Contains(a)) == c.not
}

// earlyChecks are those of the label filters that follow a parser at once, by
// the label that they look at. One for addresses lets an entry pass that a filter
// before it has marked, so it is early only where none may.
func earlyChecks(behind []syntax.Stage) (map[string]refusers, error) {
	out := map[string]refusers{}
	marks := false
	err := eachDemandBehind(behind, func(c syntax.Cond) error {
		one, err := compileCond(c)
		if err != nil {
			return err
		}
		_, isText := one.(stringCond)
		_, isIP := one.(ipCond)
		if r, ok := one.(refuser); ok && !isErrorLabel(r.of()) && !(isIP && marks) {
			out[r.of()] = append(out[r.of()], r)
		}
		marks = marks || !isText && !isIP
		return nil
	})
	return out, err
}

func isErrorLabel(name string) bool { return name == ErrorLabel || name == ErrorDetailsLabel }

// eachDemandBehind visits the conditions that must all hold in the label filters
// with which the stages begin; of an `or`, the pair itself.
func eachDemandBehind(stages []syntax.Stage, visit func(syntax.Cond) error) error {
	for _, s := range stages {
		f, ok := s.(*syntax.LabelFilter)
		if !ok {
			return nil
		}
		if err := eachConjunct(f.Cond, visit); err != nil {
			return err
		}
	}
	return nil
}

func eachConjunct(c syntax.Cond, visit func(syntax.Cond) error) error {
	if pair, ok := c.(*syntax.CondPair); ok && !pair.Or {
		if err := eachConjunct(pair.Left, visit); err != nil {
			return err
		}
		return eachConjunct(pair.Right, visit)
	}
	return visit(c)
}

// foretell drops lines in which an expression cannot find what a filter behind it
// asks for: a value that stands nowhere in the line. Whoever has the label
// already is let through. Only expressions are dearer than the search; the
// other parsers come to the value and are refused there.
type foretell struct {
	label string
	value []byte
}

func (f foretell) process(line []byte, s *Set) ([]byte, bool) {
	if bytes.Contains(line, f.value) {
		return line, true
	}
	_, there := s.Get(f.label)
	return line, there
}

// foretold are the values that the label filters behind an expression ask for.
func foretold(behind []syntax.Stage) []stage {
	var out []stage
	_ = eachDemandBehind(behind, func(c syntax.Cond) error {
		if c, ok := c.(*syntax.CondString); ok && c.Matcher.Type == labels.MatchEqual && c.Matcher.Value != "" && !isErrorLabel(c.Matcher.Name) {
			out = append(out, foretell{c.Matcher.Name, []byte(c.Matcher.Value)})
		}
		return nil
	})
	return out
}
