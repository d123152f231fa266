package logql

import (
	"cmp"
	"math"
	"slices"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// reduce makes one number of the samples in a window that ends at t.
func (a *aggregator) reduce(s []sample, t int64) float64 {
	switch a.e.Op {
	case syntax.OpSumOverTime:
		return sum(s)
	case syntax.OpRate:
		return sum(s) / a.e.Range.Seconds()
	case syntax.OpRateCounter:
		return a.rateCounter(s, t)
	case syntax.OpAvgOverTime:
		return mean(s)
	case syntax.OpMinOverTime:
		return slices.MinFunc(s, compareValues).v
	case syntax.OpMaxOverTime:
		return slices.MaxFunc(s, compareValues).v
	case syntax.OpFirstOverTime:
		return s[0].v
	case syntax.OpLastOverTime:
		return s[len(s)-1].v
	case syntax.OpStdvarOverTime:
		return variance(s)
	case syntax.OpStddevOverTime:
		return math.Sqrt(variance(s))
	case syntax.OpQuantileOverTime:
		return quantile(*a.e.Param, s)
	}
	return float64(len(s))
}

func compareValues(a, b sample) int { return cmp.Compare(a.v, b.v) }

// sum adds with Neumaier's compensation, so that the order matters little.
func sum(s []sample) float64 {
	var total, lost float64
	for _, x := range s {
		t := total + x.v
		switch {
		case math.IsInf(t, 0):
			lost = 0
		case math.Abs(total) >= math.Abs(x.v):
			lost += (total - t) + x.v
		default:
			lost += (x.v - t) + total
		}
		total = t
	}
	return total + lost
}

func mean(s []sample) float64 { return sum(s) / float64(len(s)) }

// variance is that of the population, by Welford's method.
func variance(s []sample) float64 {
	var m, m2 float64
	for i, x := range s {
		d := x.v - m
		m += d / float64(i+1)
		m2 += d * (x.v - m)
	}
	return m2 / float64(len(s))
}

// quantile interpolates between the two nearest ranks, as Prometheus does.
func quantile(phi float64, s []sample) float64 {
	switch {
	case math.IsNaN(phi):
		return math.NaN()
	case phi < 0:
		return math.Inf(-1)
	case phi > 1:
		return math.Inf(1)
	}
	v := make([]float64, len(s))
	for i := range s {
		v[i] = s[i].v
	}
	slices.Sort(v)
	rank := phi * float64(len(v)-1)
	low := max(0, math.Floor(rank))
	high := min(float64(len(v)-1), low+1)
	weight := rank - math.Floor(rank)
	return v[int(low)]*(1-weight) + v[int(high)]*weight
}

// rateCounter treats the values as a counter: resets are bridged, and the
// increase is extended to the window's ends where samples come close to them,
// as Prometheus' rate does.
func (a *aggregator) rateCounter(s []sample, t int64) float64 {
	if len(s) < 2 {
		return 0
	}
	first, last := s[0], s[len(s)-1]
	increase := last.v - first.v
	before := first.v
	for _, x := range s[1:] {
		if x.v < before {
			increase += before
		}
		before = x.v
	}
	const second = 1e9
	covered := float64(last.ts-first.ts) / second
	if covered == 0 {
		return 0
	}
	toStart := float64(first.ts-(t-a.windows.width)) / second
	toEnd := float64(t-last.ts) / second
	average := covered / float64(len(s)-1)
	threshold := average * 1.1
	if toStart >= threshold {
		toStart = average / 2
	}
	if increase > 0 && first.v >= 0 {
		// A counter starts at zero: do not reach back beyond that.
		toStart = min(toStart, covered*(first.v/increase))
	}
	if toEnd >= threshold {
		toEnd = average / 2
	}
	return increase * (covered + toStart + toEnd) / covered / a.e.Range.Seconds()
}
