package syntax

import (
	"fmt"
	"strconv"
)

// Step is one step of a path into a JSON document: a key, or an index when Key
// is empty and IsIndex is set.
type Step struct {
	Key     string
	Index   int
	IsIndex bool
}

// ParsePath reads a.b[0]["c d"], as `| json label="…"` takes it.
func ParsePath(path string) ([]Step, error) {
	bad := func(at int) ([]Step, error) {
		return nil, fmt.Errorf("cannot parse expression [%s]: syntax error at %d", path, at+1)
	}
	var steps []Step
	for i := 0; i < len(path); {
		switch c := path[i]; {
		case isIdentStart(c):
			n := i + 1
			for n < len(path) && (isIdentStart(path[n]) || isDigit(path[n]) || path[n] == '-') {
				n++
			}
			steps = append(steps, Step{Key: path[i:n]})
			i = n
		case c == '.':
			if i++; i >= len(path) || len(steps) == 0 || !isIdentStart(path[i]) {
				return bad(i)
			}
		case c == '[' && i+1 < len(path) && path[i+1] == '"':
			quoted, err := strconv.QuotedPrefix(path[i+1:])
			end := i + 1 + len(quoted)
			if err != nil || end >= len(path) || path[end] != ']' {
				return bad(i)
			}
			key, err := strconv.Unquote(quoted)
			if err != nil {
				return bad(i)
			}
			steps = append(steps, Step{Key: key})
			i = end + 1
		case c == '[':
			n := i + 1
			for n < len(path) && isDigit(path[n]) {
				n++
			}
			index, err := strconv.Atoi(path[i+1 : n])
			if err != nil || n >= len(path) || path[n] != ']' {
				return bad(i)
			}
			steps = append(steps, Step{Index: index, IsIndex: true})
			i = n + 1
		default:
			return bad(i)
		}
	}
	if len(steps) == 0 {
		return bad(0)
	}
	return steps, nil
}
