package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// head and one signal into which a case writes its keys.
func withSignal(t *testing.T, lines ...string) *Policy {
	t.Helper()
	text := `version: 1
product: shop
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 60s
identity: {weir.install.id: {type: uuid}}
signals:
  - {name: s, why: w, owner: o, category: health, unit: "1", ` + strings.Join(lines, ", ") + "}\n"
	p, err := Parse("case", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

func changes(d Difference) string {
	var list []string
	for _, e := range d.Entries {
		if e.Change != Unchanged {
			list = append(list, string(e.Change))
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

// Each case is one key of a signal before and after, what the change is in
// either direction, and what of it remains in the meet ("gone": no signal).
func TestEachChangeHasItsName(t *testing.T) {
	attribute := func(s string) string {
		return `kind: sum, value: {min: 0, max: 9, step: 1}, max_series: 4, attributes: {k: ` + s + `}`
	}
	enum := func(s string) string {
		return `kind: sum, value: {min: 0, max: 9, step: 1}, attributes: {k: ` + s + `}`
	}
	value := func(s string) string { return "kind: sum, value: " + s }
	for _, c := range []struct{ old, next, change, back, meet string }{
		{enum("{enum: [a, b]}"), enum("{enum: [b, a]}"), "", "", `enum: ["a", "b"], otherwise: drop`},
		{enum("{enum: [a, b]}"), enum("{enum: [a, b, c]}"), "widened", "narrowed", `enum: ["a", "b"], otherwise: drop`},
		{enum("{enum: [a, b]}"), enum("{enum: [b, c]}"), "narrowed widened", "narrowed widened", `enum: ["b"], otherwise: drop`},
		{enum("{enum: [a]}"), enum("{enum: [b]}"), "narrowed widened", "narrowed widened", "gone"},
		{enum("{enum: [a], otherwise: x}"), enum("{enum: [b], otherwise: x}"), "narrowed widened", "narrowed widened", `enum: ["x"], otherwise: "x"`},
		{enum("{enum: [a], otherwise: x}"), enum("{enum: [a, x], otherwise: x}"), "", "", `enum: ["a"], otherwise: "x"`},
		{enum("{enum: [a], otherwise: x}"), enum("{enum: [a], otherwise: drop}"), "narrowed", "widened", `enum: ["a"], otherwise: drop`},
		{enum("{enum: [a], otherwise: x}"), enum("{enum: [a], otherwise: z}"), "widened", "widened", `enum: ["a"], otherwise: drop`},
		// A constant that the enum lists cannot be told from all the rest; under drop it can.
		{enum("{enum: [a, x], otherwise: x}"), enum("{enum: [a, x]}"), "narrowed widened", "narrowed widened", `enum: ["a"], otherwise: drop`},
		{enum("{enum: [x], otherwise: x}"), enum("{enum: [x]}"), "narrowed widened", "narrowed widened", "gone"},
		{attribute("{type: semver}"), enum("{enum: [1.2.3]}"), "narrowed", "widened", `enum: ["1.2.3"], otherwise: drop`},
		{attribute("{type: semver}"), enum("{enum: [1.2.3, a]}"), "narrowed widened", "widened", `enum: ["1.2.3"], otherwise: drop`},
		{attribute("{type: semver}"), enum("{enum: [1.0.0, 2.0.0, 3.0.0, 4.0.0, 5.0.0]}"), "narrowed widened", "widened", "gone"}, // five series, four allowed
		{attribute("{type: semver, otherwise: 0.0.0}"), attribute("{type: semver}"), "narrowed widened", "narrowed widened", "gone"},
		{attribute("{type: semver, otherwise: none}"), attribute("{type: semver}"), "narrowed", "widened", "type: semver, otherwise: drop"},
		{attribute("{type: hmac}"), enum("{enum: [00112233445566aa]}"), "narrowed widened", "widened", "gone"},
		{attribute("{type: uuid}"), attribute("{type: semver}"), "widened", "widened", "gone"},
		{attribute("{type: hmac}"), strings.Replace(attribute("{type: hmac}"), "4", "5", 1), "widened", "narrowed", "max_series: 4"},
		{enum("{type: int, min: 1, max: 5}"), enum("{type: int, min: 2, max: 5}"), "narrowed", "widened", "type: int, min: 2, max: 5"},
		{enum("{type: int, min: 1, max: 3}"), enum("{type: int, min: 2, max: 5}"), "widened", "widened", "type: int, min: 2, max: 3"},
		{enum("{type: int, min: 1, max: 3}"), enum("{type: int, min: 4, max: 5}"), "widened", "widened", "gone"},
		{enum("{type: bool}"), enum("{type: int, min: 0, max: 1}"), "widened", "widened", "gone"},
		{enum("{type: bool}"), value("{min: 0, max: 9, step: 1}"), "widened", "widened", "gone"},
		{enum("{type: bool, otherwise: none}"), value("{min: 0, max: 9, step: 1}"), "narrowed", "widened", "kind: sum"},
		{value("{min: 0, max: 9, step: 1}"), value("{min: 0, max: 9, step: 3}"), "narrowed", "widened", "step: 3"},
		{value("{min: 0, max: 9, step: 1}"), value("{min: 0, max: 10, step: 2}"), "widened", "widened", "max: 8, step: 2"},
		{value("{min: 0, max: 9, step: 1}"), value("{min: 0, max: 9, step: 0.9}"), "widened", "widened", "gone"},
		{value("{min: 0, max: 9, step: 1}"), value("{min: 0, max: 9, step: 1}, monotonic: false"), "widened", "widened", "gone"},
		{value("{min: 0, max: 9, step: 1}"), value("{min: 0, max: 9, step: 1}, expires: 2030-01-01"), "narrowed", "widened", "expires: 2030-01-01"},
		{value("{min: 0, max: 9, step: 1}"), "kind: gauge, merge: last, value: {min: 0, max: 9, step: 1}", "widened", "widened", "gone"},
		{"kind: gauge, merge: max, value: {min: 0, max: 9, step: 1}", "kind: gauge, merge: last, value: {min: 0, max: 9, step: 1}", "widened", "widened", "gone"},
		{"kind: histogram, bounds: [1, 2, 3]", "kind: histogram, bounds: [1, 3]", "narrowed", "widened", "bounds: [1, 3]"},
		{"kind: histogram, bounds: [1, 2]", "kind: histogram, bounds: [2, 3]", "widened", "widened", "bounds: [2]"},
		{"kind: histogram, bounds: [1]", "kind: histogram, bounds: [2]", "widened", "widened", "gone"},
		{"kind: histogram, bounds: [1]", "kind: histogram, bounds: [1], value: {min: 0, max: 9, step: 1}", "widened", "narrowed", "bounds: [1]"},
	} {
		t.Run(fmt.Sprintf("%s to %s", c.old, c.next), func(t *testing.T) {
			old, next := withSignal(t, c.old), withSignal(t, c.next)
			if got := changes(Diff(old, next)); got != c.change {
				t.Errorf("it is %q, want %q: %+v", got, c.change, Diff(old, next).Entries)
			}
			if got := changes(Diff(next, old)); got != c.back {
				t.Errorf("the other way it is %q, want %q: %+v", got, c.back, Diff(next, old).Entries)
			}
			m, err := Meet(old, next)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case c.meet == "gone" && len(m.Signals) > 0, c.meet != "gone" && !strings.Contains(string(m.Source), c.meet):
				t.Errorf("the meet is\n%s\nwant %s", m.Source, c.meet)
			}
			for _, p := range []*Policy{old, next} {
				if d := Diff(p, m); d.Has(Widened) {
					t.Errorf("the meet widens: %+v", d.Entries)
				}
			}
		})
	}
}

func TestWhatIsAboutTheWholePolicy(t *testing.T) {
	base := string(design(t))
	old, err := Parse("old", design(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, part, change string }{
		{"revision: 7", "revision: 8", "revision", "neutral"},
		{"interval: 60s", "interval: 30s", "interval", "widened"},
		{"interval: 60s", "interval: 120s", "interval", "narrowed"},
		{"interval: 60s", "interval: 90s", "interval", "widened"},
		{"interval: 60s", "interval: 60s\nexpires: 2030-01-01", "expires", "narrowed"},
		{"vendor: acme", "vendor: ajax", "product", "widened"},
		{"acme.example", "acme.example/v2", "destination", "widened"},
		{"  service.version:", "  site: {enum: [shop]}\n  service.version:", "identity.site", "widened"},
		{"  service.version:  {type: semver}\n", "", "identity.service.version", "narrowed"},
		{"version: 1", "# a remark\nversion: 1", "", ""},
	} {
		next, err := Parse("next", []byte(strings.Replace(base, c.from, c.to, 1)))
		if err != nil {
			t.Fatalf("%s: %v", c.to, err)
		}
		d := Diff(old, next)
		if got := changes(d); got != c.change || c.part != "" && d.Entries[0].Part != c.part {
			t.Errorf("%s to %s: %q, %+v", c.from, c.to, got, d.Entries)
		}
	}
}
