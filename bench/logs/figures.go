package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
)

// errShort says that the measurement went well and some figure did not.
var errShort = errors.New("figures fall short")

// figure is one value and its goal.
type figure struct {
	Name        string
	Value, Goal float64
	Least       bool // the goal is a floor, not a ceiling
}

func (f figure) short() bool {
	if f.Least {
		return !(f.Value >= f.Goal) // what is no number is short
	}
	return !(f.Value <= f.Goal)
}

// margin is how many times better than the goal it is.
func (f figure) margin() float64 {
	if f.Least {
		return f.Value / f.Goal
	}
	return f.Goal / f.Value
}

func (f figure) String() string {
	verdict := "ok"
	if f.short() {
		verdict = "short"
	}
	return fmt.Sprintf("figure %s %.3g %g %s", f.Name, f.Value, f.Goal, verdict)
}

// figures are those of one run, and what they were made from.
type figures struct {
	Of    string   // what was measured, on what: figures of another do not mix
	Done  []string // parts of the run
	List  []figure
	Notes []note
}

type note struct {
	Name   string
	Values []float64
}

func (n note) text() string {
	var all []string
	for _, v := range n.Values {
		all = append(all, fmt.Sprintf("%.4g", v))
	}
	return strings.Join(all, ", ")
}

func (f *figures) atMost(name string, value, goal float64) {
	f.add(figure{Name: name, Value: value, Goal: goal})
}

func (f *figures) atLeast(name string, value, goal float64) {
	f.add(figure{Name: name, Value: value, Goal: goal, Least: true})
}

func (f *figures) add(x figure) {
	fmt.Println(x)
	f.List = append(f.List, x)
}

func (f *figures) note(name string, values ...float64) {
	n := note{name, values}
	fmt.Printf("note %q %s\n", name, n.text())
	f.Notes = append(f.Notes, n)
}

// noted is the first value of a note.
func (f *figures) noted(name string) float64 {
	for _, n := range f.Notes {
		if n.Name == name {
			return n.Values[0]
		}
	}
	return math.NaN()
}

// keep and read let a run go on where it ended, in one state of the sources and
// on one corpus; without a file they do nothing.
func (f *figures) keep(file string) error {
	if file == "" {
		return nil
	}
	b, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644)
}

func (f *figures) read(file string) error {
	b, err := os.ReadFile(file)
	if file == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var kept figures
	if err := json.Unmarshal(b, &kept); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if kept.Of != f.Of {
		return fmt.Errorf("%s holds figures of %q, this is %q: remove it to begin anew", file, kept.Of, f.Of)
	}
	*f = kept
	return nil
}

func (f *figures) anyShort() bool { return slices.ContainsFunc(f.List, figure.short) }

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if len(v) == 0 {
		return math.NaN()
	}
	return v[len(v)/2]
}
