package main

import (
	"fmt"
	"maps"
	"slices"
)

type count struct{ asked, held, equal, explained, unexplained int }

// tally is the score.
type tally struct {
	known   []*known
	verbose bool
	groups  map[string]*count
	total   count
}

// judge counts one comparison; held says that the real answer holds something.
func (t *tally) judge(group, name, request, difference string, held bool) {
	g := t.groups[group]
	if g == nil {
		g = new(count)
		t.groups[group] = g
	}
	for _, c := range []*count{g, &t.total} {
		c.asked++
		if held {
			c.held++
		}
		if difference == "" {
			c.equal++
		}
	}
	if difference == "" {
		return
	}
	k := explain(t.known, difference, name, name+" @"+request)
	if k != nil {
		g.explained++
		t.total.explained++
		if t.verbose {
			fmt.Printf("explained (%s) %s\n    %s: %s\n", k.id, name, request, difference)
		}
		return
	}
	g.unexplained++
	t.total.unexplained++
	fmt.Printf("DIFFERS %s\n    %s: %s\n", name, request, difference)
}

// report prints the summary and says whether all is as it is written.
func (t *tally) report(whole bool) bool {
	fmt.Printf("\n%-16s %7s %10s %7s %10s %8s\n", "group", "asked", "with data", "equal", "explained", "differ")
	for _, name := range slices.Sorted(maps.Keys(t.groups)) {
		g := t.groups[name]
		fmt.Printf("%-16s %7d %10d %7d %10d %8d\n", name, g.asked, g.held, g.equal, g.explained, g.unexplained)
	}
	fmt.Printf("%-16s %7d %10d %7d %10d %8d\n\n", "all", t.total.asked, t.total.held, t.total.equal, t.total.explained, t.total.unexplained)
	ok := t.total.unexplained == 0
	for _, k := range t.known {
		if k.met > 0 {
			fmt.Printf("%4d %s\n", k.met, k.id)
		} else if whole {
			fmt.Printf("docs/logql.md explains %q, which is no difference any more: remove the row\n", k.id)
			ok = false
		}
	}
	return ok
}
