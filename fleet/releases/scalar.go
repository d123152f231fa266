package releases

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fields reads a mapping whose keys are known.
func (r *reader) fields(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		r.fault(n, "write it as key: value", "%s is not a mapping", what)
		return found
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode || !slices.Contains(known, k.Value):
			r.fault(k, "it has "+strings.Join(known, ", "), "%s has no key %q", what, short(k.Value))
		case found[k.Value] != nil:
			r.fault(k, "keep one of the two", "%s has the key %s twice", what, k.Value)
		case v.Kind == yaml.AliasNode:
			r.fault(v, "write it out", "the value of %s is an alias", k.Value)
		default:
			found[k.Value] = v
		}
	}
	return found
}

func (r *reader) need(f map[string]*yaml.Node, n *yaml.Node, what, key string) *yaml.Node {
	v, ok := f[key]
	if !ok && n.Kind == yaml.MappingNode {
		r.fault(n, "add "+key+":", "%s has no %s", what, key)
	}
	return v
}

func (r *reader) items(n *yaml.Node, what string, most int) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "write it as a list, each entry behind a dash", "%s is not a list", what)
		return nil
	}
	if len(n.Content) > most {
		r.fault(n, "take out what no install runs any more", "%s has more than %d entries", what, most)
		return nil
	}
	return n.Content
}

// text reads a string. A version such as 1.4 would be a number, and 1.40 the
// same one.
func (r *reader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || n.Value == "" {
		r.fault(n, `write it as text, in quotes where YAML takes it for something else`, "%s is not text", what)
		return ""
	}
	return n.Value
}

func (r *reader) bool(n *yaml.Node, what string) bool {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		r.fault(n, "write true or false", "%s is neither true nor false", what)
		return false
	}
	return n.Value == "true"
}

// short keeps a fault in one line.
func short(s string) string {
	const limit = 48
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}
