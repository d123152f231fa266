package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// A batch has 2,000 points of 8 attributes in 40 metrics, of which keeping 3
// keeps 7.5 %. A lean batch has 4 points a metric, in 500 metrics: there the
// cost of a metric counts, which the fat one hides.
const (
	pointsPerBatch  = 2000
	metricsPerBatch = 40
	metricsLean     = 500
	keptMetrics     = 3
)

var (
	services = []string{"api", "worker", "scheduler"}
	classes  = []string{"2xx", "3xx", "4xx", "5xx"}
	start    = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

// metricName of the i-th metric of a batch. The first keptMetrics are those
// that the small policy names.
func metricName(i int) string { return fmt.Sprintf("shop.component%02d.requests", i) }

// canary is in every attribute that must not leave.
const canary = "weircanary7c1e"

// generator makes batches of one set of sources whose counters go on rising.
type generator struct {
	rng     *rand.Rand
	tick    int
	metrics int
	bare    bool // points have no attributes
}

func newGenerator(metrics int) *generator {
	return &generator{rng: rand.New(rand.NewPCG(1, 2)), metrics: metrics}
}

// next is a batch in wire form. Each point is a source of its own; every tick
// it has risen by 1 + its index modulo 7.
func (g *generator) next() []byte {
	g.tick++
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	for k, v := range map[string]string{"host.name": canary + "-host", "os.type": "linux", "telemetry.sdk.name": "opentelemetry"} {
		rm.Resource().Attributes().PutStr(k, v)
	}
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("github.com/acme/shop/" + canary)
	for i := range g.metrics {
		m := sm.Metrics().AppendEmpty()
		m.SetName(metricName(i))
		m.SetUnit("{request}")
		m.SetDescription("Number of requests, by " + canary)
		sum := m.SetEmptySum()
		sum.SetIsMonotonic(true)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		for j := range pointsPerBatch / g.metrics {
			dp := sum.DataPoints().AppendEmpty()
			dp.SetStartTimestamp(pcommon.NewTimestampFromTime(start.Add(time.Second)))
			dp.SetTimestamp(pcommon.NewTimestampFromTime(start.Add(time.Duration(g.tick) * 10 * time.Second)))
			dp.SetIntValue(int64(g.tick) * rise(j))
			if !g.bare {
				g.attributes(dp.Attributes(), j)
			}
		}
	}
	data, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	if err != nil {
		panic(err)
	}
	return data
}

// rise is what point j gains in a tick.
func rise(j int) int64 { return 1 + int64(j%7) }

// attributes puts eight attributes into random order: allowed attributes that
// always come first would flatter whoever looks them up.
func (g *generator) attributes(m pcommon.Map, j int) {
	pairs := [8][2]string{
		{"service.name", services[j%len(services)]},
		{"http.response.status_class", classes[j/3%len(classes)]},
		{"user.id", fmt.Sprintf("%s-%06d", canary, j)},
		{"http.route", "/orders/:id/items"},
		{"http.request.method", "GET"},
		{"server.address", "orders-07.corp.example"},
		{"net.peer.ip", fmt.Sprintf("203.0.113.%d", j)},
		{"deployment.environment", "production"},
	}
	m.EnsureCapacity(len(pairs))
	for _, i := range g.rng.Perm(len(pairs)) {
		m.PutStr(pairs[i][0], pairs[i][1])
	}
}

func decode(data []byte) pmetric.Metrics {
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(data)
	if err != nil {
		panic(err)
	}
	return md
}
