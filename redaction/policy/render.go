package policy

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Render writes p as a policy file, in one way only: the same policy gives the
// same bytes on every machine, and [Parse] reads them back to a policy that
// says the same. Comments, the order of entries and what was included from
// elsewhere are not in a Policy, and so not in the file.
//
// Rules for change: the digest of a meet is that of these bytes, and edges and
// fleets of different versions must agree on it. A key that is new to the
// format is written only where it is used; nothing else ever changes here.
func Render(p *Policy) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "version: %d\nproduct: %s\nvendor: %s\nrevision: %d\n",
		p.Version, renderText(p.Product), renderText(p.Vendor), p.Revision)
	fmt.Fprintf(&b, "destination: %s\ninterval: %s\n", renderText(p.Destination), shortDuration(p.Interval.String()))
	renderDay(&b, "", p.Expires)
	b.WriteString("identity:\n")
	for _, a := range p.Identity {
		fmt.Fprintf(&b, "  %s: {%s}\n", a.Key, renderDomain(a.Domain))
	}
	if len(p.Signals) == 0 {
		b.WriteString("signals: []\n")
		return b.Bytes()
	}
	b.WriteString("signals:\n")
	for i := range p.Signals {
		renderSignal(&b, &p.Signals[i])
	}
	return b.Bytes()
}

func renderSignal(b *bytes.Buffer, s *Signal) {
	fmt.Fprintf(b, "  - name: %s\n    why: %s\n    owner: %s\n    category: %s\n",
		renderText(s.Name), renderText(s.Why), renderText(s.Owner), s.Category)
	renderDay(b, "    ", s.Expires)
	fmt.Fprintf(b, "    kind: %s\n", s.Kind)
	if s.UpDown {
		b.WriteString("    monotonic: false\n")
	}
	fmt.Fprintf(b, "    unit: %s\n", renderText(s.Unit))
	if s.Merge != MergeNone {
		fmt.Fprintf(b, "    merge: %s\n", s.Merge)
	}
	if s.HasValue {
		fmt.Fprintf(b, "    value: {min: %s, max: %s, step: %s}\n", renderNumber(s.Value.Min), renderNumber(s.Value.Max), renderNumber(s.Value.Step))
	}
	if len(s.Bounds) > 0 {
		fmt.Fprintf(b, "    bounds: %s\n", sayBounds(s.Bounds))
	}
	if s.DenseSize() < 0 {
		fmt.Fprintf(b, "    max_series: %d\n", s.MaxSeries)
	}
	if len(s.Attributes) == 0 {
		return
	}
	b.WriteString("    attributes:\n")
	for _, a := range s.Attributes {
		otherwise := "drop"
		if !a.Otherwise.Drop {
			otherwise = renderText(a.Otherwise.Constant)
		}
		fmt.Fprintf(b, "      %s: {%s, otherwise: %s}\n", a.Key, renderDomain(a.Domain), otherwise)
	}
}

func renderDomain(d Domain) string {
	switch d.Kind {
	case DomainEnum:
		words := make([]string, len(d.Values))
		for i, v := range d.Values {
			words[i] = renderText(v)
		}
		return "enum: [" + strings.Join(words, ", ") + "]"
	case DomainInt:
		return fmt.Sprintf("type: int, min: %d, max: %d", d.Min, d.Max)
	default:
		return "type: " + d.Kind.String()
	}
}

// renderText quotes always: no word then looks like a number, a bool or a date.
// What a policy holds is printable, so only two characters need an escape.
func renderText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// renderNumber is the shortest decimal that reads back to the same double.
func renderNumber(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func renderDay(b *bytes.Buffer, indent string, t time.Time) {
	if !t.IsZero() {
		fmt.Fprintf(b, "%sexpires: %s\n", indent, t.AddDate(0, 0, -1).UTC().Format(time.DateOnly))
	}
}
