package table

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// Began and InstallID are what the reports of EachReport say of themselves.
var (
	Began     = began
	InstallID = install["weir.install.id"]
)

// EachReport lets a test of another package judge the reports of random input.
func EachReport(t *testing.T, judge func(p *policy.Policy, md pmetric.Metrics, now time.Time) error) {
	p := parse(t, everything)
	rapid.Check(t, func(rt *rapid.T) {
		g := generate(rt, p)
		tab := lay(t, p)
		now := began
		for range rapid.IntRange(1, 3).Draw(rt, "steps") {
			for range rapid.IntRange(1, 3).Draw(rt, "batches") {
				tab.Observe(g.batch())
			}
			now = now.Add(draw(g, "passes", time.Minute, 90*time.Second, 400*24*time.Hour))
			if err := judge(p, report(t, tab, now), now); err != nil {
				rt.Fatal(err)
			}
		}
	})
}
