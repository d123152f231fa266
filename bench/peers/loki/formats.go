package main

import (
	"net/url"
)

// compareFormats holds the two printers against each other. Their spaces are
// each one's own, so each reads what the other wrote: both texts must mean the
// same to both, and writing again must change nothing.
func compareFormats(loki, weir *server, query string) (string, bool, error) {
	format := func(s *server, query string) (string, error) {
		r, err := ask(s, question{path: "/loki/api/v1/format_query", form: url.Values{"query": {query}}})
		if err != nil {
			return "", err
		}
		top, _ := r.body.(object)
		text, _ := top["data"].(string)
		return text, nil
	}
	byLoki, err := format(loki, query)
	if err != nil || byLoki == "" {
		return "", false, err // a fault: the questions themselves compare it
	}
	byWeir, err := format(weir, query)
	if err != nil {
		return "", false, err
	}
	for _, c := range []struct {
		s           *server
		text, want  string
		what, claim string
	}{
		{weir, byWeir, byWeir, "Weir's text", "Weir writes again"},
		{weir, byLoki, byWeir, "Loki's text", "Weir reads"},
		{loki, byWeir, byLoki, "Weir's text", "Loki reads"},
	} {
		got, err := format(c.s, c.text)
		if err != nil {
			return "", false, err
		}
		if got != c.want {
			return c.claim + " " + c.what + " otherwise: " + clip(c.text) + " as " + clip(got) + ", not " + clip(c.want), true, nil
		}
	}
	return "", true, nil
}
