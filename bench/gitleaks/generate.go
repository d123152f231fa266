// Package gitleaks holds gitleaks' rules (MIT) against redaction/mask: for each
// rule, strings that its regular expression matches are generated, and each of
// them must be masked, or the rule must be in unmasked.txt with the reason. It
// is a module of its own, so that gitleaks' dependencies stay out of the
// product's.
package gitleaks

import (
	"math/rand/v2"
	"regexp/syntax"
	"strings"
)

// generate makes a string that the pattern matches, if assertions such as \b
// happen to hold: the caller checks.
func generate(r *rand.Rand, re *syntax.Regexp) string {
	var b strings.Builder
	write(r, &b, re)
	return b.String()
}

func write(r *rand.Rand, b *strings.Builder, re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			b.WriteRune(c)
		}
	case syntax.OpCharClass:
		b.WriteRune(oneOf(r, re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('.') // where a dot was not escaped, a dot is what was meant
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			write(r, b, sub)
		}
	case syntax.OpAlternate:
		write(r, b, re.Sub[r.IntN(len(re.Sub))])
	case syntax.OpStar:
		repeat(r, b, re.Sub[0], 0, 3)
	case syntax.OpPlus:
		repeat(r, b, re.Sub[0], 1, 24)
	case syntax.OpQuest:
		repeat(r, b, re.Sub[0], 0, 1)
	case syntax.OpRepeat:
		most := re.Max
		if most < 0 {
			most = re.Min + 8
		}
		repeat(r, b, re.Sub[0], re.Min, min(most, re.Min+40))
	}
}

func repeat(r *rand.Rand, b *strings.Builder, re *syntax.Regexp, least, most int) {
	for range least + r.IntN(most-least+1) {
		write(r, b, re)
	}
}

// oneOf picks a printable character of the class where there is one: letters and
// digits first, as secrets have them.
func oneOf(r *rand.Rand, ranges []rune) rune {
	var letters, others []rune
	for i := 0; i < len(ranges); i += 2 {
		for c := ranges[i]; c <= min(ranges[i+1], 0x7e); c++ {
			switch {
			case c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
				letters = append(letters, c)
			case c >= ' ':
				others = append(others, c)
			}
		}
	}
	switch {
	case len(letters) > 0 && (len(others) == 0 || r.IntN(12) > 0):
		return letters[r.IntN(len(letters))]
	case len(others) > 0:
		return others[r.IntN(len(others))]
	}
	return ranges[0]
}
