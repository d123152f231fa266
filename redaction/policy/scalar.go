package policy

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// field is one key of a YAML mapping, with its value.
type field struct {
	key, value *yaml.Node
}

// fields reads a mapping whose keys are known. Unknown and repeated keys are
// faults; the first of a repeated key counts.
func (c *collector) fields(n *yaml.Node, what string, known []string) map[string]field {
	found := map[string]field{}
	for _, f := range c.pairs(n, what) {
		k := f.key.Value
		if _, twice := found[k]; twice {
			continue // pairs has said so
		}
		found[k] = f
		switch {
		case indexOf(known, k) >= 0:
		case indexOf(known, "enum") >= 0 && indexOf(freeText, strings.ToLower(k)) >= 0:
			c.add(f.key.Line, f.key.Column, freeTextHint, "%s asks for %s: %s", what, quoted(k), freeTextWhy)
		default:
			c.add(f.key.Line, f.key.Column, suggest(k, known), "%s has no key %s", what, quoted(k))
		}
	}
	return found
}

// pairs reads a mapping with keys of the author's choice.
func (c *collector) pairs(n *yaml.Node, what string) []field {
	if n.Kind != yaml.MappingNode {
		c.add(n.Line, n.Column, "write it as key: value", "%s is %s, not a mapping", what, shape(n))
		return nil
	}
	var list []field
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode || k.ShortTag() == "!!merge":
			c.add(k.Line, k.Column, "keys are plain words", "a key of %s is %s", what, shape(k))
			continue
		case first[k.Value] > 0:
			c.add(k.Line, k.Column, "keep one of the two; the first is on line "+strconv.Itoa(first[k.Value]), "%s has the key %s twice", what, quoted(k.Value))
			continue
		}
		first[k.Value] = k.Line
		list = append(list, field{k, v})
	}
	return list
}

func indexOf(list []string, s string) int {
	for i, one := range list {
		if one == s {
			return i
		}
	}
	return -1
}

// shape says what a node is, for a fault.
func shape(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a bool"
	case "!!timestamp":
		return "a date"
	case "!!merge":
		return "a YAML merge"
	}
	return "text"
}

// text reads a string that was written as one: 200 is a number and true a bool,
// and neither would equal the string that a sender's attribute holds.
func (c *collector) text(n *yaml.Node, what string) (string, bool) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		if n.Value == "" {
			c.add(n.Line, n.Column, "write its text", "%s is empty", what)
			return "", false
		}
		return n.Value, true
	}
	hint := "write it as text"
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		hint = `put it in quotes: "` + clip(n.Value) + `"`
	}
	c.add(n.Line, n.Column, hint, "%s is %s, not text", what, shape(n))
	return "", false
}

func clip(s string) string {
	if len(s) > 24 {
		return "..."
	}
	return s
}

// prose reads text for people: one line, however it was folded.
func (c *collector) prose(n *yaml.Node, what string, limit int) string {
	s, ok := c.text(n, what)
	if !ok {
		return ""
	}
	s = strings.Join(strings.Fields(s), " ")
	switch {
	case s == "":
		c.add(n.Line, n.Column, "write its text", "%s is empty", what)
	case len(s) > limit:
		c.add(n.Line, n.Column, "shorten it; details belong beside the code", "%s has %d characters, more than %d", what, len(s), limit)
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		// Escapes in a quoted scalar can bring back what the source may not hold.
		c.add(n.Line, n.Column, "write only characters that show", "%s holds a character that does not show", what)
	default:
		return s
	}
	return ""
}

// word reads text of a given shape.
func (c *collector) word(n *yaml.Node, what string, shape *regexp.Regexp, hint string) string {
	s, ok := c.text(n, what)
	if !ok {
		return ""
	}
	if !shape.MatchString(s) {
		c.add(n.Line, n.Column, hint, "%s %s is not well formed", what, quoted(s))
		return ""
	}
	return s
}

// choice reads one of a few words.
func choice[T comparable](c *collector, n *yaml.Node, what string, names []named[T]) (T, bool) {
	var none T
	s, ok := c.text(n, what)
	if !ok {
		return none, false
	}
	known := make([]string, len(names))
	for i, one := range names {
		if one.name == s {
			return one.value, true
		}
		known[i] = one.name
	}
	c.add(n.Line, n.Column, suggest(s, known), "%s %s is not known", what, quoted(s))
	return none, false
}

// YAML has many spellings of a number (0x10, 0o7, 1_000, .inf); these are the
// ones that everybody reads the same way.
var (
	decimalInt   = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
	decimalFloat = regexp.MustCompile(`^[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
)

// integer reads a whole number within [lo, hi].
func (c *collector) integer(n *yaml.Node, what string, lo, hi int64) (int64, bool) {
	hint := "write a whole number from " + strconv.FormatInt(lo, 10) + " to " + strconv.FormatInt(hi, 10)
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 || !decimalInt.MatchString(n.Value) {
		c.add(n.Line, n.Column, hint, "%s is not a whole number", what)
		return 0, false
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil || i < lo || i > hi {
		c.add(n.Line, n.Column, hint, "%s is out of range", what)
		return 0, false
	}
	return i, true
}

// number reads a finite number.
func (c *collector) number(n *yaml.Node, what string) (float64, bool) {
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 || !decimalFloat.MatchString(n.Value) {
		c.add(n.Line, n.Column, "write a finite decimal number, such as 0, 0.01 or 1e12", "%s is not a finite number", what)
		return 0, false
	}
	f, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || math.IsInf(f, 0) {
		c.add(n.Line, n.Column, "write a finite decimal number, such as 0, 0.01 or 1e12", "%s does not fit into a double", what)
		return 0, false
	}
	return f + 0, true // -0 + 0 is 0: a report has one zero
}

// bool reads true or false.
func (c *collector) bool(n *yaml.Node, what string) bool {
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 || n.Value != "true" && n.Value != "false" {
		c.add(n.Line, n.Column, "write true or false", "%s is %s, not true or false", what, shape(n))
		return true
	}
	return n.Value == "true"
}

// duration reads the interval.
func (c *collector) duration(n *yaml.Node, what string) time.Duration {
	const hint = "write a duration that divides a day, such as 5s, 60s, 15m or 1h"
	d, err := time.ParseDuration(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || err != nil:
		c.add(n.Line, n.Column, hint, "%s is not a duration", what)
	case d < minInterval || d > maxInterval:
		c.add(n.Line, n.Column, hint, "%s is not between %s and 24h", what, minInterval)
	case d%time.Second != 0 || maxInterval%d != 0:
		c.add(n.Line, n.Column, hint, "%s does not divide a day into equal parts of whole seconds", what)
	default:
		return d
	}
	return 0
}

// date reads the last day on which something holds and returns the instant
// after it.
func (c *collector) date(n *yaml.Node, what string) time.Time {
	day, err := time.Parse(time.DateOnly, n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		c.add(n.Line, n.Column, "write the last day on which it holds, such as 2027-12-31", "%s is not a date", what)
		return time.Time{}
	}
	return day.AddDate(0, 0, 1)
}
