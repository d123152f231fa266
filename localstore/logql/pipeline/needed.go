package pipeline

import (
	"slices"
	"strings"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// needed names the labels that somebody will look at, sorted; nil means all of
// them. Parsers then do not make the others.
type needed []string

func (n needed) has(name string) bool {
	if n == nil {
		return true
	}
	_, ok := slices.BinarySearch(n, name)
	return ok
}

// missing counts the labels that are needed and not there yet; a parser that has
// found as many may stop reading. It is negative when all labels are needed.
func (n needed) missing(s *Set) int {
	if n == nil {
		return -1
	}
	count := len(n)
	for _, name := range n {
		// Comparing few names is cheaper than a map: most differ in length.
		for i := range s.cur {
			if s.cur[i].Name == name {
				count--
				break
			}
		}
	}
	if count == 0 {
		return -1 // all are there: what is read is read for its faults
	}
	return count
}

// need lists what the stages look at, beside what the caller wants. A label
// that is asked for as x_extracted has to be parsed as x.
func need(stages []syntax.Stage, wanted []string) needed {
	n := needed{}
	add := func(name string) {
		n = append(n, name, strings.TrimSuffix(name, duplicateSuffix))
	}
	for _, w := range wanted {
		add(w)
	}
	for _, s := range stages {
		switch s := s.(type) {
		case *syntax.LabelFilter:
			eachLabel(s.Cond, add)
		case *syntax.Unwrap:
			add(s.Label)
		case *syntax.LabelSelect:
			for _, it := range s.Items {
				add(it.Name)
			}
		case *syntax.LabelFormat:
			for _, it := range s.Items {
				if !it.Rename {
					return nil // a template may name any label
				}
				add(it.Src)
				add(it.Dst)
			}
		case *syntax.LineFormat:
			return nil
		}
	}
	slices.Sort(n)
	return slices.Compact(n)
}

func eachLabel(c syntax.Cond, f func(string)) {
	switch c := c.(type) {
	case *syntax.CondPair:
		eachLabel(c.Left, f)
		eachLabel(c.Right, f)
	case *syntax.CondString:
		f(c.Matcher.Name)
	case *syntax.CondNumber:
		f(c.Label)
	case *syntax.CondDuration:
		f(c.Label)
	case *syntax.CondBytes:
		f(c.Label)
	case *syntax.CondIP:
		f(c.Label)
	}
}
