package table

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The fast table and the plain one agree on every value, every count and every
// reason, over batches, reports, expiry and full memory.
func TestTheTableAgreesWithItsReference(t *testing.T) {
	p := parse(t, everything)
	was := hasAES
	defer func() { hasAES = was }()
	rapid.Check(t, func(rt *rapid.T) {
		hasAES = was && rapid.Bool().Draw(rt, "the fast hash, if there is one")
		g := generate(rt, p)
		o := Options{Key: []byte(strings.Repeat("k", 32)), Identity: install, Start: began.Add(draw(g, "began", 0, time.Nanosecond)),
			Idle: time.Minute, MaxSources: draw(g, "sources", 1000, 3)}
		tab, err := New(p, o)
		if err != nil {
			rt.Fatal(err)
		}
		ref := newReference(p, o)
		now := o.Start
		for range rapid.IntRange(1, 5).Draw(rt, "steps") {
			md := g.batch()
			tab.Observe(md)
			ref.observe(md)
			for range draw(g, "reports", 0, 1, 1, 2, 21) {
				now = now.Add(time.Minute)
				if g.chance("a year passes", 15) {
					now = now.AddDate(1, 0, 0)
				}
				md, err := tab.Report(now)
				if err != nil {
					rt.Fatal(err)
				}
				got, want := lines(md)[2:], ref.report(now)
				if !slices.Equal(got, want) {
					for i := range min(len(got), len(want)) {
						if got[i] != want[i] {
							rt.Fatalf("got\n  %s\nwant\n  %s", got[i], want[i])
						}
					}
					rt.Fatalf("got %d lines, want %d", len(got), len(want))
				}
			}
			if got := tab.Counters(); got != ref.counters {
				rt.Fatalf("got %+v, want %+v", got, ref.counters)
			}
		}
	})
}
