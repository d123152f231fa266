package table_test

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

// The gate was written without a look at the table. It lets every report of
// the table pass, once it is stamped with its sequence.
func TestTheGatePassesEveryReport(t *testing.T) {
	table.EachReport(t, func(p *policy.Policy, md pmetric.Metrics, now time.Time) error {
		stamp(p, md, now, 7)
		return gate.Check(p, md, gate.Facts{Install: table.InstallID, Sequence: 7, Now: now, MaxSkew: time.Second, MaxAge: p.Interval})
	})
}

func stamp(p *policy.Policy, md pmetric.Metrics, now time.Time, sequence float64) {
	m := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	m.SetName("weir.report.sequence")
	m.SetUnit("{report}")
	dp := m.SetEmptyGauge().DataPoints().AppendEmpty()
	dp.SetTimestamp(pcommon.NewTimestampFromTime(now.Truncate(p.Interval)))
	dp.SetDoubleValue(sequence)
}
