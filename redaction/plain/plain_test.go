package plain

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

const file = `version: 1
product: shop
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 60s
identity:
  weir.install.id: {type: uuid}
signals:
  - name: requests
    why: to see an incident early
    owner: support@acme.example
    category: error_rate
    kind: sum
    unit: "1"
    value: {min: 0, max: 1000, step: 1}
    attributes:
      status: {enum: [2xx, 5xx], otherwise: drop}
`

// thousandth is not a constant, so that what is multiplied with it is rounded as
// a processor does.
var thousandth = 0.001

func body(t *testing.T) []byte {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.version", "1.2.3")
	ms := rm.ScopeMetrics().AppendEmpty().Metrics()
	sum := ms.AppendEmpty()
	sum.SetName("requests")
	sum.SetUnit("1")
	dp := sum.SetEmptySum().DataPoints().AppendEmpty()
	dp.Attributes().PutStr("status", "5xx")
	dp.SetDoubleValue(3)
	gauge := ms.AppendEmpty()
	gauge.SetName("unheard.of")
	silent := gauge.SetEmptyGauge().DataPoints().AppendEmpty()
	silent.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	h := ms.AppendEmpty()
	h.SetName("duration")
	hp := h.SetEmptyHistogram().DataPoints().AppendEmpty()
	hp.SetCount(4)
	hp.SetSum(39544 * thousandth)
	hp.ExplicitBounds().FromRaw([]float64{0.1, 1})
	hp.BucketCounts().FromRaw([]uint64{3, 0, 1})
	b, err := new(pmetric.ProtoMarshaler).MarshalMetrics(md)
	require.NoError(t, err)
	return b
}

func TestEveryValueIsSaidWithTheReasonOfItsEntry(t *testing.T) {
	p, err := policy.Parse("allowlist.yaml", []byte(file))
	require.NoError(t, err)
	r, err := Read(p, body(t))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"service.version": "1.2.3"}, r.Identity)
	require.Equal(t, []Entry{
		{Name: "requests", Kind: "sum", Unit: "1", Bytes: r.Entries[0].Bytes, Why: "to see an incident early", Owner: "support@acme.example",
			Values: []Value{{map[string]string{"status": "5xx"}, "3"}}},
		{Name: "unheard.of", Kind: "gauge", Bytes: r.Entries[1].Bytes, Values: []Value{{map[string]string{}, "nothing was seen"}}},
		{Name: "duration", Kind: "histogram", Bytes: r.Entries[2].Bytes, Values: []Value{{map[string]string{}, "4 in all, sum 39.544, 3 up to 0.1, 1 above"}}},
	}, r.Entries)
	require.Equal(t, "a=2 b=1", Value{Attributes: map[string]string{"b": "1", "a": "2"}}.Text())
}

func TestWithoutThePolicyTheValuesAreStillThere(t *testing.T) {
	r, err := Read(nil, body(t))
	require.NoError(t, err)
	require.Len(t, r.Entries, 3)
	require.Empty(t, r.Entries[0].Why)
}

func TestOtherBytesAreRefusedWithoutQuotingThem(t *testing.T) {
	for _, b := range []string{"\x0a\xffsecret", ""} {
		_, err := Read(nil, []byte(b))
		require.ErrorIs(t, err, errNotAReport)
	}
}

// Weighing agrees with reading, and damaged bytes weigh what can be read of them.
func TestAReportIsWeighedWithoutItsValues(t *testing.T) {
	b := body(t)
	r, err := Read(nil, b)
	require.NoError(t, err)
	var want []Weight
	for _, e := range r.Entries {
		want = append(want, Weight{Name: e.Name, Points: len(e.Values), Bytes: e.Bytes})
	}
	require.Len(t, want, 3)
	require.Equal(t, want, Weigh(b))
	for i := range b {
		require.LessOrEqual(t, len(Weigh(b[:i])), 3)
	}
	require.Empty(t, Weigh([]byte("\xff\xff\xff nonsense")))
}
