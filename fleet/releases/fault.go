package releases

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Fault is one thing wrong with a catalogue.
type Fault struct {
	Line, Column int
	What, Hint   string
}

// Faults is everything wrong with a catalogue, in the order of its lines.
type Faults struct {
	File string
	List []Fault
}

const maxFaults = 100

// Error lists the faults, one a line, as compilers do.
func (f *Faults) Error() string {
	var b strings.Builder
	for i, one := range f.List {
		if i == maxFaults {
			fmt.Fprintf(&b, "\n%s: %d more", f.File, len(f.List)-maxFaults)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:%d:%d: %s; %s", f.File, one.Line, one.Column, one.What, one.Hint)
	}
	return b.String()
}

// reader gathers faults while a file is read.
type reader struct{ list []Fault }

func (r *reader) fault(n *yaml.Node, hint, format string, args ...any) {
	r.list = append(r.list, Fault{max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...), hint})
}

func (r *reader) faults(file string) error {
	if len(r.list) == 0 {
		return nil
	}
	slices.SortStableFunc(r.list, func(a, b Fault) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return &Faults{File: file, List: r.list}
}
