// Package yamlfile reads small YAML files that people write, such as a release
// catalogue or a list of who is responsible for what. It promises that all
// faults of a file are gathered, each with its line, its column and a hint; that
// what is read is what is written (no aliases, no second document, no types by
// guess); and that what a hostile file costs is bounded.
//
// It knows no file's keys: its callers do.
package yamlfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Fault is one thing wrong with a file. Its JSON is for machines: keys are
// added, never renamed.
type Fault struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	What   string `json:"what"`
	Hint   string `json:"hint"`
}

// Faults is everything wrong with a file, in the order of its lines.
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

// Reader gathers faults while a file is read. Its zero value is ready.
type Reader struct{ list []Fault }

// Fault notes what is wrong at n, and what to write instead.
func (r *Reader) Fault(n *yaml.Node, hint, format string, args ...any) {
	r.list = append(r.list, Fault{max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...), hint})
}

// Err is a *[Faults] with what was gathered, or nil.
func (r *Reader) Err(file string) error {
	if len(r.list) == 0 {
		return nil
	}
	slices.SortStableFunc(r.list, func(a, b Fault) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return &Faults{File: file, List: r.list}
}
