// Package referee says in plain regular expressions what package mask looks for
// by hand: slow, and meant to be obviously right. Tests compare the two, and
// bench/mask measures against it. The product does not link it.
package referee

import (
	"regexp"

	"github.com/weir-telemetry/weir/redaction/mask"
)

// Span is a stretch of a line that a family describes.
type Span struct {
	Start, End int
	Family     mask.Family
}

// Rule is one regular expression of a family. What is to be masked is its
// first group, or all of it.
type Rule struct {
	Family mask.Family
	re     *regexp.Regexp
	ok     func(line []byte, start, end int) bool // what no regular expression says: check digits, neighbours
	trim   bool                                   // a single colon before or after does not belong to it
}

// Pattern is the rule's regular expression.
func (r *Rule) Pattern() string { return r.re.String() }

// Find lists what the rule describes in the line, from left to right.
func (r *Rule) Find(line []byte) (spans []Span) {
	for _, m := range r.re.FindAllSubmatchIndex(line, -1) {
		start, end := m[0], m[1]
		if len(m) > 2 {
			start, end = m[2], m[3]
		}
		if r.trim {
			if end-start > 1 && line[start] == ':' && line[start+1] != ':' {
				start++
			}
			if end-start > 1 && line[end-1] == ':' && line[end-2] != ':' {
				end--
			}
		}
		if start < end && (r.ok == nil || r.ok(line, start, end)) {
			spans = append(spans, Span{start, end, r.Family})
		}
	}
	return spans
}

// Replace is line with what the rule describes replaced.
func (r *Rule) Replace(line []byte) []byte {
	spans := r.Find(line)
	if len(spans) == 0 {
		return line
	}
	var out []byte
	at := 0
	for _, s := range spans {
		out = append(append(out, line[at:s.Start]...), s.Family.Constant()...)
		at = s.End
	}
	return append(out, line[at:]...)
}

// For returns the rules of the families, or all.
func For(families ...mask.Family) (some []Rule) {
	for _, r := range all {
		for _, f := range families {
			if r.Family == f {
				some = append(some, r)
			}
		}
		if len(families) == 0 {
			some = append(some, r)
		}
	}
	return some
}

// Find lists what the rules describe, rule by rule.
func Find(rules []Rule, line []byte) (spans []Span) {
	for i := range rules {
		spans = append(spans, rules[i].Find(line)...)
	}
	return spans
}

// Mask replaces rule by rule, as a chain of regular expressions does.
func Mask(rules []Rule, line []byte) []byte {
	for i := range rules {
		line = rules[i].Replace(line)
	}
	return line
}
