package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// errShort says that the measurement went well and some figure did not.
var errShort = errors.New("figures fall short")

// figure is one value and its goal.
type figure struct {
	name        string
	value, goal float64
	least       bool // the goal is a floor, not a ceiling
}

func (f figure) short() bool {
	if f.least {
		return f.value < f.goal
	}
	return f.value > f.goal
}

// margin is how many times better than the goal it is.
func (f figure) margin() float64 {
	if f.least {
		return f.value / f.goal
	}
	return f.goal / f.value
}

func (f figure) String() string {
	verdict := "ok"
	if f.short() {
		verdict = "short"
	}
	return fmt.Sprintf("figure %s %.3g %g %s", f.name, f.value, f.goal, verdict)
}

// figures are those of one run, and what they were made from.
type figures struct {
	list  []figure
	notes []note
}

type note struct {
	name   string
	values []float64
}

func (n note) text() string {
	var all []string
	for _, v := range n.values {
		all = append(all, fmt.Sprintf("%.4g", v))
	}
	return strings.Join(all, ", ")
}

func (f *figures) atMost(name string, value, goal float64) {
	f.add(figure{name: name, value: value, goal: goal})
}

func (f *figures) atLeast(name string, value, goal float64) {
	f.add(figure{name: name, value: value, goal: goal, least: true})
}

func (f *figures) add(x figure) {
	fmt.Println(x)
	f.list = append(f.list, x)
}

func (f *figures) note(name string, values ...float64) {
	n := note{name, values}
	fmt.Printf("note %q %s\n", name, n.text())
	f.notes = append(f.notes, n)
}

func (f *figures) anyShort() bool { return slices.ContainsFunc(f.list, figure.short) }

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if len(v) == 0 {
		return math.NaN()
	}
	return v[len(v)/2]
}
