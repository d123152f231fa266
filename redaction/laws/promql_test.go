package laws

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/localstore/metricstore"
)

// What leaves is what the customer's own data says: the growth of a sum in the
// table equals sum by (...) (increase(...)) over all series in the local store,
// within the policy's step, although pods that the policy does not name come
// together in one series and start anew at any time.
//
// increase() extrapolates to the ends of its window. The window here begins a
// millisecond before the first samples and ends with the last, so that this
// adds less than a part in 100,000. Resets show in the values, which fall: a
// start time alone is nothing that PromQL looks at.
func TestSumsGrowAsPromQLSays(t *testing.T) {
	const (
		first, last, every = 15, 600, 15 // seconds
		step               = 1.0
	)
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			now := after(last)
			store, err := metricstore.Open(t.TempDir(), metricstore.Options{Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			}()
			p := parse(t, head+entry("requests", "sum", `value: {min: 0, max: 1e9, step: 1}
    attributes:
      class: {enum: [2xx, 5xx], otherwise: drop}
      region: {enum: [eu, us], otherwise: drop}`))
			tab := lay(t, p)
			r := rand.New(rand.NewPCG(seed, 0))
			totals := map[string]float64{}
			resets := 0
			for at := first; at <= last; at += every {
				md := pmetric.NewMetrics()
				rm := md.ResourceMetrics().AppendEmpty()
				rm.Resource().Attributes().PutStr("service.name", "api")
				m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
				m.SetName("requests")
				m.SetUnit("1")
				m.SetEmptySum().SetIsMonotonic(true)
				m.Sum().SetAggregationTemporality(cumulative)
				for _, class := range []string{"2xx", "5xx"} {
					for pod := range 6 {
						id := fmt.Sprint(class, pod)
						if totals[id] > 0 && r.IntN(12) == 0 {
							totals[id] = float64(r.IntN(int(totals[id]))) // began anew, and below what it was
							resets++
						} else {
							totals[id] += float64(r.IntN(20))
						}
						dp := m.Sum().DataPoints().AppendEmpty()
						dp.Attributes().PutStr("class", class)
						dp.Attributes().PutStr("region", []string{"eu", "us"}[pod%2])
						dp.Attributes().PutStr("pod", id)
						dp.SetStartTimestamp(ts(after(-60)))
						dp.SetTimestamp(ts(after(float64(at))))
						dp.SetDoubleValue(totals[id])
					}
				}
				if res, err := store.Append(context.Background(), md); err != nil {
					t.Fatal(res, err)
				}
				tab.Observe(md)
			}
			if resets == 0 {
				t.Error("no stream began anew: the comparison leaves out what is hard")
			}
			engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute})
			query, err := engine.NewInstantQuery(context.Background(), store, nil,
				fmt.Sprintf("sum by (class, region) (increase(requests_total[%dms]))", (last-first)*1000+1), now)
			if err != nil {
				t.Fatal(err)
			}
			defer query.Close()
			vector, err := query.Exec(context.Background()).Vector()
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]float64{}
			for _, s := range vector {
				want[s.Metric.Get("class")+s.Metric.Get("region")] = s.F
			}
			got := readSeries(p, report(t, tab, now))["requests"]
			if len(want) != 4 || len(got) != 4 {
				t.Fatalf("%d series in the report, %d in the local store", len(got), len(want))
			}
			for _, series := range got {
				w := want[series.attrs["class"]+series.attrs["region"]]
				if math.Abs(series.value-w) > step {
					t.Errorf("%v: the report says %v, the local store %v", series.attrs, series.value, w)
				}
				if w < 100 {
					t.Errorf("%v: the local store has seen only %v", series.attrs, w)
				}
			}
		})
	}
}
