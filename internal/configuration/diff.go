package configuration

import (
	"fmt"
	"strings"
)

const (
	// around is how many lines that stay are shown on each side of a change.
	around = 3
	// maxCompared bounds the table below: lines that differ, before times after.
	maxCompared = 4 << 20
)

// line is one of a diff: ' ' stays, '-' goes, '+' comes.
type line struct {
	mark byte
	text string
}

// unified compares two texts line by line, in the form of diff -u. It is empty
// if they are equal.
func unified(before, after string) string {
	if before == after {
		return ""
	}
	lines := compare(split(before), split(after))
	var b strings.Builder
	for i := 0; i < len(lines); {
		if lines[i].mark == ' ' {
			i++
			continue
		}
		from, to := max(0, i-around), i
		for same := 0; to < len(lines) && same <= 2*around; to++ {
			if same++; lines[to].mark != ' ' {
				same = 0
			}
		}
		for to > i && lines[to-1].mark == ' ' { // all but the lines around
			to--
		}
		to = min(len(lines), to+around)
		writeHunk(&b, lines, from, to)
		i = to
	}
	return b.String()
}

func writeHunk(b *strings.Builder, lines []line, from, to int) {
	start, count := [2]int{1, 1}, [2]int{}
	for i, l := range lines[:to] {
		for side, not := range [2]byte{'+', '-'} {
			switch {
			case l.mark == not:
			case i < from:
				start[side]++
			default:
				count[side]++
			}
		}
	}
	fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@\n", start[0], count[0], start[1], count[1])
	for _, l := range lines[from:to] {
		b.WriteByte(l.mark)
		b.WriteString(l.text)
		b.WriteByte('\n')
	}
}

// compare finds the longest common run of lines. Where too much differs for
// that, all of it goes and comes.
func compare(before, after []string) []line {
	var head, tail []line
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		head = append(head, line{' ', before[0]})
		before, after = before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && before[len(before)-1] == after[len(after)-1] {
		tail = append([]line{{' ', before[len(before)-1]}}, tail...)
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	width := len(after) + 1
	common := make([]int, 0)
	if len(before)*len(after) <= maxCompared {
		common = make([]int, (len(before)+1)*width)
		for i := len(before) - 1; i >= 0; i-- {
			for j := len(after) - 1; j >= 0; j-- {
				if before[i] == after[j] {
					common[i*width+j] = common[(i+1)*width+j+1] + 1
				} else {
					common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
				}
			}
		}
	}
	i, j := 0, 0
	for i < len(before) || j < len(after) {
		switch {
		case len(common) > 0 && i < len(before) && j < len(after) && before[i] == after[j]:
			head = append(head, line{' ', before[i]})
			i, j = i+1, j+1
		case i < len(before) && (j == len(after) || len(common) == 0 || common[(i+1)*width+j] >= common[i*width+j+1]):
			head = append(head, line{'-', before[i]})
			i++
		default:
			head = append(head, line{'+', after[j]})
			j++
		}
	}
	return append(head, tail...)
}

func split(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
