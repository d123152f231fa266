package policy

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
)

// htmlSource is one document without scripts and without anything from
// outside: it can be mailed, printed and filed.
//
//go:embed explain.html
var htmlSource string

var htmlTemplate = template.Must(template.New("explain").Funcs(template.FuncMap{
	"bits":    count,
	"reports": func(n int) string { return count(float64(n)) },
	"size":    size,
	"words":   func(c Category) string { return categoryWords[c] },
}).Parse(htmlSource))

// categoryWords say each category as the question that it answers.
var categoryWords = map[Category]string{
	CategoryVersion:     "Which versions run",
	CategoryHeartbeat:   "Whether it is alive",
	CategoryErrorRate:   "How often it fails",
	CategoryUtilization: "How busy and how full it is",
	CategoryHealth:      "Whether it is well",
}

// htmlPage is what the template shows.
type htmlPage struct {
	Description
	Groups []htmlGroup
	Notes  []Note
}

type htmlGroup struct {
	Category Category
	Signals  []htmlSignal
}

type htmlSignal struct {
	SignalDescription
	Number int
	Place  string
	Share  string // of the budget, in per cent
}

// ExplainHTML writes the policy as a document for a security review. It says
// what Explain says, and what a reviewer should look at first.
func ExplainHTML(w io.Writer, p *Policy) error {
	page := htmlPage{Description: Describe(p), Notes: Notes(p)}
	for i, g := range groups(page.Description) {
		page.Groups = append(page.Groups, htmlGroup{Category: g[0].Category})
		for _, s := range g {
			page.Groups[i].Signals = append(page.Groups[i].Signals, htmlSignal{
				SignalDescription: s, Number: numberOf(page.Signals, s.Name), Place: s.place(),
				Share: share(s.Budget.BitsPerDay, page.Budget.BitsPerDay),
			})
		}
	}
	if err := htmlTemplate.Execute(w, page); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}

// groups sorts the entries into their categories, in the format's order.
func groups(d Description) [][]SignalDescription {
	var all [][]SignalDescription
	for _, c := range categoryNames {
		var one []SignalDescription
		for _, s := range d.Signals {
			if s.Category == c.value {
				one = append(one, s)
			}
		}
		if len(one) > 0 {
			all = append(all, one)
		}
	}
	return all
}

func numberOf(list []SignalDescription, name string) int {
	for i, s := range list {
		if s.Name == name {
			return i + 1
		}
	}
	return 0
}

func share(part, all float64) string {
	if all <= 0 {
		return "0"
	}
	return strconv.FormatFloat(math.Ceil(part/all*1000)/10, 'f', -1, 64)
}
