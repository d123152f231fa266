package policy

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	maxEnumLength = 64
	maxEnumValues = 1000
	maxIntSize    = 10_000
)

var domainKeys = []string{"enum", "type", "min", "max", "otherwise"}

// freeText are words by which people ask for a domain that there is not.
var freeText = []string{"string", "str", "text", "any", "free", "free_text", "regex", "regexp", "pattern", "match", "glob", "prefix", "bytes", "json"}

const freeTextWhy = "there is no free-text domain: whatever a sender writes there would leave"
const freeTextHint = "list the values with enum: [...]; or use type: hmac to tell values apart without reading them"

// attributes reads keys with their domains. Identity is Weir's own, so nothing
// there can be missing and `otherwise` has no meaning.
func (c *collector) attributes(n *yaml.Node, what string, identity bool) []Attribute {
	pairs := c.pairs(n, what)
	if len(pairs) > maxAttributes {
		c.add(n.Line, n.Column, "keep the ones that answer the question", "%s has %d keys, more than %d", what, len(pairs), maxAttributes)
		return nil
	}
	var list []Attribute
	spelt := map[string]string{}
	for _, p := range pairs {
		a := Attribute{Key: p.key.Value, Line: p.key.Line}
		c.attributeKey(p.key, identity)
		if twin, ok := spelt[seriesName(a.Key)]; ok {
			c.add(p.key.Line, p.key.Column, "rename one: Prometheus spells both "+seriesName(a.Key), "keys %s and %s differ only in punctuation", quoted(twin), quoted(a.Key))
		}
		spelt[seriesName(a.Key)] = a.Key
		a.Domain, a.Otherwise = c.domain(p.value, quoted(a.Key), identity)
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Attribute) int { return cmp.Compare(a.Key, b.Key) })
	return list
}

func (c *collector) attributeKey(n *yaml.Node, identity bool) {
	switch k := n.Value; {
	case !keyShape.MatchString(k):
		c.add(n.Line, n.Column, nameHint, "key %s is not well formed", quoted(k))
	case slices.ContainsFunc(reservedNames, func(r string) bool { return strings.HasPrefix(k, r) }):
		c.add(n.Line, n.Column, "choose another key; Weir makes these itself", "key %s is reserved", quoted(k))
	case !identity && k == "weir.install.id":
		c.add(n.Line, n.Column, "remove it; identity carries it", "key %s of a signal would pass for the report's own", quoted(k))
	case k == "le" || k == "quantile":
		c.add(n.Line, n.Column, "choose another key", "key %s means a bucket to Prometheus", quoted(k))
	}
}

func (c *collector) domain(n *yaml.Node, what string, identity bool) (Domain, Otherwise) {
	otherwise := Otherwise{Drop: true}
	if n.Kind == yaml.ScalarNode {
		c.add(n.Line, n.Column, "write {enum: [...]} or {type: bool|int|semver|uuid|hmac}", "%s has no domain", what)
		return Domain{}, otherwise
	}
	f := c.fields(n, what, domainKeys)
	d := Domain{}
	enum, hasEnum := f["enum"]
	typ, hasType := f["type"]
	switch {
	case hasEnum && hasType:
		c.add(typ.key.Line, typ.key.Column, "keep enum or type", "%s has both enum and type", what)
	case hasEnum:
		d = c.enum(enum.value, what)
	case hasType:
		d = c.typed(f, n, typ.value, what)
	case n.Kind == yaml.MappingNode && !slices.ContainsFunc(freeText, func(k string) bool { _, ok := f[k]; return ok }):
		c.add(n.Line, n.Column, "write {enum: [...]} or {type: bool|int|semver|uuid|hmac}", "%s has no domain", what)
	}
	for _, k := range []string{"min", "max"} {
		if b, ok := f[k]; ok && d.Kind != 0 && d.Kind != DomainInt {
			c.add(b.key.Line, b.key.Column, "remove "+k, "%s has %s, which only an int has", what, k)
		}
	}
	if o, ok := f["otherwise"]; ok {
		if identity {
			c.add(o.key.Line, o.key.Column, "remove otherwise: without its identity no report leaves", "%s is identity and cannot be replaced", what)
		} else {
			otherwise = c.otherwise(o.value, d)
		}
	}
	return d, otherwise
}

func (c *collector) enum(n *yaml.Node, what string) Domain {
	if n.Kind != yaml.SequenceNode {
		c.add(n.Line, n.Column, "write a list: enum: [a, b]", "the enum of %s is %s, not a list", what, shape(n))
		return Domain{}
	}
	if len(n.Content) == 0 || len(n.Content) > maxEnumValues {
		c.add(n.Line, n.Column, "list 1 to 1000 values", "the enum of %s has %d values", what, len(n.Content))
		return Domain{}
	}
	d := Domain{Kind: DomainEnum}
	seen := map[string]bool{}
	for _, v := range n.Content {
		s, ok := c.constant(v, "an enum value of "+what)
		switch {
		case !ok:
		case seen[s]:
			c.add(v.Line, v.Column, "keep one of the two", "the enum of %s has %s twice", what, quoted(s))
		default:
			seen[s] = true
			d.Values = append(d.Values, s)
		}
	}
	if len(d.Values) == 0 {
		return Domain{} // said above; nothing further to hold against it
	}
	return d
}

// constant reads a text that a report may carry.
func (c *collector) constant(n *yaml.Node, what string) (string, bool) {
	s, ok := c.text(n, what)
	if !ok {
		return "", false
	}
	if len(s) > maxEnumLength {
		c.add(n.Line, n.Column, "write at most 64 characters", "%s has %d characters", what, len(s))
		return "", false
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) || strings.TrimSpace(s) != s {
		c.add(n.Line, n.Column, "write printable ASCII, with no space at either end", "%s %s is not printable ASCII", what, quoted(s))
		return "", false
	}
	return s, true
}

func (c *collector) typed(f map[string]field, n, typ *yaml.Node, what string) Domain {
	switch name := strings.ToLower(typ.Value); {
	case typ.Kind == yaml.ScalarNode && indexOf(freeText, name) >= 0:
		c.add(typ.Line, typ.Column, freeTextHint, "type %s: %s", quoted(typ.Value), freeTextWhy)
		return Domain{}
	case name == "float" || name == "double" || name == "number":
		c.add(typ.Line, typ.Column, "let the product count in buckets: use enum, or type: int with min and max", "type %s: a measured number is no series", quoted(typ.Value))
		return Domain{}
	case name == "enum":
		c.add(typ.Line, typ.Column, "write enum: [a, b] instead of type", "the enum of %s has no values", what)
		return Domain{}
	}
	kind, ok := choice(c, typ, "type", domainNames[:len(domainNames)-1])
	if !ok || kind != DomainInt {
		return Domain{Kind: kind}
	}
	d := Domain{Kind: DomainInt}
	all := true
	for _, b := range []struct {
		key string
		to  *int64
	}{{"min", &d.Min}, {"max", &d.Max}} {
		v := c.need(f, n, "the int of "+what, b.key)
		if v == nil {
			all = false
			continue
		}
		i, ok := c.integer(v, b.key, -1<<53, 1<<53)
		*b.to, all = i, all && ok
	}
	if !all {
		return Domain{}
	}
	if at := f["max"].value; d.Min > d.Max {
		c.add(at.Line, at.Column, "swap them", "the int of %s has min above max", what)
		return Domain{}
	} else if d.Max-d.Min >= maxIntSize {
		c.add(at.Line, at.Column, "narrow it, or let the product put it into classes: enum: [small, large]", "the int of %s has more than %d values", what, maxIntSize)
		return Domain{}
	}
	return d
}

func (c *collector) otherwise(n *yaml.Node, d Domain) Otherwise {
	s, ok := c.constant(n, "otherwise")
	if !ok || s == "drop" {
		return Otherwise{Drop: true}
	}
	if (d.Kind == DomainBool || d.Kind == DomainInt) && d.Contains(s) {
		// The constant is sent as a string and would look like the value.
		c.add(n.Line, n.Column, "choose a word that is no value, such as other", "otherwise %s is a value of the domain", quoted(s))
	}
	return Otherwise{Constant: s}
}
