package table

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// An attribute as OTLP's JSON has it: the one form in which a test can say a
// key twice.
type wireAttribute struct {
	Key   string         `json:"key"`
	Value map[string]any `json:"value"`
}

func str(key, value string) wireAttribute {
	return wireAttribute{key, map[string]any{"stringValue": value}}
}

func integer(key string, value int) wireAttribute {
	return wireAttribute{key, map[string]any{"intValue": fmt.Sprint(value)}}
}

// withAttributes is a batch of points of one time, value 1, each with a list of
// attributes.
func withAttributes(t *testing.T, name string, points ...[]wireAttribute) pmetric.Metrics {
	t.Helper()
	var dps []map[string]any
	for _, attrs := range points {
		dps = append(dps, map[string]any{"timeUnixNano": fmt.Sprint(after(1).UnixNano()), "asInt": "1", "attributes": attrs})
	}
	raw, err := json.Marshal(map[string]any{"resourceMetrics": []any{map[string]any{"scopeMetrics": []any{map[string]any{"metrics": []any{
		map[string]any{"name": name, "unit": "1", "sum": map[string]any{"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": dps}},
	}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	md, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(raw)
	if err != nil {
		t.Fatal(err)
	}
	return md
}

// strangers are attributes of every sort that the hash treats differently.
func strangers(n int) []wireAttribute {
	long := strings.Repeat("l", longestShort+1)
	all := []wireAttribute{
		str("short", "s"), integer("int", 1), str(long, "s"), str("long", long), str("full", long[1:]), str(long[1:], "full"),
		str("empty", ""), str("", "no key"), {"bool", map[string]any{"boolValue": true}}, {"none", nil}, str(placeholder, placeholder),
		integer(long, 1), integer("", 1), {"double", map[string]any{"doubleValue": 1.5}}, str("12345678", "87654321"),
	}
	for len(all) < n {
		all = append(all, str(fmt.Sprintf("stranger-%d", len(all)), "v"))
	}
	return all[:n]
}

func TestAKeyIsFoundWhereverItStands(t *testing.T) {
	eachHash(t, func(t *testing.T) {
		for n := range row + 3 {
			for at := range n + 1 {
				tab := lay(t, parse(t, everything))
				tab.Observe(withAttributes(t, "sum.attributes", slices.Insert(strangers(n), at, str("k", "x"))))
				if got := only(report(t, tab, after(61)), "sum.attributes"); !strings.Contains(strings.Join(got, "\n"), "b=other(Str),k=x(Str)} 0s..1m0s 1 ") {
					t.Fatalf("k at %d of %d attributes: %s", at, n+1, strings.Join(got, "\n"))
				}
			}
		}
	})
}

func TestOfCopiesOfManyTypesTheFirstCounts(t *testing.T) {
	long := strings.Repeat("x", longestShort+1)
	eachHash(t, func(t *testing.T) {
		for _, c := range []struct {
			what  string
			attrs []wireAttribute
			kept  uint64
		}{
			{"x before an int", []wireAttribute{str("k", "x"), integer("k", 1)}, 1},
			{"an int before x", []wireAttribute{integer("k", 1), str("k", "x")}, 0},
			{"a long text before x", []wireAttribute{str("k", long), str("k", "x")}, 0},
			{"an empty text before x", []wireAttribute{str("k", ""), str("k", "x")}, 0},
			{"another value before x", []wireAttribute{str("k", "z"), str("k", "x")}, 0},
			{"x, and a placeholder's key", []wireAttribute{str(placeholder, "z"), str("k", "x")}, 1},
		} {
			tab := lay(t, parse(t, everything))
			tab.Observe(withAttributes(t, "sum.attributes", c.attrs))
			if got := tab.Counters(); got.Kept != c.kept || got.Dropped[Attribute] != 1-c.kept {
				t.Errorf("%s: %+v", c.what, got)
			}
		}
	})
}

// Two points of one time are one source said twice if all their attributes are
// the same, in any order, and two sources if anything differs.
func TestEveryAttributeTellsSourcesApart(t *testing.T) {
	long := strings.Repeat("l", longestShort+1)
	eachHash(t, func(t *testing.T) {
		for _, n := range []int{1, 2, 15, row, row + 1} {
			one := strangers(n)
			same := slices.Clone(one)
			slices.Reverse(same)
			tab := lay(t, parse(t, everything))
			tab.Observe(withAttributes(t, "sum.plain", one, same))
			wantCounters(t, tab, 1, map[Reason]uint64{Duplicate: 1})
			for i := range n {
				for _, other := range []wireAttribute{
					str(one[i].Key, "other"), integer(one[i].Key, 2), str(one[i].Key, ""), str(one[i].Key, long+"l"),
					{one[i].Key + "2", one[i].Value}, {long + one[i].Key + "2", one[i].Value},
				} {
					if fmt.Sprint(other) == fmt.Sprint(one[i]) {
						continue
					}
					changed := slices.Clone(one)
					changed[i] = other
					for what, points := range map[string][][]wireAttribute{"changed": {one, changed}, "more": {one, append(slices.Clone(one), other)}} {
						tab := lay(t, parse(t, everything))
						tab.Observe(withAttributes(t, "sum.plain", points...))
						if got := tab.Counters(); got.Kept != 2 {
							t.Errorf("attribute %d of %d, %v, %s to %v: %+v", i, n, one[i], what, other, got)
						}
					}
				}
			}
		}
	})
}

// Names of every length are found, and those next to them are not.
func TestNamesOfAnyLengthAreFound(t *testing.T) {
	eachHash(t, func(t *testing.T) {
		p := *parse(t, everything)
		model := p.Signals[slices.IndexFunc(p.Signals, func(s policy.Signal) bool { return s.Name == "sum.plain" })]
		p.Signals = nil
		for n := 1; n < 80; n++ {
			s := model
			s.Name = strings.Repeat("n", n)
			p.Signals = append(p.Signals, s)
		}
		tab := lay(t, &p)
		md := pmetric.NewMetrics()
		ms := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
		for n := range 80 {
			for _, name := range []string{strings.Repeat("n", n), strings.Repeat("n", max(n-1, 0)) + "m"} {
				from := withAttributes(t, name, nil)
				from.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).CopyTo(ms.AppendEmpty())
			}
		}
		tab.Observe(md)
		wantCounters(t, tab, 79, map[Reason]uint64{NotAllowed: 81})
	})
}
