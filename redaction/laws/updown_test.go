package laws

import (
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/gate"
)

// A sum that may fall passes the gate as the table writes it, and is refused
// where the policy has one that only grows, and the reverse.
func TestTheGateKnowsSumsThatMayFall(t *testing.T) {
	const value = "value: {min: 0, max: 1000, step: 1}\n"
	falls := parse(t, head+entry("pool.connections", "sum", "monotonic: false\n    "+value))
	grows := parse(t, head+entry("pool.connections", "sum", value))
	for _, p := range []struct {
		name      string
		monotonic bool
	}{{"falls", false}, {"grows", true}} {
		t.Run(p.name, func(t *testing.T) {
			mine, other := falls, grows
			if p.monotonic {
				mine, other = grows, falls
			}
			md := pmetric.NewMetrics()
			m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
			m.SetName("pool.connections")
			m.SetUnit("1")
			sum := m.SetEmptySum()
			sum.SetIsMonotonic(p.monotonic)
			sum.SetAggregationTemporality(cumulative)
			dp := sum.DataPoints().AppendEmpty()
			dp.SetStartTimestamp(ts(after(1)))
			dp.SetTimestamp(ts(after(2)))
			dp.SetIntValue(7)
			tab := lay(t, mine)
			tab.Observe(md)
			out := report(t, tab, after(61))
			stamp(mine, out, after(61))
			if err := gate.Check(mine, out, gate.Facts{}); err != nil {
				t.Fatalf("refused: %v", err)
			}
			s := out.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum()
			if got := s.DataPoints().At(0).DoubleValue(); got != 7 || s.IsMonotonic() != p.monotonic {
				t.Errorf("reported %v, monotonic %v", got, s.IsMonotonic())
			}
			out.ResourceMetrics().At(0).Resource().Attributes().PutStr(gate.DigestAttribute, other.Digest.String())
			if err := gate.Check(other, out, gate.Facts{}); err == nil {
				t.Error("a sum of the other kind passed")
			}
		})
	}
}
