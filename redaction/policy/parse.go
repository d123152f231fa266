package policy

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Limits of a policy. A report is held in memory as a whole, and a reviewer
// reads all of it.
const (
	minInterval       = time.Second
	maxInterval       = 24 * time.Hour
	maxSignals        = 1000
	maxAttributes     = 16
	maxSignalSeries   = 10_000
	maxSeries         = 100_000
	defaultDictionary = 100
	maxWhy, maxOwner  = 1000, 200
)

var topKeys = []string{"version", "product", "vendor", "revision", "destination", "interval", "expires", "identity", "include", "signals"}

var (
	slugShape = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	slugHint  = "write lower-case letters, digits, '.', '_' and '-', at most 64"
	nameShape = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]{0,254}$`)
	keyShape  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]{0,127}$`)
	nameHint  = "start with a letter; then letters, digits, '.', '_', '-' and '/'"
)

// Parse reads a policy file. The error is a *[Faults] with everything that is
// wrong; file is only used there. Parse has no clock: that a policy has expired
// is no fault of the file.
func Parse(file string, data []byte) (*Policy, error) {
	c := &collector{}
	p := &Policy{Source: bytes.Clone(data), Digest: DigestOf(data)}
	if root := c.tree(data); root != nil {
		c.policy(root, p)
	}
	if f := c.faults(file); f != nil {
		return nil, f
	}
	return p, nil
}

func (c *collector) policy(root *yaml.Node, p *Policy) {
	if v := valueOf(root, "version"); v != nil && v.Value != "1" {
		// The other keys of another version are not ours to judge.
		c.add(v.Line, v.Column, "this Weir reads version: 1", "version %s of the format is not known", quoted(v.Value))
		return
	}
	f := c.fields(root, "the policy", topKeys)
	if n := c.need(f, root, "the policy", "version"); n != nil {
		v, _ := c.integer(n, "version", 1, 1)
		p.Version = int(v)
	}
	if n := c.need(f, root, "the policy", "product"); n != nil {
		p.Product = c.word(n, "product", slugShape, slugHint)
	}
	if n := c.need(f, root, "the policy", "vendor"); n != nil {
		p.Vendor = c.word(n, "vendor", slugShape, slugHint)
	}
	if n := c.need(f, root, "the policy", "revision"); n != nil {
		v, _ := c.integer(n, "revision", 1, 1_000_000_000)
		p.Revision = int(v)
	}
	if n := c.need(f, root, "the policy", "destination"); n != nil {
		p.Destination = c.destination(n)
	}
	if n := c.need(f, root, "the policy", "interval"); n != nil {
		p.Interval = c.duration(n, "interval")
	}
	if e, ok := f["expires"]; ok {
		p.Expires = c.date(e.value, "expires")
	}
	if n := c.need(f, root, "the policy", "identity"); n != nil {
		p.Identity = c.identity(n)
	}
	var included []placed
	if e, ok := f["include"]; ok {
		included = c.included(e.value)
	}
	if n := c.need(f, root, "the policy", "signals"); n != nil {
		p.Signals = c.signals(n, included)
	}
}

// valueOf looks a key up without judging the mapping.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

// need returns a required key's value. A missing one is a fault of the mapping.
func (c *collector) need(f map[string]field, n *yaml.Node, what, key string) *yaml.Node {
	if found, ok := f[key]; ok {
		return found.value
	}
	if n.Kind == yaml.MappingNode {
		c.missed = append(c.missed, key)
		c.add(n.Line, n.Column, hintFor(key), "%s has no %s", what, key)
	}
	return nil
}

// identity reads the resource of every report.
func (c *collector) identity(n *yaml.Node) []Attribute {
	list := c.attributes(n, "identity", true)
	for _, a := range list {
		switch {
		case a.Key == "weir.install.id" && a.Domain.Kind != 0 && a.Domain.Kind != DomainUUID:
			c.add(a.Line, 1, "write weir.install.id: {type: uuid}", "weir.install.id is not a uuid")
		case a.Key == "service.version" && a.Domain.Kind != 0 && a.Domain.Kind != DomainSemver:
			c.add(a.Line, 1, "write service.version: {type: semver}; it is Weir's own version", "service.version in identity is not a semver")
		}
	}
	if n.Kind == yaml.MappingNode && valueOf(n, "weir.install.id") == nil {
		c.missed = append(c.missed, "weir.install.id")
		c.add(n.Line, n.Column, "add weir.install.id: {type: uuid}", "identity has no weir.install.id")
	}
	return list
}

// placed is an entry with where its name stands, or the include that brought it.
type placed struct {
	Signal
	line, column int
}

// signals reads the entries, and holds them and the included ones together.
func (c *collector) signals(n *yaml.Node, included []placed) []Signal {
	if n.Kind != yaml.SequenceNode {
		c.add(n.Line, n.Column, "write a list: each entry starts with - name:", "signals is %s, not a list", shape(n))
		return nil
	}
	if count := len(n.Content) + len(included); count > maxSignals {
		c.add(n.Line, n.Column, "name fewer; a policy is read by people", "%d signals, more than %d", count, maxSignals)
		return nil
	}
	var entries []placed
	for _, entry := range n.Content {
		s := placed{Signal: c.signal(entry)}
		if at := valueOf(entry, "name"); at != nil {
			s.line, s.column = at.Line, at.Column
		}
		entries = append(entries, s)
	}
	entries = append(entries, included...)
	var list []Signal
	seen := map[string]*placed{}
	total := 0
	for i := range entries {
		s := &entries[i]
		if twin := seen[seriesName(s.Name)]; s.Name != "" && twin != nil {
			c.collide(twin, s)
		} else {
			seen[seriesName(s.Name)] = s
		}
		total += s.MaxSeries
		list = append(list, s.Signal)
	}
	if total > maxSeries {
		c.add(n.Line, n.Column, "use fewer attributes, shorter enums or smaller max_series", "the signals have up to %d series, more than %d in all", total, maxSeries)
	}
	slices.SortFunc(list, func(a, b Signal) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// seriesName is a name as Prometheus would spell it.
func seriesName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (isDigit(byte(r)) || isAlpha(byte(r))) {
			return r
		}
		return '_'
	}, name)
}
