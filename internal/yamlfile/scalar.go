package yamlfile

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Fields reads a mapping whose keys are known.
func (r *Reader) Fields(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		r.Fault(n, "write it as key: value", "%s is not a mapping", what)
		return found
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode || !slices.Contains(known, k.Value):
			r.Fault(k, "it has "+strings.Join(known, ", "), "%s has no key %q", what, Short(k.Value))
		case found[k.Value] != nil:
			r.Fault(k, "keep one of the two", "%s has the key %s twice", what, k.Value)
		case v.Kind == yaml.AliasNode:
			r.Fault(v, "write it out", "the value of %s is an alias", k.Value)
		default:
			found[k.Value] = v
		}
	}
	return found
}

// Need returns the value of a key that must be there, or nil.
func (r *Reader) Need(f map[string]*yaml.Node, n *yaml.Node, what, key string) *yaml.Node {
	v, ok := f[key]
	if !ok && n.Kind == yaml.MappingNode {
		r.Fault(n, "add "+key+":", "%s has no %s", what, key)
	}
	return v
}

// Items reads a list of at most so many entries.
func (r *Reader) Items(n *yaml.Node, what string, most int) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.Fault(n, "write it as a list, each entry behind a dash", "%s is not a list", what)
		return nil
	}
	if len(n.Content) > most {
		r.Fault(n, "name fewer", "%s has more than %d entries", what, most)
		return nil
	}
	return n.Content
}

// Text reads a string. A version such as 1.4 would be a number, and 1.40 the
// same one.
func (r *Reader) Text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || n.Value == "" {
		r.Fault(n, `write it as text, in quotes where YAML takes it for something else`, "%s is not text", what)
		return ""
	}
	return n.Value
}

// Bool reads true or false.
func (r *Reader) Bool(n *yaml.Node, what string) bool {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		r.Fault(n, "write true or false", "%s is neither true nor false", what)
		return false
	}
	return n.Value == "true"
}

// Short keeps a fault in one line.
func Short(s string) string {
	const limit = 48
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}
