package fault

import (
	"slices"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// Every set of signs, in every order, and what the table in the document says.
func TestTheDecisionOverEverySetOfSigns(t *testing.T) {
	five := []Domain{Host, Network, Dependency, Product, Collector}
	for set := range 1 << len(five) {
		want := None
		var signs []Sign
		for i, d := range five {
			if set&(1<<i) != 0 {
				signs = append(signs, Sign{Domain: d, Owner: d.Owner()})
				if want == None {
					want = d // the first column that says yes
				}
			}
		}
		for range max(1, len(signs)) {
			domain, owner := Decide(signs)
			if domain != want || owner != want.Owner() {
				t.Errorf("%v: %s, %s; want %s, %s", signs, domain, owner, want, want.Owner())
			}
			if len(signs) > 0 {
				signs = append(signs[1:], signs[0])
			}
		}
	}
}

func TestTheFirstSignOfTheDomainNamesTheOwner(t *testing.T) {
	_, owner := Decide([]Sign{
		{Domain: Product, Owner: responsibilities.Application},
		{Domain: Dependency, Owner: responsibilities.Certificates},
		{Domain: Dependency, Owner: responsibilities.Backups},
	})
	if owner != responsibilities.Certificates {
		t.Errorf("owner %s", owner)
	}
}

var (
	anyDomain = []Domain{"", Product, Dependency, Network, Host, Collector}
	anyOwner  = append([]responsibilities.Area{""}, responsibilities.Areas...)
)

// What every sign has in common, over all that a finding can be.
func TestSignsOverEveryFinding(t *testing.T) {
	for _, k := range probe.Kinds {
		for _, r := range probe.Reasons() {
			for _, declared := range anyDomain {
				for _, named := range anyOwner {
					for _, cut := range []bool{false, true} {
						f := Finding{Finding: probe.Finding{Name: "it", Kind: k, Reason: r}, Domain: declared, Owner: named}
						s, ok := SignOf(f, cut)
						if ok != (r.Outcome() == probe.Failed) {
							t.Fatalf("%+v: a sign: %v", f, ok)
						}
						if !ok {
							continue
						}
						if !slices.Contains(Domains[1:], s.Domain) || !slices.Contains(responsibilities.Areas, s.Owner) || s.Name != "it" || s.Words == "" {
							t.Errorf("%+v: %+v", f, s)
						}
						if named != "" && s.Owner != named {
							t.Errorf("%+v: owner %s", f, s.Owner)
						}
						if declared != "" && s.Domain != declared && s.Domain != Network {
							t.Errorf("%+v: domain %s", f, s.Domain)
						}
					}
				}
			}
		}
	}
}

func finding(name string, k probe.Kind, r probe.Reason, hosts ...string) Finding {
	return Finding{Finding: probe.Finding{Name: name, Kind: k, Reason: r}, Hosts: hosts}
}

// Over every combination of what two remote probes, a local one and the rest can
// say: setting one of them right never makes the verdict worse.
func TestSettingRightNeverMakesTheVerdictWorse(t *testing.T) {
	domainOf := func(r Round) Domain { d, _ := Decide(Signs(r)); return d }
	n := 0
	for _, a := range probe.Reasons() {
		for _, b := range probe.Reasons() {
			for _, c := range probe.Reasons() {
				for rest := range 4 {
					r := Round{Findings: []Finding{
						finding("a", probe.TCP, a, "a.internal"), finding("b", probe.HTTP, b, "b.internal"), finding("c", probe.Disk, c),
					}}
					if rest&1 != 0 {
						r.Failing = []Service{{Name: "cart"}}
					}
					if rest&2 != 0 {
						r.Troubles = []Trouble{UpstreamName, DataRefused}
					}
					before := domainOf(r)
					for i := range r.Findings {
						was := r.Findings[i].Reason
						r.Findings[i].Reason = probe.OK
						if after := domainOf(r); after.Worse(before) {
							t.Fatalf("with %v right, %s became %s", r.Findings, before, after)
						}
						r.Findings[i].Reason = was
					}
					for i := range r.Findings { // the same, of probes that stand for the host
						r.Findings[i].Domain = Host
						before := domainOf(r)
						r.Findings[0].Reason = probe.OK
						if after := domainOf(r); after.Worse(before) {
							t.Fatalf("with %v, %s became %s", r.Findings, before, after)
						}
						r.Findings[0].Reason, r.Findings[i].Domain = a, ""
					}
					better := r
					better.Failing = nil
					if after := domainOf(better); after.Worse(before) {
						t.Fatalf("without failing requests, %s became %s", before, after)
					}
					better = r
					better.Troubles = nil
					if after := domainOf(better); after.Worse(before) {
						t.Fatalf("without troubles, %s became %s", before, after)
					}
					n++
				}
			}
		}
	}
	if n < 50_000 {
		t.Errorf("only %d combinations", n)
	}
}

func TestSilenceOfEveryHostIsTheNetworks(t *testing.T) {
	for _, c := range []struct {
		what     string
		findings []Finding
		want     Domain
	}{
		{"one host is silent, and no other was tried", []Finding{finding("a", probe.TCP, probe.Timeout, "a")}, Dependency},
		{"one host is silent, by two probes", []Finding{finding("a", probe.TCP, probe.Timeout, "a"), finding("b", probe.HTTP, probe.Timeout, "a")}, Dependency},
		{"two hosts are silent", []Finding{finding("a", probe.TCP, probe.Timeout, "a"), finding("b", probe.TCP, probe.Timeout, "b")}, Network},
		{"two hosts are silent, one answers", []Finding{finding("a", probe.TCP, probe.Timeout, "a"), finding("b", probe.TCP, probe.Timeout, "b"), finding("c", probe.TCP, probe.OK, "c")}, Dependency},
		{"two hosts are silent, one refuses", []Finding{finding("a", probe.TCP, probe.Timeout, "a"), finding("b", probe.TCP, probe.Timeout, "b"), finding("c", probe.TCP, probe.Refused, "c")}, Dependency},
		{"two hosts are silent, this one answers", []Finding{finding("a", probe.TCP, probe.Timeout, "a"), finding("b", probe.TCP, probe.Timeout, "b"), finding("c", probe.TCP, probe.OK, "127.0.0.1")}, Network},
		{"two hosts are silent, the disk is well", []Finding{finding("a", probe.TCP, probe.Timeout, "a"), finding("b", probe.TCP, probe.Timeout, "b"), finding("c", probe.Disk, probe.OK)}, Network},
		{"this one is silent, by two names", []Finding{finding("a", probe.TCP, probe.Timeout, "localhost"), finding("b", probe.TCP, probe.Timeout, "127.0.0.2")}, Dependency},
		{"there is no way", []Finding{finding("a", probe.TCP, probe.Unreachable, "a"), finding("c", probe.TCP, probe.OK, "c")}, Network},
	} {
		if got, _ := Decide(Signs(Round{Findings: c.findings})); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

func TestAVerdictHoldsUntilRoundsInARowDisagree(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	sign := func(d Domain) []Sign {
		if d == None {
			return nil
		}
		return []Sign{{Domain: d, Owner: d.Owner()}}
	}
	for _, c := range []struct{ what, rounds, inForce string }{
		{"a fault is in force with its second round", "nhh", "nnh"},
		{"at the start, too", "hh", "nh"},
		{"one round is none", "nhnhn", "nnnnn"},
		{"it ends with the second round without", "hhnn", "nhhn"},
		{"one round without is no end", "hhnhnh", "nhhhhh"},
		{"two faults in turn are a fault", "hwhw", "nwww"},
		{"another fault takes over", "hhww", "nhhw"},
	} {
		letters := map[rune]Domain{'n': None, 'h': Host, 'w': Network}
		j, got, changes, last := &Judge{}, "", 0, Verdict{}
		for i, l := range c.rounds {
			v, changed := j.Hear(sign(letters[l]), at.Add(time.Duration(i)*time.Second))
			if changed {
				changes++
				if !v.Since.Equal(at.Add(time.Duration(i) * time.Second)) {
					t.Errorf("%s: since %s", c.what, v.Since)
				}
			}
			if changed != (i > 0 && !v.same(last)) {
				t.Errorf("%s, round %d: a change: %v", c.what, i, changed)
			}
			last = v
			for letter, d := range letters {
				if d == v.Domain {
					got += string(letter)
				}
			}
		}
		if got != c.inForce {
			t.Errorf("%s: rounds %s gave %s, want %s", c.what, c.rounds, got, c.inForce)
		}
	}
	// The owner is part of it.
	j := &Judge{}
	for range 2 {
		j.Hear([]Sign{{Domain: Dependency, Owner: responsibilities.Infrastructure}}, at)
	}
	j.Hear([]Sign{{Domain: Dependency, Owner: responsibilities.Certificates}}, at)
	if v, changed := j.Hear([]Sign{{Domain: Dependency, Owner: responsibilities.Certificates}}, at); !changed || v.Owner != responsibilities.Certificates {
		t.Errorf("another owner: %+v", v)
	}
}
