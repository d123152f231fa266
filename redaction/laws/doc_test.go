// Package laws holds the claims about the road out that no single room can
// make: that every field of OTLP is accounted for, that what a policy does not
// name has no influence, that a narrower policy lets out no more, that faults
// in the table do not go unnoticed, and that the sums which leave are those
// that the full data has.
//
// It has tests only. They use the table, the gate and the policy from outside,
// as the processors and exporters do.
package laws

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

// The laws that rapid argues are argued over this many inputs, unless
// -rapid.checks says otherwise.
const (
	lawChecks      = "4000"
	lawChecksShort = "200"
)

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	checks := lawChecks
	if testing.Short() {
		checks = lawChecksShort
	}
	if !given {
		if err := flag.Set("rapid.checks", checks); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

const head = `version: 1
product: sample
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 60s
identity:
  weir.install.id: {type: uuid}
  service.version: {type: semver}
signals:
`

// entry is one signal of a policy's text. The unit is "1".
func entry(name, kind, rest string) string {
	return "  - name: " + name + `
    why: the laws need it
    owner: support@acme.example
    category: health
    kind: ` + kind + `
    unit: "1"
    ` + strings.TrimSpace(rest) + "\n"
}

var (
	began   = time.Unix(1_767_225_600, 0).UTC() // 2026-01-01
	install = map[string]string{"weir.install.id": "0194f3c2-5a31-4d2b-9c1e-1234567890ab", "service.version": "0.1.0"}
	key     = []byte(strings.Repeat("k", 32))
)

const (
	cumulative = pmetric.AggregationTemporalityCumulative
	delta      = pmetric.AggregationTemporalityDelta
)

func after(seconds float64) time.Time {
	return began.Add(time.Duration(seconds * float64(time.Second)))
}

func ts(at time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(at) }

func parse(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("allowlist.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type fataler interface{ Fatal(...any) }

func lay(t fataler, p *policy.Policy) *table.Table {
	tab, err := table.New(p, table.Options{Key: key, Identity: install, Start: began})
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func report(t fataler, tab interface {
	Report(time.Time) (pmetric.Metrics, error)
}, at time.Time) pmetric.Metrics {
	md, err := tab.Report(at)
	if err != nil {
		t.Fatal(err)
	}
	return md
}

func marshal(t fataler, md pmetric.Metrics) []byte {
	raw, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// stamp adds what upstream adds, so that the gate can judge.
func stamp(p *policy.Policy, md pmetric.Metrics, now time.Time) {
	m := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	m.SetName(gate.SequenceMetric)
	m.SetUnit(gate.SequenceUnit)
	dp := m.SetEmptyGauge().DataPoints().AppendEmpty()
	dp.SetTimestamp(ts(now.Truncate(p.Interval)))
	dp.SetDoubleValue(1)
}
