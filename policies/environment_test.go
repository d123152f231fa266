package policies

import (
	"slices"
	"testing"

	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/vitals/environment"
)

// The set is written by hand and the facts are code: the set has a word for each
// of theirs, and no other.
func TestTheEnvironmentSetHasTheWordsOfTheFacts(t *testing.T) {
	sets, err := policy.Sets()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(sets, func(s *policy.Set) bool { return s.Name == "environment@1" })
	if i < 0 {
		t.Fatal("no set environment@1")
	}
	if got := len(sets[i].Signals); got != len(environment.Facts) {
		t.Errorf("%d entries for %d facts", got, len(environment.Facts))
	}
	for _, f := range environment.Facts {
		at := slices.IndexFunc(sets[i].Signals, func(s policy.Signal) bool { return s.Name == f.Metric })
		if at < 0 {
			t.Errorf("no entry takes %s", f.Metric)
			continue
		}
		a := sets[i].Signals[at].Attributes
		if len(a) != 1 || a[0].Key != f.Attribute {
			t.Errorf("%s has the attributes %v, not %s alone", f.Metric, a, f.Attribute)
			continue
		}
		if f.Bool() != (a[0].Domain.Kind == policy.DomainBool) || !f.Bool() && !slices.Equal(a[0].Domain.Values, f.Values) {
			t.Errorf("%s is one of %q, its entry's are %q", f.Metric, f.Values, a[0].Domain.Values)
		}
	}
}
