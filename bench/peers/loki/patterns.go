package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// comparePatterns asks both for the patterns of a selector. Which ones a server
// finds is its own affair; the shape of the answers must agree, and what Weir
// finds must hold: each of its patterns, asked of both as a filter, finds the same
// number of lines, no fewer than Weir says.
func comparePatterns(loki, weir *server, selector string, begin time.Time) (string, error) {
	q := question{path: "/loki/api/v1/patterns", form: url.Values{
		"query": {selector}, "step": {"60s"},
		"start": {fmt.Sprint(begin.UnixNano())}, "end": {fmt.Sprint(begin.Add(span).UnixNano())},
	}}
	want, err := ask(loki, q)
	if err != nil {
		return "", err
	}
	got, err := ask(weir, q)
	if err != nil {
		return "", err
	}
	if l, w := shapes(want.body), shapes(got.body); len(l) > 0 && !slices.Equal(l, w) {
		return fmt.Sprintf("an element is %v, not %v", w, l), nil
	}
	found, _ := got.body.(object)["data"].([]any)
	if len(found) == 0 {
		return "no pattern is found", nil
	}
	lines := map[string]float64{} // by the pattern, whatever the level
	for _, p := range found {
		p := p.(object)
		for _, s := range p["samples"].([]any) {
			lines[p["pattern"].(string)] += s.([]any)[1].(float64)
		}
	}
	const window = span + time.Minute // which leaves out its first instant
	for _, pattern := range slices.Sorted(maps.Keys(lines)) {
		count := question{path: "/loki/api/v1/query", form: url.Values{
			"query": {fmt.Sprintf("sum(count_over_time(%s |> %s [%s]))", selector, strconv.Quote(pattern), window)},
			"time":  {fmt.Sprint(begin.Add(span).UnixNano())},
		}}
		byLoki, err := ask(loki, count)
		if err != nil {
			return "", err
		}
		byWeir, err := ask(weir, count)
		if err != nil {
			return "", err
		}
		if d := compare(count.path, byLoki, byWeir); d != "" {
			return fmt.Sprintf("with |> %q: %s", pattern, d), nil
		}
		if n := number(byWeir); n < lines[pattern] {
			return fmt.Sprintf("%q stands for %v lines, and finds %v", pattern, lines[pattern], n), nil
		}
	}
	return "", nil
}

// shapes are the kinds of elements that a list of patterns holds.
func shapes(body any) []string {
	top, _ := body.(object)
	list, _ := top["data"].([]any)
	kinds := map[string]bool{}
	for _, e := range list {
		kinds[shape(e)] = true
	}
	return slices.Sorted(maps.Keys(kinds))
}

func shape(v any) string {
	switch v := v.(type) {
	case object:
		text := ""
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key == "stream" || key == "metric" { // whose keys are labels
				text += key + " "
				continue
			}
			text += key + ":" + shape(v[key]) + " "
		}
		return "{" + text + "}"
	case []any:
		kinds := map[string]bool{}
		for _, e := range v {
			kinds[shape(e)] = true
		}
		return fmt.Sprint(slices.Sorted(maps.Keys(kinds)))
	default:
		return fmt.Sprintf("%T", v)
	}
}

// number is the value of a vector with one element, else zero.
func number(r reply) float64 {
	top, _ := r.body.(object)
	data, _ := top["data"].(object)
	list, _ := data["result"].([]any)
	if len(list) != 1 {
		return 0
	}
	value, _ := list[0].(object)["value"].([]any)
	text, _ := value[1].(string)
	n, _ := strconv.ParseFloat(text, 64)
	return n
}
