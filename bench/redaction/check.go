package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/table"
)

// check is the gate before any figure: on two ticks of data, our table and
// each chain keep what a plain walk keeps, the table leaves its input as it
// was, and the report holds no canary.
func check(g *generator, kept int, chains map[string]*chain) error {
	first, second := g.next(), g.next()
	t := newTable(policyOf(kept, kept))
	for _, wire := range [][]byte{first, second} {
		md := decode(wire)
		t.Observe(md)
		after, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
		if err != nil {
			return err
		}
		if !bytes.Equal(after, wire) {
			return fmt.Errorf("observing changed the batch")
		}
	}
	report, err := t.Report(start.Add(time.Hour))
	if err != nil {
		return err
	}
	wire, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(report)
	if err != nil {
		return err
	}
	if bytes.Contains(wire, []byte(canary)) {
		return fmt.Errorf("the report holds a canary")
	}
	want := sums(decode(second), kept)
	if got := sums(report, metricsLean); !maps.Equal(got, want) {
		return fmt.Errorf("the table has other data than a plain walk: %d series, want %d", len(got), len(want))
	}
	for name, c := range chains {
		c.run(decode(second))
		if got := sums(c.last, metricsLean); !maps.Equal(got, want) {
			return fmt.Errorf("%s keeps other data than the table: %d series, want %d", name, len(got), len(want))
		}
	}
	return nil
}

// observed is the gate after the rounds: of all points that a table was timed
// with it kept a given share, and dropped the rest by their metrics' names.
func observed(share map[*table.Table]float64) error {
	for t, kept := range share {
		c := t.Counters()
		if want := uint64(kept*float64(c.Observed) + 0.5); c.Observed == 0 || c.Kept != want || c.Dropped[table.NotAllowed] != c.Observed-want {
			return fmt.Errorf("of %d points %g of them should have been kept: %+v", c.Observed, kept, c)
		}
	}
	return nil
}

// sums adds up the points of the first kept metrics by metric and kept keys. A
// sum of 0 is as good as none: a report has every series that there may be.
func sums(md pmetric.Metrics, kept int) map[string]float64 {
	allowed := map[string]bool{}
	for i := range kept {
		allowed[metricName(i)] = true
	}
	out := map[string]float64{}
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if !allowed[m.Name()] {
					continue
				}
				for _, dp := range m.Sum().DataPoints().All() {
					var key []string
					for _, k := range keptKeys {
						if v, ok := dp.Attributes().Get(k); ok {
							key = append(key, k+"="+v.Str())
						}
					}
					slices.Sort(key)
					v := dp.DoubleValue()
					if dp.ValueType() == pmetric.NumberDataPointValueTypeInt {
						v = float64(dp.IntValue())
					}
					out[m.Name()+" "+strings.Join(key, ",")] += v
				}
			}
		}
	}
	maps.DeleteFunc(out, func(_ string, v float64) bool { return v == 0 })
	return out
}
