package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// row is one thing that is known: its name and what is known of it.
type row struct{ name, text string }

// sideBySide sets two columns of rows next to each other, each half of width
// characters wide. Texts wrap; nothing is cut off.
func sideBySide(width int, leftTitle, rightTitle string, left, right []row) string {
	half := max((width-3)/2, 24)
	l, r := column(half, leftTitle, left), column(half, rightTitle, right)
	for len(l) < len(r) {
		l = append(l, "")
	}
	for len(r) < len(l) {
		r = append(r, "")
	}
	var out strings.Builder
	for i := range l {
		line := l[i] + strings.Repeat(" ", half-utf8.RuneCountInString(l[i])) + " | " + r[i]
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return out.String()
}

// column writes a title, a rule, and the rows with their names aligned.
func column(width int, title string, rows []row) []string {
	widest := 0
	for _, r := range rows {
		widest = max(widest, utf8.RuneCountInString(r.name))
	}
	lines := append(wrap(title, width), strings.Repeat("-", width))
	for _, r := range rows {
		for i, part := range wrap(r.text, width-widest-2) {
			name := r.name
			if i > 0 {
				name = ""
			}
			lines = append(lines, name+strings.Repeat(" ", widest-utf8.RuneCountInString(name)+2)+part)
		}
	}
	return lines
}

// wrap breaks a text at spaces, and words that are longer than a line anywhere.
// Control characters become spaces: the text may be anybody's log line.
func wrap(text string, width int) []string {
	width = max(width, 1)
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for {
			room := width - utf8.RuneCountInString(line)
			if line != "" {
				room--
			}
			if utf8.RuneCountInString(word) <= room {
				if line != "" {
					line += " "
				}
				line += word
				break
			}
			if line != "" {
				lines, line = append(lines, line), ""
				continue
			}
			head := string([]rune(word)[:width])
			lines, word = append(lines, head), word[len(head):]
		}
	}
	return append(lines, line)
}

// number writes a whole number with thousands apart: 12 345.
func number(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return sign + digits
}

func percent(ratio float64) string { return fmt.Sprintf("%.1f %%", 100*ratio) }
