package policy

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"
)

// wantSame fails unless two policies say the same; where they stand in a file
// is no part of that.
func wantSame(t interface{ Fatalf(string, ...any) }, a, b *Policy) {
	x, y := *a, *b
	for _, p := range []*Policy{&x, &y} {
		p.Source, p.Digest = nil, Digest{}
		p.Identity = withoutLines(p.Identity)
		var signals []Signal
		for _, s := range p.Signals {
			s.Line, s.Set = 0, ""
			s.Attributes = withoutLines(s.Attributes)
			signals = append(signals, s)
		}
		p.Signals = signals
	}
	if !reflect.DeepEqual(x, y) {
		t.Fatalf("not the same:\n%+v\n%+v", x, y)
	}
}

func withoutLines(list []Attribute) []Attribute {
	var out []Attribute
	for _, a := range list {
		a.Line = 0
		out = append(out, a)
	}
	return out
}

func wantNothingWidened(t *rapid.T, what string, a, b *Policy) {
	if d := Diff(a, b); d.Has(Widened) {
		t.Fatalf("%s widens: %+v\nfrom\n%s\nto\n%s", what, d.Entries, a.Source, b.Source)
	}
}

func TestRenderIsReadBackAsItWas(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(file, section(txtar.Parse(data), "allowlist.yaml"))
		if err != nil {
			continue
		}
		tried++
		again, err := Parse("rendered", Render(p))
		if err != nil {
			t.Fatalf("%s: %v\n%s", file, err, Render(p))
		}
		wantSame(t, p, again)
		if !bytes.Equal(Render(again), again.Source) {
			t.Errorf("%s: rendered twice, two texts", file)
		}
		if d := Diff(p, again); d.Change != Unchanged {
			t.Errorf("%s: the difference to itself is %+v", file, d.Entries)
		}
	}
	if tried < 7 {
		t.Errorf("only %d policies in testdata are valid", tried)
	}
}

func TestLawsOfMeet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawPolicy(t, nil)
		b := drawPolicy(t, a)
		m, err := Meet(a, b)
		if errors.Is(err, ErrNoIdentity) {
			return
		}
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, a.Source, b.Source)
		}
		wantNothingWidened(t, "the meet against old", a, m)
		wantNothingWidened(t, "the meet against new", b, m)
		again, err := Meet(a, b)
		if err != nil || again.Digest != m.Digest {
			t.Fatalf("computed twice, two digests: %v", err)
		}
		for _, other := range []*Policy{a, b, m} {
			twice, err := Meet(m, other)
			if err != nil || twice.Digest != m.Digest {
				t.Fatalf("the meet with %s is not itself: %v\n%s\n%s", other.Source, err, m.Source, twice.Source)
			}
		}
		back, err := Meet(b, a)
		if err != nil {
			t.Fatal(err)
		}
		wantNothingWidened(t, "the meet the other way round", m, back)
		wantNothingWidened(t, "the meet the other way round", back, m)
		self, err := Meet(a, a)
		if err != nil {
			t.Fatal(err)
		}
		if d := Diff(a, self); d.Has(Widened) || d.Has(Narrowed) {
			t.Fatalf("the meet with itself is not itself: %+v\n%s\n%s", d.Entries, a.Source, self.Source)
		}
		// What only narrows is its own meet: nothing is lost that was allowed.
		if !Diff(a, b).Has(Widened) {
			if d := Diff(b, m); d.Has(Narrowed) {
				t.Fatalf("b only narrows a, and the meet lacks %+v\n%s\n%s", d.Entries, a.Source, b.Source)
			}
		}
	})
}

func TestDiffIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawPolicy(t, nil)
		b := drawPolicy(t, a)
		c := drawPolicy(t, b)
		if d := Diff(a, a); d.Change != Unchanged {
			t.Fatalf("to itself: %+v", d.Entries)
		}
		if !Diff(a, b).Has(Widened) && !Diff(b, c).Has(Widened) {
			wantNothingWidened(t, "two steps that widen nothing", a, c)
		}
		if d, back := Diff(a, b), Diff(b, a); !d.Has(Widened) && d.Has(Narrowed) && !back.Has(Widened) {
			t.Fatalf("narrowed and, the other way round, not widened: %+v", d.Entries)
		}
	})
}

// The grids' arithmetic is held against plain enumeration where that is possible.
func TestAGridIsWithinAnotherIfItsValuesAre(t *testing.T) {
	for _, x := range grids {
		for _, y := range grids {
			if x.Steps() > 1000 {
				continue
			}
			want := true
			for k := range int(x.Steps()) + 1 {
				want = want && y.Holds(x.At(float64(k)))
			}
			if got := gridWithin(x, y); got != want {
				t.Errorf("%v within %v: %v, want %v", x, y, got, want)
			}
			if m, ok := meetGrid(x, y); ok {
				for k := range int(m.Steps()) + 1 {
					if v := m.At(float64(k)); !x.Holds(v) || !y.Holds(v) {
						t.Errorf("%v of the meet %v is not in both of %v and %v", v, m, x, y)
					}
				}
			}
		}
	}
	for _, c := range []struct{ a, b, want Value }{
		{Value{0, 100, 1}, Value{10, 200, 5}, Value{10, 100, 5}},
		{Value{3, 48, 5}, Value{0, 40, 1}, Value{3, 38, 5}},
		{Value{0, 1, 0.25}, Value{0.5, 4, 0.5}, Value{0.5, 1, 0.5}},
		{Value{0, 1, 0.01}, Value{0, 0.5, 0.01}, Value{0, 0.5, 0.01}},
		{Value{0, 1e15, 1}, Value{0, 1e12, 1000}, Value{0, 1e12, 1000}},
	} {
		for range 2 {
			if got, ok := meetGrid(c.a, c.b); !ok || got != c.want {
				t.Errorf("%v and %v meet in %v, %v, want %v", c.a, c.b, got, ok, c.want)
			}
			c.a, c.b = c.b, c.a
		}
	}
	for _, c := range [][2]Value{{{0, 10, 2}, {1, 11, 2}}, {{0, 1, 1}, {2, 3, 1}}, {{0, 1, 0.01}, {0, 1, 0.03125}}} {
		if got, ok := meetGrid(c[0], c[1]); ok {
			t.Errorf("%v and %v meet in %v", c[0], c[1], got)
		}
	}
}

func TestAMeetGoesWhereTheCustomerAgreed(t *testing.T) {
	a, err := Parse("a", design(t))
	if err != nil {
		t.Fatal(err)
	}
	moved, err := Parse("b", bytes.Replace(design(t), []byte("telemetry.acme.example"), []byte("elsewhere.example"), 1))
	if err != nil {
		t.Fatal(err)
	}
	if d := Diff(a, moved); d.Change != Widened || len(d.Entries) == 0 || d.Entries[0].Part != "destination" {
		t.Errorf("a new destination is %+v", d.Entries)
	}
	m, err := Meet(a, moved)
	if err != nil || m.Destination != a.Destination {
		t.Fatalf("the meet goes to %v: %v", m, err)
	}
	wantSame(t, a, m)
	other, err := Parse("b", bytes.Replace(design(t), []byte("product: acme-analytics"), []byte("product: another"), 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Meet(a, other); !errors.Is(err, ErrOtherProduct) {
		t.Errorf("two products meet: %v", err)
	}
	if got := commonInterval(60*time.Second, 90*time.Second); got != 3*time.Minute {
		t.Errorf("60s and 90s meet in %v", got)
	}
}
