package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/table"
)

func main() {
	rounds := flag.Int("rounds", 9, "rounds; each figure is the median of its rounds")
	folder := flag.String("o", "", "folder for redaction.md and redaction.svg; empty: only print")
	flag.Parse()
	err := run(*rounds, *folder)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "redaction:", err)
	if errors.Is(err, errShort) {
		os.Exit(1)
	}
	os.Exit(2)
}

// keptLean of the lean batch's metrics are 7.5 %, and a few points.
const keptLean = metricsLean * keptMetrics / metricsPerBatch

func run(rounds int, folder string) error {
	g := newGenerator(metricsPerBatch)
	lean := newGenerator(metricsLean)
	bare := newGenerator(metricsPerBatch)
	bare.bare = true
	kept := namesOf(keptMetrics, keptMetrics)
	fast := newChain(filterStrict(kept), transformKeepKeys(), redactKeys())
	perMetric := newChain(filterIsMatch(kept), transformPerMetric(kept), redactKeys())
	fastAll := newChain(filterStrict(namesOf(metricsPerBatch, metricsPerBatch)), transformKeepKeys(), redactKeys())
	for _, c := range []struct {
		g      *generator
		kept   int
		chains map[string]*chain
	}{
		{g, keptMetrics, map[string]*chain{"filter alternatives + transform + redaction": newChain(filterAlternatives(kept), transformKeepKeys(), redactKeys()), "filter strict + transform + redaction": fast, "filter IsMatch + transform + redaction": perMetric}},
		{g, metricsPerBatch, map[string]*chain{"filter strict + transform + redaction": fastAll}},
		{lean, keptLean, map[string]*chain{"filter strict + transform + redaction, 4 points a metric": newChain(filterStrict(namesOf(keptLean, keptLean)), transformKeepKeys(), redactKeys())}},
	} {
		if err := check(c.g, c.kept, c.chains); err != nil {
			return fmt.Errorf("the two sides do not agree, so no figure counts: %w", err)
		}
	}

	some := newTable(policyOf(keptMetrics, keptMetrics))
	all := newTable(policyOf(metricsPerBatch, metricsPerBatch))
	none := newTable(policyOf(0, 10))
	ten, thousand, tenThousand := newTable(policyOf(keptMetrics, 10)), newTable(policyOf(keptMetrics, 1000)), newTable(policyOf(keptMetrics, 10000))
	values := newChain(redactValues())
	isMatch1000 := newChain(filterIsMatch(namesOf(keptMetrics, 1000)))
	alternatives1000 := newChain(filterAlternatives(namesOf(keptMetrics, 1000)))
	noneLean, noneBare, someLean, thousandLean := newTable(policyOf(0, 10)), newTable(policyOf(0, 10)), newTable(policyOf(keptLean, keptLean)), newTable(policyOf(keptLean, 1000))
	logs, spans := newRecords()

	s := map[string][]float64{} // ns a point, by what was timed
	add := func(name string, ns float64) { s[name] = append(s[name], ns) }
	for i := range rounds + 1 {
		fmt.Fprintf(os.Stderr, "\rround %d of %d", i, rounds)
		r := newRound(g)
		points := batchesPerRound * pointsPerBatch
		time := func(name string, f func(pmetric.Metrics)) {
			d := r.fresh(f)
			if i > 0 { // the first round lets every source be seen once
				add(name, perItem(d, points))
			}
		}
		if d := r.unmarshal(); i > 0 {
			add("unmarshal", perItem(d, points))
		}
		rl := newRound(lean)
		if d := rl.unmarshal(); i > 0 {
			add("unmarshal lean", perItem(d, points))
		}
		timeLean := func(name string, f func(pmetric.Metrics)) {
			if d := rl.fresh(f); i > 0 {
				add(name, perItem(d, points))
			}
		}
		timeLean("observe none lean", noneLean.Observe)
		timeLean("observe some lean", someLean.Observe)
		timeLean("observe 1000 names lean", thousandLean.Observe)
		timeLean("ismatch 1000 lean", isMatch1000.run)
		timeLean("alternatives 1000 lean", alternatives1000.run)
		rb := newRound(bare)
		if d, e := rb.unmarshal(), rb.fresh(noneBare.Observe); i > 0 {
			add("unmarshal bare", perItem(d, points))
			add("observe none bare", perItem(e, points))
		}
		for name, v := range map[string]records{"log record": logs, "span": spans} {
			if d, e := v.measure(); i > 0 {
				add("unmarshal "+name, perItem(d, points))
				add("count "+name, perItem(e, points))
			}
		}
		time("observe some", some.Observe)
		time("observe all", all.Observe)
		time("observe none", none.Observe)
		time("observe 10 names", ten.Observe)
		time("observe 1000 names", thousand.Observe)
		time("observe 10000 names", tenThousand.Observe)
		time("chain", fast.run)
		time("chain cloned", cloned(fast.run))
		time("chain all", fastAll.run)
		time("chain all cloned", cloned(fastAll.run))
		time("per metric", perMetric.run)
		time("per metric cloned", cloned(perMetric.run))
		time("values", values.run)
		time("ismatch 1000", isMatch1000.run)
		time("alternatives 1000", alternatives1000.run)
		time("clone", cloned(func(pmetric.Metrics) {}))
		// The parallel figure wants tables that have seen this round's sources
		// in the same state, so it has two of its own rounds.
		one, two := newRound(g), newRound(g)
		if d1, d2 := one.parallel(1, some.Observe), two.parallel(2, some.Observe); i > 0 {
			add("1 goroutine", perItem(d1, points))
			add("2 goroutines", perItem(d2, points))
		}
	}
	fmt.Fprintln(os.Stderr)
	if err := observed(map[*table.Table]float64{
		all: 1, ten: float64(keptMetrics) / metricsPerBatch, thousand: float64(keptMetrics) / metricsPerBatch, tenThousand: float64(keptMetrics) / metricsPerBatch,
		someLean: float64(keptLean) / metricsLean, thousandLean: float64(keptLean) / metricsLean, none: 0, noneLean: 0, noneBare: 0,
	}); err != nil {
		return fmt.Errorf("what was timed is not what was meant, so no figure counts: %w", err)
	}

	steady := decode(g.next())
	allocs := testing.AllocsPerRun(50, func() {
		all.Observe(steady)
		some.Observe(steady)
		none.Observe(steady)
	}) / (3 * pointsPerBatch)
	allocs += logs.allocations() + spans.allocations()

	ratio := func(a, b string) float64 {
		out := make([]float64, len(s[a]))
		for i := range out {
			out[i] = s[a][i] / s[b][i]
		}
		return median(out)
	}
	f := figures{s: s}
	f.atMost("observe_some_percent_of_unmarshal", 100*ratio("observe some", "unmarshal"), 1.0)
	f.atMost("observe_all_percent_of_unmarshal", 100*ratio("observe all", "unmarshal"), 7)
	f.atLeast("chain_cloned_per_observe", ratio("chain cloned", "observe some"), 25)
	f.atLeast("chain_per_observe", ratio("chain", "observe some"), 3)
	f.atLeast("redaction_values_per_observe", ratio("values", "observe some"), 300)
	f.atLeast("ismatch_1000_per_observe_1000", ratio("ismatch 1000", "observe 1000 names"), 50)
	f.atLeast("ismatch_1000_per_observe_1000_4_points_a_metric", ratio("ismatch 1000 lean", "observe 1000 names lean"), 50)
	f.atMost("allocations_per_item", allocs, 0)
	f.atMost("observe_none_percent_of_unmarshal", 100*ratio("observe none", "unmarshal"), 0.4)
	f.atMost("observe_none_4_points_a_metric_percent_of_unmarshal", 100*ratio("observe none lean", "unmarshal lean"), 0.4)
	f.atMost("observe_none_no_attributes_percent_of_unmarshal", 100*ratio("observe none bare", "unmarshal bare"), 0.4)
	f.atMost("observe_some_4_points_a_metric_percent_of_unmarshal", 100*ratio("observe some lean", "unmarshal lean"), 1.0)
	f.atMost("names_10000_per_10", ratio("observe 10000 names", "observe 10 names"), 1.3)
	f.atMost("two_goroutines_per_one", ratio("2 goroutines", "1 goroutine"), 1.15)
	f.atMost("vitals_log_record_percent_of_unmarshal", 100*ratio("count log record", "unmarshal log record"), 0.6)
	f.atMost("vitals_span_percent_of_unmarshal", 100*ratio("count span", "unmarshal span"), 1.0)
	return f.finish(folder, fmt.Sprintf("%d rounds of %d batches of %d items", rounds, batchesPerRound, pointsPerBatch))
}
