package syntax

import (
	"errors"
	"fmt"
	"strings"
)

// PatternPart is a literal or, when Capture is set, a capture; the name of an
// unnamed capture is "_".
type PatternPart struct {
	Text    string
	Capture bool
}

// PatternExpr is literals and captures, taken in turn.
type PatternExpr []PatternPart

// ParsePattern reads `<ip> - <_> "<method>"`.
func ParsePattern(s string) (PatternExpr, error) {
	if s == "" {
		return nil, errors.New("empty pattern")
	}
	var parts PatternExpr
	literal := func(text string) {
		if n := len(parts); n > 0 && !parts[n-1].Capture {
			parts[n-1].Text += text
		} else if text != "" {
			parts = append(parts, PatternPart{Text: text})
		}
	}
	for s != "" {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			literal(s)
			break
		}
		literal(s[:open])
		s = s[open:]
		n := 1
		for n < len(s) && (isIdentStart(s[n]) || n > 1 && isDigit(s[n])) {
			n++
		}
		if n == 1 || n >= len(s) || s[n] != '>' {
			literal("<")
			s = s[1:]
			continue
		}
		if k := len(parts); k > 0 && parts[k-1].Capture {
			return nil, fmt.Errorf("found consecutive capture '<%s>': literals are needed between captures", s[1:n])
		}
		parts = append(parts, PatternPart{Text: s[1:n], Capture: true})
		s = s[n+1:]
	}
	return parts, nil
}

// checkFilter refuses what a line filter has no use for.
func (p PatternExpr) checkFilter() error {
	for _, part := range p {
		if part.Capture && part.Text != "_" {
			return fmt.Errorf("named captures are not allowed: found '<%s>'", part.Text)
		}
	}
	return nil
}

// CheckCaptures demands a named capture and no name twice: what a parser needs
// and a line filter does not.
func (p PatternExpr) CheckCaptures() error {
	seen := map[string]bool{}
	for _, part := range p {
		if !part.Capture || part.Text == "_" {
			continue
		}
		if seen[part.Text] {
			return fmt.Errorf("duplicate capture name (%s): invalid expression", part.Text)
		}
		seen[part.Text] = true
	}
	if len(seen) == 0 {
		return errors.New("at least one capture is required")
	}
	return nil
}
