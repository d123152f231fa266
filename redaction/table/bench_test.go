package table

import (
	"fmt"
	"math/rand/v2"
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
			dp.SetTimestamp(2)
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

// BenchmarkUnmarshal is the reference: the batch is decoded anyway.
func BenchmarkUnmarshal(b *testing.B) {
	raw := benchBatch(3)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(raw); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(benchMetrics*benchPoints), "ns/point")
}

// BenchmarkObserve decodes outside the clock, eight batches at a time, so that
// the batch is as cold as a receiver leaves it.
func BenchmarkObserve(b *testing.B) {
	for _, c := range []struct {
		name        string
		names, kept int
	}{
		{"dropped/names=10", 10, 0}, {"kept=7.5%/names=10", 10, 3}, {"kept=100%/names=40", 40, 40},
		{"dropped/names=10000", 10_000, 0}, {"kept=7.5%/names=10000", 10_000, 3},
	} {
		b.Run(c.name, func(b *testing.B) {
			raw, t := benchBatch(c.kept), benchTable(b, c.names)
			const fresh = 8
			var batches [fresh]pmetric.Metrics
			var spent time.Duration
			for n := 0; b.Loop(); n++ {
				if n%fresh == 0 {
					b.StopTimer()
					for i := range batches {
						batches[i], _ = (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(raw)
					}
					b.StartTimer()
				}
				begin := time.Now()
				t.Observe(batches[n%fresh])
				spent += time.Since(begin)
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/(benchMetrics*benchPoints), "ns/point")
		})
	}
}
