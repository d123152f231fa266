package releases

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

const good = `version: 1
product: shop
services: [frontend, cart]
releases:
  - {version: 1.4.2, ga: 2026-03-01, security: true}
  - {version: 1.4.1, ga: 2026-01-15, supported_until: 2026-06-30}
  - {version: 1.10.0, ga: 2026-05-01T12:00:00Z}
  - {version: 2.0.0-rc.1, channel: beta}
rings:
  - {name: canary, channel: beta, desired: 2.0.0-rc.1, customers: [acme]}
  - {name: early, installs: [7b1f6c1e-6f0e-4f7b-9a53-1f0d9a0c2d11]}
`

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// series writes what the catalogue becomes as lines, without time.
func series(c *Catalogue, now time.Time) []string {
	var all []string
	ms := c.Metrics(now).ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	for i := range ms.Len() {
		points := ms.At(i).Gauge().DataPoints()
		for j := range points.Len() {
			var labels []string
			points.At(j).Attributes().Range(func(k string, v pcommon.Value) bool {
				labels = append(labels, k+"="+v.Str())
				return true
			})
			all = append(all, fmt.Sprintf("%s{%s} %v", ms.At(i).Name(), strings.Join(labels, ","), points.At(j).DoubleValue()))
		}
	}
	return all
}

func TestACatalogueBecomesMetrics(t *testing.T) {
	c, err := Parse("releases.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	got := series(c, day("2026-04-01"))
	for _, want := range []string{
		"weir.fleet.release.info{service.name=cart,service.version=1.4.2,weir.release.channel=stable,weir.release.security=true} 1",
		"weir.fleet.release.order{service.name=cart,service.version=1.4.1} 1",
		"weir.fleet.release.order{service.name=cart,service.version=1.4.2} 2",
		"weir.fleet.release.order{service.name=cart,service.version=1.10.0} 3",
		"weir.fleet.release.order{service.name=cart,service.version=2.0.0-rc.1} 4",
		fmt.Sprintf("weir.fleet.release.ga{service.name=frontend,service.version=1.4.2} %v", float64(day("2026-03-01").Unix())),
		fmt.Sprintf("weir.fleet.release.supported.until{service.name=frontend,service.version=1.4.1} %v", float64(day("2026-07-01").Unix())),
		"weir.fleet.release.covers{service.name=frontend,service.version=1.10.0,weir.release=1.4.2} 1",
		"weir.fleet.release.covers{service.name=frontend,service.version=1.4.2,weir.release=1.4.2} 1",
		"weir.fleet.release.desired{service.name=frontend,service.version=2.0.0-rc.1,weir.fleet.ring=canary} 1",
		"weir.fleet.release.desired{service.name=frontend,service.version=1.4.2,weir.fleet.ring=rest} 1",
		"weir.fleet.customer.ring{weir.customer=acme,weir.fleet.ring=canary} 1",
		"weir.fleet.install.ring{weir.install.id=7b1f6c1e-6f0e-4f7b-9a53-1f0d9a0c2d11,weir.fleet.ring=early} 1",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, strings.Join(got, "\n"))
		}
	}
	for _, no := range []string{
		"weir.fleet.release.covers{service.name=frontend,service.version=1.4.1,weir.release=1.4.2} 1",
		"weir.fleet.release.desired{service.name=frontend,service.version=1.10.0,weir.fleet.ring=rest} 1", // not generally available yet
	} {
		if slices.Contains(got, no) {
			t.Errorf("there is %s", no)
		}
	}
	if got = series(c, day("2026-05-02")); !slices.Contains(got, "weir.fleet.release.desired{service.name=frontend,service.version=1.10.0,weir.fleet.ring=rest} 1") {
		t.Error("with its day of general availability, a release is not what the rest should run")
	}
}

func TestWithoutServicesVersionsHaveNoServiceName(t *testing.T) {
	c, err := Parse("releases.yaml", []byte(strings.Replace(good, "services: [frontend, cart]\n", "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if got := series(c, day("2026-04-01")); !slices.Contains(got, "weir.fleet.release.order{service.version=1.4.2} 2") {
		t.Errorf("series\n%s", strings.Join(got, "\n"))
	}
}

func TestEveryFaultIsNamedWithItsPlace(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"version: 1\n", "version: 2\n", `r.yaml:1:10: version "2" of the format is not known; this Weir reads version: 1`},
		{"product: shop", "product: Shop!", `r.yaml:2:10: product "Shop!" has other characters; ` + slugHint},
		{"product: shop\n", "", "r.yaml:1:1: the catalogue has no product; add product:"},
		{"ga: 2026-03-01", "ga: tomorrow", "r.yaml:5:26: ga is no date; write it as 2026-03-01"},
		{"ga: 2026-03-01", "gaa: 2026-03-01", `r.yaml:5:22: a release has no key "gaa"; it has version, channel, ga, supported_until, security`},
		{"version: 1.4.1", "version: 1.4.2", "r.yaml:6:15: version 1.4.2 is there twice; keep one of the two; the first is on line 5"},
		{"version: 1.4.1", "version: v1.4.2", "version v1.4.2 is there twice"},
		{"version: 1.4.1", "version: 1.4", "r.yaml:6:15: version is not text; write it as text, in quotes"},
		{"version: 1.4.1", `version: "1.4"`, `r.yaml:6:15: version "1.4" is no semantic version`},
		{"supported_until: 2026-06-30", "supported_until: 2026-01-01", "r.yaml:6:55: the support ends before general availability"},
		{"security: true", "security: maybe", "r.yaml:5:48: security is neither true nor false"},
		{"desired: 2.0.0-rc.1", "desired: 2.0.0", "r.yaml:10:44: desired 2.0.0 is no release of this catalogue"},
		{"name: early", "name: canary", "r.yaml:11:12: ring canary is there twice"},
		{"7b1f6c1e-6f0e-4f7b-9a53-1f0d9a0c2d11", "acme", "r.yaml:11:30: an install is no UUID"},
		{"customers: [acme]", "customers: [acme, acme]", "customer acme is in a ring already"},
		{"name: early, ", "name: rest, ", "ring rest names members"},
		{"services: [frontend, cart]", "services: frontend", "r.yaml:3:11: services is not a list"},
		{"releases:", "releases: [", "this is no YAML"},
		{"rings:", "---\nrings:", "there is a second document"},
	} {
		if !strings.Contains(good, c.from) {
			t.Fatalf("%q is not in the catalogue", c.from)
		}
		_, err := Parse("r.yaml", []byte(strings.Replace(good, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s: said\n%v\nwant\n%s", c.from, c.to, err, c.want)
		}
	}
	_, err := Parse("r.yaml", []byte(strings.NewReplacer("shop", "Shop", "true", "1").Replace(good)))
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two faults are said as\n%v", err)
	}
}

func TestTheSampleCatalogueIsWithoutFault(t *testing.T) {
	data, err := os.ReadFile("../../config/releases/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse("shop.yaml", data); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("r.yaml", data)
		if err == nil {
			c.Metrics(time.Unix(1_800_000_000, 0))
		} else if !strings.HasPrefix(err.Error(), "r.yaml:") {
			t.Errorf("a fault without its place: %v", err)
		}
	})
}
