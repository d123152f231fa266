package table

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// The batch that PEERS and issues speak of: 2,000 points of sums, 8 attributes
// each in a shuffled order, 40 metrics of 50 points; every iteration observes
// a batch that was just decoded, as the receiver's caller does.
const (
	benchMetrics = 40
	benchPoints  = 50
	benchTime    = 1_767_225_600_123_456_789
)

func benchBatch(kept int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	for i := range 6 {
		rm.Resource().Attributes().PutStr(fmt.Sprintf("resource.key.%d", i), fmt.Sprintf("resource-value-%d", i))
	}
	rm.Resource().Attributes().PutStr("service.name", "api")
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("io.opentelemetry.contrib.http")
	for i := range benchMetrics {
		m := sm.Metrics().AppendEmpty()
		m.SetUnit("1")
		if i < kept {
			m.SetName(fmt.Sprintf("http.server.requests.%02d", i))
		} else {
			m.SetName(fmt.Sprintf("db.client.operations.%02d", i))
		}
		sum := m.SetEmptySum()
		sum.SetIsMonotonic(true)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		for j := range benchPoints {
			dp := sum.DataPoints().AppendEmpty()
			dp.SetStartTimestamp(1)
			dp.SetTimestamp(benchTime)
			dp.SetIntValue(int64(1000 + j))
			put := []func(){
				func() { dp.Attributes().PutStr("http.request.method", []string{"GET", "POST", "PUT"}[j%3]) },
				func() { dp.Attributes().PutStr("http.response.status_class", []string{"2xx", "4xx", "5xx"}[j%3]) },
				func() { dp.Attributes().PutInt("http.response.status_code", int64(200+j)) },
				func() { dp.Attributes().PutStr("http.route", fmt.Sprintf("/api/v1/orders/%d", j)) },
				func() { dp.Attributes().PutStr("server.address", fmt.Sprintf("host-%d.internal.example", j)) },
				func() { dp.Attributes().PutStr("network.protocol.version", "1.1") },
				func() { dp.Attributes().PutStr("user.id", fmt.Sprintf("user-%d@customer.example", j)) },
				func() { dp.Attributes().PutBool("tls", true) },
			}
			rng.Shuffle(len(put), func(a, b int) { put[a], put[b] = put[b], put[a] })
			for _, f := range put {
				f()
			}
		}
	}
	b, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	if err != nil {
		panic(err)
	}
	return b
}

func benchPolicy(names int) *policy.Policy {
	p := &policy.Policy{Version: 1, Interval: time.Minute}
	for i := range names {
		p.Signals = append(p.Signals, policy.Signal{
			Name: fmt.Sprintf("http.server.requests.%02d", i), Kind: policy.KindSum, Unit: "1",
			Value: policy.Value{Max: 1e12, Step: 1}, HasValue: true, MaxSeries: 12,
			Attributes: []policy.Attribute{
				{Key: "http.response.status_class", Domain: policy.Domain{Kind: policy.DomainEnum, Values: []string{"2xx", "3xx", "4xx", "5xx"}}, Otherwise: policy.Otherwise{Drop: true}},
				{Key: "service.name", Domain: policy.Domain{Kind: policy.DomainEnum, Values: []string{"api", "worker", "scheduler"}}, Otherwise: policy.Otherwise{Drop: true}},
			},
		})
	}
	return p
}

func benchTable(b *testing.B, names int) *Table {
	t, err := New(benchPolicy(names), Options{Key: make([]byte, 32), Start: time.Unix(1, 0)})
	if err != nil {
		b.Fatal(err)
	}
	return t
}

// benchStamps finds where the batch's times lie, so that each iteration can bring
// newer points without touching what was decoded.
func benchStamps(raw []byte) (offsets []int) {
	magic := binary.LittleEndian.AppendUint64(nil, benchTime)
	for at := 0; ; {
		i := bytes.Index(raw[at:], magic)
		if i < 0 {
			return offsets
		}
		offsets = append(offsets, at+i)
		at += i + len(magic)
	}
}

// BenchmarkObserve decodes a batch and observes it at once, as a receiver does,
// and compares the two: each is the median of all iterations.
func BenchmarkObserve(b *testing.B) {
	for _, c := range []struct {
		name        string
		names, kept int
	}{
		{"dropped/names=10", 10, 0}, {"dropped/names=10000", 10_000, 0},
		{"kept=7.5%/names=10", 10, 3}, {"kept=7.5%/names=10000", 10_000, 3},
		{"kept=100%/names=40", 40, 40},
	} {
		b.Run(c.name, func(b *testing.B) {
			raw, t := benchBatch(c.kept), benchTable(b, c.names)
			offsets := benchStamps(raw)
			if len(offsets) != benchMetrics*benchPoints {
				b.Fatalf("%d times found", len(offsets))
			}
			var decode, observe []time.Duration
			for n := uint64(0); b.Loop(); n++ {
				for _, at := range offsets {
					binary.LittleEndian.PutUint64(raw[at:], benchTime+n)
				}
				begin := time.Now()
				md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(raw)
				if err != nil {
					b.Fatal(err)
				}
				middle := time.Now()
				t.Observe(md)
				decode, observe = append(decode, middle.Sub(begin)), append(observe, time.Since(middle))
			}
			if k := t.Counters(); k.Kept != k.Observed/benchMetrics*uint64(c.kept) {
				b.Fatalf("%+v", k)
			}
			slices.Sort(decode)
			slices.Sort(observe)
			d, o := float64(decode[len(decode)/2]), float64(observe[len(observe)/2])
			b.ReportMetric(d/(benchMetrics*benchPoints), "decode-ns/point")
			b.ReportMetric(o/(benchMetrics*benchPoints), "observe-ns/point")
			b.ReportMetric(100*o/d, "%ofdecode")
			b.ReportMetric(0, "ns/op")
		})
	}
}
