package pipeline

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

const errLabelFilter = "LabelFilterErr"

// labelFilter keeps the entries that meet a condition.
type labelFilter struct{ cond cond }

func (f labelFilter) process(line []byte, s *Set) ([]byte, bool) { return line, f.cond.holds(s) }

type cond interface{ holds(s *Set) bool }

type pairCond struct {
	or          bool
	left, right cond
}

func (c pairCond) holds(s *Set) bool {
	if c.left.holds(s) {
		return c.or || c.right.holds(s)
	}
	return c.or && c.right.holds(s)
}

type stringCond struct{ m *labels.Matcher }

// holds notes when a condition asks for entries with an error: those may then
// be counted. A label that is not there is empty.
func (c stringCond) holds(s *Set) bool {
	v, _ := s.Get(c.m.Name)
	ok := c.m.Matches(v)
	if ok && v != "" && c.m.Name == ErrorLabel {
		s.keepError = true
	}
	return ok
}

// convertCond compares a label's value as a number of some kind. An entry
// without the label is dropped; one whose value cannot be read is kept and
// marked, if it does not carry an error already.
type convertCond[T float64 | time.Duration | uint64] struct {
	label string
	op    syntax.BinOp
	value T
	read  func(string) (T, error)
}

func (c *convertCond[T]) holds(s *Set) bool {
	text, ok := s.Get(c.label)
	if !ok {
		return false
	}
	v, err := c.read(text)
	if err != nil {
		if s.err == "" {
			s.setError(errLabelFilter, err.Error())
		}
		return true
	}
	return c.compare(v)
}

func (c *convertCond[T]) compare(v T) bool {
	switch c.op {
	case "==":
		return v == c.value
	case "!=":
		return v != c.value
	case ">":
		return v > c.value
	case ">=":
		return v >= c.value
	case "<":
		return v < c.value
	default:
		return v <= c.value
	}
}

// readFloat has a way of its own for whole numbers, which most are.
func readFloat(s string) (float64, error) {
	if len(s) == 0 || len(s) > 15 {
		return strconv.ParseFloat(s, 64)
	}
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return strconv.ParseFloat(s, 64)
		}
		n = 10*n + int(s[i]-'0')
	}
	return float64(n), nil
}

// ipCond lets an entry with an error pass, label or not.
type ipCond struct {
	label string
	not   bool
	ip    syntax.IPRange
}

func (c ipCond) holds(s *Set) bool {
	if s.err != "" {
		return true
	}
	text, ok := s.Get(c.label)
	if !ok {
		return false
	}
	return !c.refuses(text)
}

func compileCond(c syntax.Cond) (cond, error) {
	switch c := c.(type) {
	case *syntax.CondPair:
		left, err := compileCond(c.Left)
		if err != nil {
			return nil, err
		}
		right, err := compileCond(c.Right)
		return pairCond{or: c.Or, left: left, right: right}, err
	case *syntax.CondString:
		return stringCond{c.Matcher}, nil
	case *syntax.CondNumber:
		return &convertCond[float64]{c.Label, c.Op, c.Value, readFloat}, nil
	case *syntax.CondDuration:
		return &convertCond[time.Duration]{c.Label, c.Op, c.Value, time.ParseDuration}, nil
	case *syntax.CondBytes:
		return &convertCond[uint64]{c.Label, c.Op, c.Value, syntax.ParseBytes}, nil
	case *syntax.CondIP:
		ip, err := syntax.ParseIP(c.Value)
		return ipCond{c.Label, c.Not, ip}, err
	}
	return nil, fmt.Errorf("unknown condition %T", c)
}
