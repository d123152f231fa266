package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
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

func (f figure) String() string {
	verdict := "ok"
	if f.short() {
		verdict = "short"
	}
	return fmt.Sprintf("figure %s %.3g %g %s", f.name, f.value, f.goal, verdict)
}

// figures are those of one run, and the times behind them: nanoseconds an item
// in each round, by what was timed.
type figures struct {
	s    map[string][]float64
	list []figure
}

func (f *figures) atMost(name string, value, goal float64) {
	f.list = append(f.list, figure{name: name, value: value, goal: goal})
}

func (f *figures) atLeast(name string, value, goal float64) {
	f.list = append(f.list, figure{name: name, value: value, goal: goal, least: true})
}

// finish prints the figures and the times, writes both into a folder if one is
// named, and returns errShort if any figure fell short.
func (f *figures) finish(folder, how string) error {
	for _, x := range f.list {
		fmt.Println(x)
	}
	for _, name := range f.timed() {
		fmt.Printf("time %q %.1f ns an item\n", name, median(f.s[name]))
	}
	if folder != "" {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("make the results' folder: %w", err)
		}
		if err := os.WriteFile(folder+"/redaction.md", f.markdown(how), 0o644); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
		if err := os.WriteFile(folder+"/redaction.svg", f.svg(), 0o644); err != nil {
			return fmt.Errorf("write the plot: %w", err)
		}
	}
	if slices.ContainsFunc(f.list, figure.short) {
		return errShort
	}
	return nil
}

func (f *figures) timed() []string { return slices.Sorted(maps.Keys(f.s)) }
