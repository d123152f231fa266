package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// known is one row of the list of differences in docs/logql.md.
type known struct {
	id, reason string
	name       *regexp.Regexp // of the questions it explains
	values     bool           // it explains no difference in status or in shape
	met        int
}

// readKnown reads the rows between the two markers: | id | which questions,
// as a pattern in which * is anything | the reason |.
func readKnown(file string) ([]*known, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	_, list, ok := strings.Cut(string(b), "<!-- differences -->")
	list, _, ok2 := strings.Cut(list, "<!-- /differences -->")
	if !ok || !ok2 {
		return nil, fmt.Errorf("%s has no list of differences", file)
	}
	var all []*known
	for line := range strings.Lines(list) {
		// A bar inside a pattern is written \|, as tables want it.
		cells := strings.Split(strings.ReplaceAll(strings.TrimSpace(line), `\|`, "\x00"), "|")
		if len(cells) != 5 || strings.HasPrefix(strings.TrimSpace(cells[1]), "-") || strings.TrimSpace(cells[1]) == "id" {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "\x00", "|"))
		}
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.Trim(cells[2], "`")), `\*`, ".*")
		all = append(all, &known{id: cells[1], reason: cells[3], name: regexp.MustCompile("^" + pattern + "$"), values: strings.HasPrefix(cells[3], "Values alone: ")})
	}
	return all, nil
}

// explain finds the first row that fits one of the names and explains such a
// difference.
func explain(all []*known, difference string, names ...string) *known {
	outside := strings.HasPrefix(difference, "status: ") || strings.HasPrefix(difference, "shape: ")
	for _, k := range all {
		if k.values && outside {
			continue
		}
		if slices.ContainsFunc(names, k.name.MatchString) {
			k.met++
			return k
		}
	}
	return nil
}
