package pipeline

import (
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// having lists the values that every entry that passes carries in its metadata
// or its stream's labels: those that label filters ask for before any stage
// makes or changes labels.
func having(stages []syntax.Stage) []labels.Label {
	var out []labels.Label
	for _, s := range stages {
		switch s := s.(type) {
		case *syntax.LineFilter, *syntax.Decolorize, *syntax.LineFormat:
		case *syntax.LabelFilter:
			eachDemand(s.Cond, func(m *labels.Matcher) {
				// A suffixed name is a piece of metadata under another name.
				if m.Type == labels.MatchEqual && m.Value != "" &&
					!strings.HasSuffix(m.Name, duplicateSuffix) && m.Name != ErrorLabel && m.Name != ErrorDetailsLabel {
					out = append(out, labels.Label{Name: m.Name, Value: m.Value})
				}
			})
		default:
			return out
		}
	}
	return out
}

// eachDemand visits the comparisons that must all hold.
func eachDemand(c syntax.Cond, visit func(*labels.Matcher)) {
	switch c := c.(type) {
	case *syntax.CondPair:
		if !c.Or {
			eachDemand(c.Left, visit)
			eachDemand(c.Right, visit)
		}
	case *syntax.CondString:
		visit(c.Matcher)
	}
}
