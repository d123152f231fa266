package responsibilities

import (
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/weir-telemetry/weir/internal/yamlfile"
)

const maxText = 200

// fields of a contact, each with an example.
var fields = []struct{ key, about, example string }{
	{"who", "a team or a role that outlasts a person, or a person", "Platform team"},
	{"reach", "a number, an address or a channel that is read", "+49 30 5550199, platform@example.com"},
	{"hours", "when they answer", "Mon-Fri 8-18 CET"},
}

func keys() []string {
	var all []string
	for _, f := range fields {
		all = append(all, f.key)
	}
	return all
}

// Parse reads a file. The error is a *[yamlfile.Faults]; file is only used
// there.
func Parse(file string, data []byte) (Contacts, error) {
	r := &reader{}
	c := Contacts{}
	if root := r.Root(data, "file of responsibilities"); root != nil {
		r.areas(root, c)
	}
	if err := r.Err(file); err != nil {
		return nil, err
	}
	return c, nil
}

type reader struct{ yamlfile.Reader }

func (r *reader) areas(root *yaml.Node, c Contacts) {
	known := []string{"version"}
	for _, a := range Areas {
		known = append(known, string(a))
	}
	f := r.Fields(root, "the file", known...)
	if n := r.Need(f, root, "the file", "version"); n != nil && n.Value != "1" {
		r.Fault(n, "this Weir reads version: 1", "this version of the format is not known")
		return
	}
	for _, a := range Areas {
		n, ok := f[string(a)]
		switch {
		case root.Kind != yaml.MappingNode:
		case !ok:
			r.Fault(root, "add "+string(a)+": "+flow(), "nobody is named for %s (%s)", a, a.About())
		default:
			c[a] = r.contact(n, a)
		}
	}
}

// flow is a contact in one line, for hints.
func flow() string {
	var all []string
	for _, f := range fields {
		all = append(all, f.key+`: "`+f.example+`"`)
	}
	return "{" + strings.Join(all, ", ") + "}"
}

func (r *reader) contact(n *yaml.Node, a Area) Contact {
	if n.Kind != yaml.MappingNode {
		r.Fault(n, "write "+flow(), "%s is blank or no mapping", a)
		return Contact{}
	}
	f := r.Fields(n, string(a), keys()...)
	text := map[string]string{}
	for _, one := range fields {
		v, ok := f[one.key]
		if !ok {
			r.Fault(n, one.about+`, such as "`+one.example+`"`, "%s has no %s", a, one.key)
			continue
		}
		text[one.key] = r.said(v, string(a)+"."+one.key, one.about+`, such as "`+one.example+`"`)
	}
	return Contact{Who: text["who"], Reach: text["reach"], Hours: text["hours"]}
}

// said reads a text that says something.
func (r *reader) said(n *yaml.Node, what, hint string) string {
	s := strings.TrimSpace(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode:
		r.Fault(n, hint, "%s is not one text", what)
	case blank(s) || n.ShortTag() == "!!null":
		r.Fault(n, hint, "%s is blank", what)
	case len([]rune(s)) > maxText:
		r.Fault(n, "say it shorter, or name a page that says it", "%s has more than %d characters", what, maxText)
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		r.Fault(n, "write it in one line of plain text", "%s holds a line break or a character that does not show", what)
	default:
		return s
	}
	return ""
}

// blanks are words by which people put a thing off.
var blanks = []string{"tbd", "tba", "todo", "fixme", "xxx", "n/a", "na", "none", "nobody", "unknown", "later", "null", "changeme"}

// blank says that a text names nothing: no letter and no digit, or a word for
// that.
func blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) ||
		slices.Contains(blanks, strings.ToLower(strings.Trim(s, " .!?-_<>[]()")))
}
