package rollout

import (
	"math"
	"strings"
	"testing"
)

func fleet(with, without []Observation) []Observation {
	for i := range with {
		with[i].Candidate = true
	}
	return append(with, without...)
}

// The same fleet as in dashboards/rules/tests/fleet_test.yaml, so the same z.
func TestAReleaseThatFailsMorePauses(t *testing.T) {
	v := Judge(fleet([]Observation{{"a", "api", 900, 45, true}, {"b", "api", 900, 45, true}},
		[]Observation{{"c", "api", 9000, 90, false}, {"d", "api", 9000, 90, false}}), Silence{Candidates: 2, Others: 2})
	if v.Decision != Pause || len(v.Services) != 1 || math.Abs(v.Services[0].Z-13.952) > 0.001 {
		t.Errorf("%+v", v)
	}
	want := "api: 5.00 % of 1800 requests fail in 2 installs with the release, 1.00 % of 18000 in 2 without; beyond chance (z = 14.0), and 100 % of the installs with it are worse than those without"
	if len(v.Why) != 1 || v.Why[0] != want {
		t.Errorf("says %q", v.Why)
	}
}

func TestWhatDoesNotPause(t *testing.T) {
	rest := Observation{"r", "api", 9000, 90, false}
	for name, c := range map[string]struct {
		with []Observation
		want Decision
	}{
		"chance":              {[]Observation{{"a", "api", 1500, 18, true}}, Go},
		"fewer errors":        {[]Observation{{"a", "api", 1500, 0, true}}, Go},
		"little traffic":      {[]Observation{{"a", "api", 30, 15, true}}, Unknown},
		"one of three":        {[]Observation{{"a", "api", 1500, 1350, true}, {"b", "api", 1500, 0, true}, {"c", "api", 1500, 0, true}}, Go},
		"nobody runs it":      {nil, Unknown},
		"no requests":         {[]Observation{{"a", "api", 0, 0, true}}, Unknown},
		"another service":     {[]Observation{{"a", "web", 1500, 700, true}}, Unknown},
		"a huge fleet's hair": {[]Observation{{"a", "api", 1e9, 1e9 * 0.0101, true}}, Go},
	} {
		if v := Judge(fleet(c.with, []Observation{rest}), Silence{}); v.Decision != c.want || len(v.Why) == 0 {
			t.Errorf("%s: %+v, want %s", name, v, c.want)
		}
	}
}

func TestSilencePauses(t *testing.T) {
	seen := fleet([]Observation{{"a", "api", 1500, 15, true}}, []Observation{{"r", "api", 9000, 90, false}})
	v := Judge(seen, Silence{Candidates: 4, SilentCandidates: 1, Others: 100, SilentOthers: 2})
	if v.Decision != Pause || !strings.Contains(v.Why[1], "1 of 4 installs with the release are silent, 2 of 100 without") {
		t.Errorf("%+v", v)
	}
	if v = Judge(seen, Silence{Candidates: 10, SilentCandidates: 1, Others: 100, SilentOthers: 2}); v.Decision != Go {
		t.Errorf("%+v", v)
	}
}
