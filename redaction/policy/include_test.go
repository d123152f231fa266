package policy

import (
	"bytes"
	"strings"
	"testing"
)

// A digest that has been accepted covers the name and version of a set. So the
// text behind it never changes: a new text is a new version, and a new line here.
var setDigests = map[string]string{
	"collector@1":        "1ca1d0160e168dffb59ce679a3d8edbbb20bdce70fde8424e0335051c89248cd",
	"configuration@1":    "f09ac045f9dfb00bd18134fe727baaeb4d28e996f1c1d7e40f39ae477e006a8b",
	"environment@1":      "2f978d6a607ab86d107733639befc2112516c7eaec9e7a155815f1e582788824",
	"host-utilization@1": "a99c7371f3219fc46cf563fab975f2362c9f7829611a2a395bdcd314116c5e64",
	"vitals@1":           "039eefc77caace9d786d131ba269aa5e5c79384ed5465316125087defba0db81",
	"vitals@2":           "4e55acc498bef43945972f24d02aa858e8886d7b3cb20d7114632d10d22ef640",
}

func TestWhatASetVersionMeansNeverChanges(t *testing.T) {
	sets, err := Sets()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, s := range sets {
		found[s.Name] = true
		if want := setDigests[s.Name]; s.Digest.String() != want {
			t.Errorf("set %s has the digest %s, not %q: leave it as it is, and write the change as a new version", s.Name, s.Digest, want)
		}
	}
	for name := range setDigests {
		if !found[name] {
			t.Errorf("set %s is gone; policies that include it have been accepted", name)
		}
	}
}

const including = `version: 1
product: shop
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 60s
identity: {weir.install.id: {type: uuid}}
include: [SET]
signals: []
`

// A set's entries are those that its text would give in the file's own list.
func TestIncludingIsWritingOut(t *testing.T) {
	sets, err := Sets()
	if err != nil || len(sets) == 0 {
		t.Fatalf("%d sets, %v", len(sets), err)
	}
	for _, set := range sets {
		included, err := Parse("p", []byte(strings.Replace(including, "SET", set.Name, 1)))
		if err != nil {
			t.Fatal(err)
		}
		_, entries, _ := bytes.Cut(set.Source, []byte("\nsignals:\n"))
		source := strings.Replace(including, "include: [SET]\nsignals: []\n", "signals:\n"+string(entries), 1)
		written, err := Parse("p", []byte(source))
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Signals) == 0 || len(included.Signals) != len(set.Signals) || len(written.Signals) != len(set.Signals) {
			t.Fatalf("%s: %d entries, %d included, %d written out", set.Name, len(set.Signals), len(included.Signals), len(written.Signals))
		}
		for i := range included.Signals {
			a, b := included.Signals[i], written.Signals[i]
			if a.Set != set.Name || b.Set != "" || a.Line != 8 {
				t.Errorf("%s: %s is of set %q on line %d", set.Name, a.Name, a.Set, a.Line)
			}
			if a.what() != b.what() || a.example() != b.example() || a.bits() != b.bits() || a.Why != b.Why || a.MaxSeries != b.MaxSeries || a.Unit != b.Unit {
				t.Errorf("%s: %s differs", set.Name, a.Name)
			}
		}
	}
}

func TestASetThatIsNotNamedAsItsFileIsRefused(t *testing.T) {
	if _, err := parseSet("sets/vitals@1.yaml", []byte("set: vitals@2\nabout: x\nsignals: []\n")); err == nil || !strings.Contains(err.Error(), "write set: vitals@1") {
		t.Errorf("got %v", err)
	}
	if _, err := parseSet("sets/vitals@1.yaml", []byte("set: vitals@1\nabout: x\nsignals: []\n")); err != nil {
		t.Error(err)
	}
}
