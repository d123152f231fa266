package policy

import (
	"math"
	"strings"
	"testing"
)

func TestDomainsHoldTheirValuesAndNoOthers(t *testing.T) {
	long := "1.2.3-" + strings.Repeat("a", 26)
	for _, c := range []struct {
		domain  Domain
		in, out []string
	}{
		{Domain{Kind: DomainEnum, Values: []string{"a", "b"}}, []string{"a", "b"}, []string{"", "A", "ab", "a "}},
		{Domain{Kind: DomainBool}, []string{"true", "false"}, []string{"", "True", "1", "yes"}},
		{Domain{Kind: DomainInt, Min: -2, Max: 10}, []string{"-2", "0", "10"}, []string{"", "-3", "11", "+1", "01", "-0", "1.0", "0x1"}},
		{Domain{Kind: DomainSemver}, []string{"0.0.0", "1.2.3", "10.20.30-rc.1+build.05", "1.0.0--", "1.2.3-0a", long},
			[]string{"", "1", "1.2", "v1.2.3", "01.2.3", "1.2.3.4", "1.2.3-", "1.2.3-01", "1.2.3+", "1.2.3-a..b", "1.2.3 ", "1.2.3-ä", "1.2.3+a+b", long + "a", "1..3", "1.2.x"}},
		{Domain{Kind: DomainUUID}, []string{"0194f3c2-5a31-4d2b-9c1e-1234567890ab"},
			[]string{"", "0194F3C2-5a31-4d2b-9c1e-1234567890ab", "0194f3c25a314d2b9c1e1234567890ab", "{194f3c2-5a31-4d2b-9c1e-1234567890a}", "0194f3c2-5a31-4d2b-9c1e-1234567890abc"}},
		{Domain{Kind: DomainHMAC}, []string{"0123456789abcdef"}, []string{"", "0123456789ABCDEF", "0123456789abcde", "someone@example"}},
		{Domain{}, nil, []string{"", "a"}},
	} {
		for _, v := range c.in {
			if !c.domain.Contains(v) {
				t.Errorf("%v does not hold %q", c.domain.Kind, v)
			}
		}
		for _, v := range c.out {
			if c.domain.Contains(v) {
				t.Errorf("%v holds %q", c.domain.Kind, v)
			}
		}
	}
}

func TestConstantCountsOnceAndOnlyOutsideItsEnum(t *testing.T) {
	enum := Domain{Kind: DomainEnum, Values: []string{"a", "b"}}
	for _, c := range []struct {
		otherwise Otherwise
		want      int
	}{
		{Otherwise{Drop: true}, 2}, {Otherwise{Constant: "other"}, 3}, {Otherwise{Constant: "a"}, 2},
	} {
		s := Signal{Attributes: []Attribute{{Key: "k", Domain: enum, Otherwise: c.otherwise}, {Key: "l", Domain: Domain{Kind: DomainBool}, Otherwise: Otherwise{Drop: true}}}}
		if got := s.DenseSize(); got != 2*c.want {
			t.Errorf("%+v: %d series, want %d", c.otherwise, got, 2*c.want)
		}
	}
	s := Signal{Attributes: []Attribute{{Domain: enum}, {Domain: Domain{Kind: DomainSemver}}}}
	if got := s.DenseSize(); got != -1 {
		t.Errorf("a dictionary signal has dense size %d", got)
	}
}

func TestDigestIsWhatSha256sumSays(t *testing.T) {
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // printf abc | sha256sum
	d := DigestOf([]byte("abc"))
	if d.String() != want {
		t.Fatalf("digest %s", d)
	}
	if back, err := ParseDigest(want); err != nil || back != d {
		t.Fatalf("round trip: %s, %v", back, err)
	}
	for _, bad := range []string{"", want[:62], want + "00", strings.ToUpper(want), " " + want[1:]} {
		if _, err := ParseDigest(bad); err == nil {
			t.Errorf("%q was taken for a digest", bad)
		}
	}
}

func TestSnapStaysOnTheGrid(t *testing.T) {
	grids := []Value{{0, 1, 0.01}, {0, 0.3, 0.1}, {0, 1e12, 1}, {-1, 1, 0.1}, {-40, 85, 0.5}}
	for _, v := range grids {
		for i := range 2000 {
			x := v.Min + (v.Max-v.Min)*(float64(i)/1500-0.1)
			y := v.Snap(x)
			if !v.Holds(y) || v.Snap(y) != y || y < v.Min || y > v.Max {
				t.Fatalf("%+v: %v snaps to %v, off the grid", v, x, y)
			}
			if x >= v.Min && x <= v.Max && math.Abs(x-y) > v.Step*0.500001 {
				t.Fatalf("%+v: %v snaps to %v, not the nearest", v, x, y)
			}
		}
		for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), v.Max + v.Step, v.Min - v.Step, v.Min + v.Step/3, math.Nextafter(v.Max, 0), math.SmallestNonzeroFloat64} {
			if v.Holds(x) {
				t.Errorf("%+v holds %v", v, x)
			}
			if y := v.Snap(x); !v.Holds(y) {
				t.Errorf("%+v: %v snaps to %v, off the grid", v, x, y)
			}
		}
	}
}
