package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// compare returns "" when both say the same, else where they first differ.
// Lists are compared in their order, but for those that have none.
func compare(path string, loki, weir reply) string {
	if loki.status != weir.status {
		return fmt.Sprintf("status: %d, not %d (%s | %s)", weir.status, loki.status, short(weir), short(loki))
	}
	if loki.status/100 != 2 {
		// The texts are each one's own; the kind of fault must agree.
		if l, w := kind(loki.text), kind(weir.text); l != w {
			return fmt.Sprintf("error: %s, not %s (%s | %s)", w, l, short(weir), short(loki))
		}
		return ""
	}
	if (loki.body == nil) != (weir.body == nil) {
		return fmt.Sprintf("body: %s, not %s", short(weir), short(loki))
	}
	if unordered(path) {
		sortAll(loki.body)
		sortAll(weir.body)
	}
	if d := unknownKey("stats", loki.stats, weir.stats); d != "" {
		return d
	}
	d := comparer{numbers: holdsNumbers(loki.body)}.differ("", loki.body, weir.body)
	if l, w := shape(loki.body), shape(weir.body); d != "" && l != w {
		return fmt.Sprintf("shape: %s, not %s: %s", w, l, d)
	}
	return d
}

// unknownKey finds a statistic that the real Loki does not give, or gives as
// another kind of value.
func unknownKey(at string, loki, weir object) string {
	for _, key := range slices.Sorted(maps.Keys(weir)) {
		want, ok := loki[key]
		if !ok {
			return fmt.Sprintf("shape: %s.%s is none of Loki's statistics", at, key)
		}
		inner, nested := weir[key].(object)
		if !nested {
			if l, w := shape(want), shape(weir[key]); l != w {
				return fmt.Sprintf("shape: %s.%s is %s, not %s", at, key, w, l)
			}
			continue
		}
		l, _ := want.(object)
		if d := unknownKey(at+"."+key, l, inner); d != "" {
			return d
		}
	}
	return ""
}

// unordered says of which lists Loki's own order changes from one answer to the
// next.
func unordered(path string) bool {
	return strings.HasSuffix(path, "/series") || strings.Contains(path, "/detected_")
}

// sortTies puts neighbours in a vector whose values are the same into one order:
// topk and sort order those in Loki otherwise from one answer to the next.
func sortTies(body any) {
	top, _ := body.(object)
	data, _ := top["data"].(object)
	elements, _ := data["result"].([]any)
	if data["resultType"] != "vector" {
		return
	}
	value := func(i int) string {
		e, _ := elements[i].(object)
		return whole(e["value"])
	}
	for from := 0; from < len(elements); {
		to := from + 1
		for to < len(elements) && value(to) == value(from) {
			to++
		}
		sortAll(elements[from:to])
		from = to
	}
}

func sortAll(v any) {
	switch v := v.(type) {
	case object:
		for _, inner := range v {
			sortAll(inner)
		}
	case []any:
		for _, inner := range v {
			sortAll(inner)
		}
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(whole(a), whole(b)) })
	}
}

func whole(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// comparer walks two answers side by side.
type comparer struct {
	numbers bool // values are numbers written as text, not lines
}

func holdsNumbers(body any) bool {
	top, _ := body.(object)
	data, _ := top["data"].(object)
	return data["resultType"] != "streams"
}

// kind is the sort of error that a text tells of.
func kind(text string) string {
	if strings.HasPrefix(text, "parse error") {
		return "parse error"
	}
	if strings.Contains(text, "maximum") || strings.Contains(text, "max ") {
		return "limit"
	}
	return "other"
}

func short(r reply) string {
	s := r.text
	if r.body != nil {
		b, _ := json.Marshal(r.body)
		s = string(b)
	}
	s = strings.ReplaceAll(s, "\n", "⏎")
	if len(s) > 240 {
		s = s[:240] + "…"
	}
	return s
}

func (c comparer) differ(at string, want, got any) string {
	switch want := want.(type) {
	case object:
		g, ok := got.(object)
		if !ok {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			v, ok := g[key]
			if !ok {
				return fmt.Sprintf("%s.%s is missing (want %s)", at, key, clip(want[key]))
			}
			if d := c.differ(at+"."+key, want[key], v); d != "" {
				return d
			}
		}
		for _, key := range slices.Sorted(maps.Keys(g)) {
			if _, ok := want[key]; !ok {
				return fmt.Sprintf("%s.%s should not be there (%s)", at, key, clip(g[key]))
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		for i := range min(len(want), len(g)) {
			if d := c.differ(fmt.Sprintf("%s[%d]", at, i), want[i], g[i]); d != "" {
				if len(want) != len(g) {
					d += fmt.Sprintf(" (of %d, not %d)", len(g), len(want))
				}
				return d
			}
		}
		if len(want) != len(g) {
			return fmt.Sprintf("%s has %d elements, not %d", at, len(g), len(want))
		}
		return ""
	case float64:
		if g, ok := got.(float64); ok && near(want, g) {
			return ""
		}
	case string:
		g, ok := got.(string)
		if ok && (want == g || c.numbers && strings.HasSuffix(at, "[1]") && nearText(want, g)) {
			return ""
		}
	default:
		if want == got {
			return ""
		}
	}
	return fmt.Sprintf("%s is %s, not %s", at, clip(got), clip(want))
}

func nearText(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && near(x, y)
}

func near(a, b float64) bool {
	if a == b || math.IsNaN(a) && math.IsNaN(b) {
		return true
	}
	return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
}

func clip(v any) string {
	b, _ := json.Marshal(v)
	s := string(b)
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}
