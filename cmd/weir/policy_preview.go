package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/weir-telemetry/weir/redaction/policy"
)

const previewUsage = "[--json] [--from 1h] FILE [--against OTHER]"

// previewAnswer is the JSON of preview. Its keys are stable.
type previewAnswer struct {
	preview
	Against *preview        `json:"against,omitempty"`
	Changes []previewChange `json:"changes,omitempty"`
}

// previewChange is a series that the two policies do not send alike.
type previewChange struct {
	Signal string `json:"signal"`
	Series string `json:"series"`
	// What is added (only FILE sends it), removed (only OTHER) or changed.
	What   string `json:"what"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// runPolicyPreview shows what would leave, from what the local store holds. It
// sends nothing and needs no consent.
func runPolicyPreview(e env, args []string) int {
	window, other := time.Hour, ""
	a, err := parsePolicyArgs("policy preview", previewUsage, args, func(fs *flag.FlagSet) {
		fs.DurationVar(&window, "from", window, "")
		fs.StringVar(&other, "against", "", "")
	})
	if err == nil && window < time.Second {
		err = fmt.Errorf("%w: --from is at least 1s", errUsage)
	}
	if err != nil {
		return e.fail(err)
	}
	store := newLocalStore(e.getenv("WEIR_LISTEN"))
	answer, code, err := e.preview(store, a, window)
	if answer == nil {
		if err != nil {
			return e.fail(err)
		}
		return code
	}
	if other != "" {
		against, code, err := e.preview(store, policyArgs{file: other, json: a.json}, window)
		if err != nil {
			return e.fail(err)
		}
		if against == nil {
			return code
		}
		answer.Against = &against.preview
		answer.Changes = changes(against.preview, answer.preview)
	}
	if a.json {
		return e.json(answer, exitYes)
	}
	if other == "" {
		e.sayPreview(answer.preview)
	} else {
		e.sayChanges(answer)
	}
	return exitYes
}

// preview reads one policy and asks the store. Without an answer, code or err
// says why.
func (e env) preview(store localStore, a policyArgs, window time.Duration) (answer *previewAnswer, code int, err error) {
	p, code := e.readPolicy(a)
	if p == nil {
		return nil, code, nil
	}
	got, err := evaluate(context.Background(), store, a.file, p, window, time.Now())
	if err != nil {
		return nil, exitError, err
	}
	return &previewAnswer{preview: got}, exitYes, nil
}

// text is a series' numbers in a few words.
func (s previewSeries) text() string {
	if s.Buckets != nil {
		total := 0.0
		parts := make([]string, len(s.Buckets))
		for i, n := range s.Buckets {
			total += n
			parts[i] = decimal(n)
		}
		text := decimal(total) + " observations: " + strings.Join(parts, " ")
		if s.Value != nil {
			text += ", sum " + decimal(*s.Value)
		}
		return text
	}
	if s.Value == nil {
		return "no value"
	}
	return decimal(*s.Value)
}

func (s previewSeries) empty() bool {
	return (s.Value == nil || *s.Value == 0) && !slices.ContainsFunc(s.Buckets, func(n float64) bool { return n != 0 })
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func braces(key string) string {
	if key == "" {
		return "all"
	}
	return key
}

func (e env) sayPreview(p preview) {
	fmt.Fprintf(e.out, "Under %s (%s),\nfrom the last %s of the local store. Of sums and histograms, what they grew by; gauges as of now.\n\n", p.File, p.Digest, p.From)
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SIGNAL\tBY\tVALUE")
	for _, s := range p.Signals {
		if !s.Seen {
			fmt.Fprintf(w, "%s\t(nothing in the local store)\t%s\n", s.Name, unseen(s))
			continue
		}
		zeros := 0
		for _, series := range s.Series {
			if series.empty() && len(s.Series) > 1 {
				zeros++
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", s.Name, braces(series.key), series.text())
		}
		note := func(n int, what string) {
			if n > 0 {
				fmt.Fprintf(w, "%s\t%s\t%d\n", s.Name, what, n)
			}
		}
		note(zeros, "(series at 0 or without a value)")
		note(s.DroppedSeries, "(dropped: outside a domain)")
		note(s.LimitedSeries, "(dropped: beyond max_series)")
	}
	_ = w.Flush()
	if len(p.Signals) == 0 {
		fmt.Fprintln(e.out, "Nothing but each report's number and time.")
	}
}

// unseen says what a report has of a signal without a point: all series of a
// dense one are in every report.
func unseen(s previewSignal) string {
	switch n := len(s.Series); {
	case n == 0:
		return "not in the report"
	case s.Kind == policy.KindGauge.String():
		return strconv.Itoa(n) + " series without a value"
	default:
		return strconv.Itoa(n) + " series at 0"
	}
}

// changes lists what differs, in the order of signals and series.
func changes(before, after preview) []previewChange {
	type line struct{ signal, series string }
	var order []line
	texts := func(p preview) map[line]string {
		m := map[line]string{}
		for _, s := range p.Signals {
			for _, series := range s.Series {
				l := line{s.Name, braces(series.key)}
				m[l] = series.text()
				order = append(order, l)
			}
		}
		return m
	}
	b, a := texts(before), texts(after)
	slices.SortFunc(order, func(x, y line) int {
		return strings.Compare(x.signal+"\x00"+x.series, y.signal+"\x00"+y.series)
	})
	list := []previewChange{}
	for _, l := range slices.Compact(order) {
		old, had := b[l]
		now, has := a[l]
		switch {
		case !had:
			list = append(list, previewChange{l.signal, l.series, "added", "", now})
		case !has:
			list = append(list, previewChange{l.signal, l.series, "removed", old, ""})
		case old != now:
			list = append(list, previewChange{l.signal, l.series, "changed", old, now})
		}
	}
	return list
}

func (e env) sayChanges(a *previewAnswer) {
	fmt.Fprintf(e.out, "From the last %s of the local store:\n\n  - %s (%s)\n  + %s (%s)\n\n", a.From, a.Against.File, a.Against.Digest, a.File, a.Digest)
	if len(a.Changes) == 0 {
		fmt.Fprintln(e.out, "Both would send the same.")
		return
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	for _, c := range a.Changes {
		switch c.What {
		case "added":
			fmt.Fprintf(w, "+\t%s\t%s\t%s\n", c.Signal, c.Series, c.After)
		case "removed":
			fmt.Fprintf(w, "-\t%s\t%s\t%s\n", c.Signal, c.Series, c.Before)
		default:
			fmt.Fprintf(w, "~\t%s\t%s\t%s, was %s\n", c.Signal, c.Series, c.After, c.Before)
		}
	}
	_ = w.Flush()
}
