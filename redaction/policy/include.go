package policy

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Set is a named, versioned list of entries that ships with Weir, so that
// common ones are not typed again: `include: [host-utilization@1]`.
//
// Rules for changing a set: none. A policy's digest covers the name and the
// version of a set but not its text, so what a version means is fixed for good;
// a test pins the digest of each. A change is a new version beside the old one.
type Set struct {
	// Name is the name and the version, as a policy writes it.
	Name string
	// About says in a line what it is for.
	About string
	// Signals is sorted by name. Their Line is that of the set's own file.
	Signals []Signal
	// Source is the set's exact text, Digest that of it.
	Source []byte
	Digest Digest
}

//go:embed sets/*.yaml
var setFiles embed.FS

const maxIncludes = 16

var setKeys = []string{"set", "about", "signals"}

// readSets parses what is embedded, once.
var readSets = sync.OnceValues(func() (map[string]*Set, error) {
	files, err := fs.Glob(setFiles, "sets/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the built-in sets: %w", err)
	}
	sets := map[string]*Set{}
	for _, file := range files {
		data, err := setFiles.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read a built-in set: %w", err)
		}
		s, err := parseSet(file, data)
		if err != nil {
			return nil, err
		}
		sets[s.Name] = s
	}
	return sets, nil
})

// Sets returns the built-in sets, sorted by name. The error can only be a fault
// in Weir itself.
func Sets() ([]*Set, error) {
	sets, err := readSets()
	if err != nil {
		return nil, err
	}
	var list []*Set
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		list = append(list, sets[name])
	}
	return list, nil
}

// parseSet reads a set as strictly as a policy is read.
func parseSet(file string, data []byte) (*Set, error) {
	c := &collector{}
	s := &Set{Source: bytes.Clone(data), Digest: DigestOf(data)}
	if root := c.tree(data); root != nil {
		f := c.fields(root, "the set", setKeys)
		if n := c.need(f, root, "the set", "set"); n != nil {
			s.Name = n.Value
			if want := strings.TrimSuffix(path.Base(file), ".yaml"); s.Name != want {
				c.add(n.Line, n.Column, "write set: "+want, "the set is not named as its file is")
			}
		}
		if n := c.need(f, root, "the set", "about"); n != nil {
			s.About = c.prose(n, "about", maxWhy)
		}
		if n := c.need(f, root, "the set", "signals"); n != nil {
			s.Signals = c.signals(n, nil)
		}
	}
	if f := c.faults(file); f != nil {
		return nil, f
	}
	return s, nil
}

// included reads `include` and returns the entries of the sets that it names,
// each as if it were written on the line that includes it.
func (c *collector) included(n *yaml.Node) []placed {
	if n.Kind != yaml.SequenceNode {
		c.add(n.Line, n.Column, "write a list: include: [vitals@1]", "include is %s, not a list", shape(n))
		return nil
	}
	if len(n.Content) > maxIncludes {
		c.add(n.Line, n.Column, "include the ones that answer the question", "%d includes, more than %d", len(n.Content), maxIncludes)
		return nil
	}
	sets, err := readSets()
	if err != nil {
		c.add(n.Line, n.Column, "install Weir anew", "the built-in sets cannot be read")
		return nil
	}
	var list []placed
	first := map[string]int{}
	for _, item := range n.Content {
		name, ok := c.text(item, "an include")
		if !ok {
			continue
		}
		set := sets[name]
		switch {
		case set == nil:
			c.add(item.Line, item.Column, suggestSet(name, sets), "no set %s is built in", quoted(name))
		case first[name] > 0:
			c.add(item.Line, item.Column, "keep one of the two; the first is on line "+itoa(first[name]), "set %s is included twice", quoted(name))
		default:
			first[name] = item.Line
			for _, s := range set.Signals {
				s.Set, s.Line = name, item.Line
				list = append(list, placed{s, item.Line, item.Column})
			}
		}
	}
	return list
}

// suggestSet names the likely set, and all of them.
func suggestSet(name string, sets map[string]*Set) string {
	known := slices.Sorted(maps.Keys(sets))
	all := "built in: " + strings.Join(known, ", ")
	for _, k := range slices.Backward(known) {
		if base, _, _ := strings.Cut(k, "@"); base == name {
			return "a set has a version: write " + k + "; " + all
		}
	}
	if one := suggest(name, known); strings.HasPrefix(one, "did you mean") {
		return one + " " + all
	}
	return all
}

// collide says that two entries have one name. An entry is never overridden: a
// reviewer who reads it must be able to rely on it.
func (c *collector) collide(first, second *placed) {
	const hint = "keep one of the two: an entry is never overridden"
	switch {
	case first.Set != "":
		c.add(second.line, second.column, hint, "sets %s and %s both bring signal %s", quoted(first.Set), quoted(second.Set), quoted(second.Name))
	case second.Set != "":
		c.add(second.line, second.column, hint, "set %s brings signal %s, which line %d declares", quoted(second.Set), quoted(second.Name), first.Line)
	case first.Name == second.Name:
		c.add(second.line, second.column, "keep one of the two; the first is on line "+itoa(first.Line), "signal %s is declared twice", quoted(second.Name))
	default:
		c.add(second.line, second.column, "rename one: Prometheus spells both "+seriesName(first.Name), "signals %s and %s differ only in punctuation", quoted(first.Name), quoted(second.Name))
	}
}
