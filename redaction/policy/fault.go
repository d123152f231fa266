package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with a policy file. Every fault has a line and a
// hint: what to write instead, or where to look.
type Fault struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	What   string `json:"what"`
	Hint   string `json:"hint"`
}

// Faults is everything wrong with a policy file, in the order of its lines. It
// is the only error that [Parse] returns.
type Faults struct {
	File string
	List []Fault
	// Omitted counts the faults beyond the first 100.
	Omitted int
}

const maxFaults = 100

// Error lists the faults, one a line, as compilers do.
func (f *Faults) Error() string {
	var b strings.Builder
	for i, one := range f.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:%d:%d: %s; %s", f.File, one.Line, one.Column, one.What, one.Hint)
	}
	if f.Omitted > 0 {
		fmt.Fprintf(&b, "\n%s: %d more", f.File, f.Omitted)
	}
	return b.String()
}

// collector gathers faults while a file is read.
type collector struct {
	list   []Fault
	missed []string // the required keys that were not there
}

func (c *collector) add(line, column int, hint, format string, args ...any) {
	c.list = append(c.list, Fault{Line: max(line, 1), Column: max(column, 1), What: fmt.Sprintf(format, args...), Hint: hint})
}

// faults returns what was gathered, nil if nothing was.
func (c *collector) faults(file string) *Faults {
	if len(c.list) == 0 {
		return nil
	}
	slices.SortStableFunc(c.list, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	f := &Faults{File: file, List: c.list}
	if len(f.List) > maxFaults {
		f.Omitted = len(f.List) - maxFaults
		f.List = slices.Clip(f.List[:maxFaults])
	}
	return f
}

// quoted shows a piece of the file in a fault, shortened: a fault is a line.
func quoted(s string) string {
	const limit = 48
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// suggest names the known word that s is a slip of, or else all of them.
func suggest(s string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := editDistance(s, k); d < distance && d < len(k) {
			best, distance = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "known here: " + strings.Join(known, ", ")
}

// editDistance is Levenshtein's, with s cut to what can still be a slip.
func editDistance(s, t string) int {
	if len(s) > len(t)+3 {
		return 3
	}
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(s) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(t) {
			change := diagonal
			if s[i] != t[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(t)]
}
