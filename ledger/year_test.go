package ledger_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

// The size of a year: reports of about 5 kB, one a minute, each with a receipt.
const (
	reportsADay  = 1440
	yearCeiling  = 500e6
	reportBytes  = 5000
	testSpanDays = 2
)

// TestAYearOfReportsFits simulates some days (WEIR_LEDGER_DAYS, default 2) of
// what the table makes of a busy product's metrics, has a fleet countersign
// every report, and scales what lies on disk to a year.
func TestAYearOfReportsFits(t *testing.T) {
	days := testSpanDays
	if s := os.Getenv("WEIR_LEDGER_DAYS"); s != "" {
		var err error
		days, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	dir := filepath.Join(t.TempDir(), "ledger")
	now := start
	o := ledger.Options{Install: install, Now: func() time.Time { return now }, Rand: rand.NewChaCha8([32]byte{1})}
	l, err := ledger.Open(fastSync{vfs.OS}, dir, o)
	require.NoError(t, err)
	signer, fleet := fleetKey(t, "fleet.example", 9)
	key, err := ledger.LoadVerifier(vfs.OS, dir)
	require.NoError(t, err)
	product := newProduct(t)
	digest := [32]byte(product.policy.Digest)
	appendOne := func(r ledger.Record) ledger.Record {
		r.PolicyDigest, r.Destination = digest, product.policy.Destination
		got, err := l.Append(r)
		require.NoError(t, err)
		return got
	}
	appendOne(ledger.Record{Kind: ledger.KindPolicy, Body: product.policy.Source})
	appendOne(ledger.Record{Kind: ledger.KindAcceptance, Body: []byte(`{}`)})
	var plain int64
	n := days * reportsADay
	for i := range n {
		now = now.Add(time.Minute - 3*time.Second + time.Duration(product.r.Int64N(int64(50*time.Millisecond))))
		r := appendOne(ledger.Record{Kind: ledger.KindReport, Sequence: l.NextSequence(), Body: product.report(now)})
		plain += int64(len(r.Body))
		now = now.Add(3 * time.Second)
		s, err := l.State(r, l.LastReceipt())
		require.NoError(t, err)
		receipt, err := ledger.Countersign(s.Checkpoint, signer)
		require.NoError(t, err)
		if i%500 == 0 {
			require.NoError(t, s.Check(r.Body, install, key, fleet))
			require.NoError(t, s.CheckReceipt(receipt, fleet))
		}
		appendOne(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx", Receipt: string(receipt)}.Record(&r))
	}
	require.NoError(t, l.TidyErr())
	require.NoError(t, l.Close())

	var packed, hashes, tail int64
	packedRecords := int64(0)
	names, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	require.NoError(t, err)
	for i, name := range names {
		size := size(t, name)
		if i == len(names)-1 {
			tail = size // at most one such, however long the ledger
			_, err := fmt.Sscanf(filepath.Base(name), "%d.seg", &packedRecords)
			require.NoError(t, err)
			continue
		}
		packed += size
	}
	require.Greater(t, len(names), 2, "the span must fill segments")
	hashes = size(t, filepath.Join(dir, "hashes"))
	perReport := float64(packed)/float64(packedRecords)*2 + float64(hashes)/float64(n)
	year := perReport*365*reportsADay + 8<<20
	t.Logf("%d days, %d reports of %d bytes: %d bytes packed, %d of hashes, %d in the last segment; %.0f a report, %.0f MB a year",
		days, n, plain/int64(n), packed, hashes, tail, perReport, year/1e6)
	require.InDelta(t, reportBytes, plain/int64(n), reportBytes*0.05, "reports are of the size that is spoken of")
	require.Less(t, year, yearCeiling)
	v, err := ledger.Verify(vfs.OS, dir, nil)
	require.NoError(t, err)
	require.Empty(t, v.Faults)
	require.EqualValues(t, n, v.Receipts)
}

func size(t *testing.T, name string) int64 {
	info, err := os.Stat(name)
	require.NoError(t, err)
	return info.Size()
}

// fastSync leaves out the syncs: what is measured is size.
type fastSync struct{ vfs.FS }

func (fastSync) SyncDir(string) error { return nil }

func (s fastSync) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := s.FS.OpenFile(name, flag, perm)
	return fastFile{f}, err
}

type fastFile struct{ vfs.File }

func (fastFile) Sync() error { return nil }

// product is a simulated one: requests, errors, durations and utilization of
// four services, with the load of a day in them, through a real table.
type product struct {
	policy *policy.Policy
	table  *table.Table
	r      *rand.Rand
	counts map[string]float64
}

const productPolicy = `version: 1
product: shop
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 60s
identity:
  weir.install.id: {type: uuid}
signals:
`

var services = []string{"frontend", "cart", "payment", "search"}

func signal(name, kind, more string) string {
	return "  - name: " + name + "\n    why: to see an incident before the customer has to call\n    owner: support@acme.example\n    category: health\n    unit: \"1\"\n    kind: " + kind + "\n" + more
}

func newProduct(t *testing.T) *product {
	attributes := "    attributes:\n      service.name: {enum: [" + strings.Join(services, ", ") + "]}\n"
	source := productPolicy +
		signal("requests", "sum", "    value: {min: 0, max: 1e12, step: 1}\n"+attributes+"      http.response.status_class: {enum: [2xx, 3xx, 4xx, 5xx], otherwise: other}\n") +
		signal("duration", "histogram", "    bounds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]\n    value: {min: 0, max: 1e9, step: 0.001}\n"+attributes) +
		signal("memory", "gauge", "    merge: sum\n    value: {min: 0, max: 1099511627776, step: 1048576}\n"+attributes) +
		signal("cpu", "gauge", "    merge: mean\n    value: {min: 0, max: 1, step: 0.01}\n"+attributes) +
		signal("log.records", "sum", "    value: {min: 0, max: 1e12, step: 1}\n"+attributes+"      severity: {enum: [info, warn, error], otherwise: other}\n") +
		signal("queue.length", "gauge", "    merge: sum\n    value: {min: 0, max: 1e6, step: 1}\n"+attributes) +
		signal("uptime", "gauge", "    merge: max\n    value: {min: 0, max: 1e9, step: 1}\n"+attributes)
	p, err := policy.Parse("year.yaml", []byte(source))
	require.NoError(t, err)
	tb, err := table.New(p, table.Options{Identity: map[string]string{"weir.install.id": install}, Start: start})
	require.NoError(t, err)
	return &product{policy: p, table: tb, r: rand.New(rand.NewPCG(1, 2)), counts: map[string]float64{}}
}

// report observes a minute of the product's metrics and returns what leaves.
func (p *product) report(now time.Time) []byte {
	md := pmetric.NewMetrics()
	sm := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	load := 1 + float64(now.Hour()%12)/3 // busier at times
	metric := func(name string) pmetric.Metric {
		m := sm.Metrics().AppendEmpty()
		m.SetName(name)
		m.SetUnit("1")
		return m
	}
	grow := func(key string, by float64) float64 {
		p.counts[key] += float64(int(p.r.ExpFloat64() * by))
		return p.counts[key]
	}
	sum := func(name, second string, values []string, by []float64) {
		s := metric(name).SetEmptySum()
		s.SetIsMonotonic(true)
		s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		for _, service := range services {
			for i, v := range values {
				dp := s.DataPoints().AppendEmpty()
				dp.SetStartTimestamp(1)
				dp.SetTimestamp(ts(now))
				dp.SetDoubleValue(grow(name+service+v, by[i]*load))
				dp.Attributes().PutStr("service.name", service)
				dp.Attributes().PutStr(second, v)
			}
		}
	}
	gauge := func(name string, value func() float64) {
		g := metric(name).SetEmptyGauge()
		for _, service := range services {
			dp := g.DataPoints().AppendEmpty()
			dp.SetTimestamp(ts(now))
			dp.SetDoubleValue(value())
			dp.Attributes().PutStr("service.name", service)
		}
	}
	sum("requests", "http.response.status_class", []string{"2xx", "3xx", "4xx", "5xx"}, []float64{900, 60, 20, 1})
	sum("log.records", "severity", []string{"info", "warn", "error"}, []float64{700, 12, 1})
	gauge("memory", func() float64 { return 5e8 + p.r.NormFloat64()*2e7 })
	gauge("cpu", func() float64 { return min(1, 0.1*load+p.r.Float64()*0.1) })
	gauge("queue.length", func() float64 { return float64(int(p.r.ExpFloat64() * 5 * load)) })
	gauge("uptime", func() float64 { return now.Sub(start).Seconds() })
	h := metric("duration").SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for _, service := range services {
		dp := h.DataPoints().AppendEmpty()
		dp.SetStartTimestamp(1)
		dp.SetTimestamp(ts(now))
		dp.Attributes().PutStr("service.name", service)
		dp.ExplicitBounds().FromRaw([]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10})
		var count uint64
		for i, by := range []float64{100, 200, 300, 200, 100, 50, 20, 8, 3, 1, 0.3, 0.1} {
			c := uint64(grow(fmt.Sprint("duration", service, i), by*load))
			dp.BucketCounts().Append(c)
			count += c
		}
		dp.SetCount(count)
		dp.SetSum(grow("duration.sum"+service, 40*load) + p.r.Float64())
	}
	p.table.Observe(md)
	out, err := p.table.Report(now)
	if err != nil {
		panic(err)
	}
	b, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(out)
	if err != nil {
		panic(err)
	}
	return b
}

func ts(at time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(at) }
