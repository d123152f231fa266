package logql

import (
	"cmp"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// absent marks a step without a value. It is Prometheus' staleness marker: a NaN
// that no computation gives.
var absent = math.Float64frombits(value.StaleNaN)

func isAbsent(v float64) bool { return value.IsStaleNaN(v) }

// columns turns what was gathered into values.
func (a *aggregator) columns() ([]column, error) {
	if a.e.Op == syntax.OpAbsentOverTime {
		return a.absence()
	}
	out := make([]column, len(a.series))
	for i := range a.series {
		s := a.series[i]
		if err := a.q.hold(8 * a.windows.n); err != nil {
			return nil, err
		}
		values := make([]float64, a.windows.n)
		if a.unwrapped {
			if err := a.fromSamples(s.samples, values); err != nil {
				return nil, err
			}
		} else {
			a.fromCounts(s, values)
		}
		out[i] = column{metric: s.metric, values: values}
		*s = series{} // let go of what is not needed any more
	}
	slices.SortFunc(out, func(a, b column) int { return labels.Compare(a.metric, b.metric) })
	return out, nil
}

func (a *aggregator) fromCounts(s *series, values []float64) {
	var count, bytes int64
	seconds := a.e.Range.Seconds()
	for k := range values {
		count += s.counts[k]
		if a.bytes {
			bytes += s.bytes[k]
		}
		switch {
		case count == 0:
			values[k] = absent
		case a.e.Op == syntax.OpRate:
			values[k] = float64(count) / seconds
		case a.e.Op == syntax.OpBytesOverTime:
			values[k] = float64(bytes)
		case a.e.Op == syntax.OpBytesRate:
			values[k] = float64(bytes) / seconds
		default:
			values[k] = float64(count)
		}
	}
}

// fromSamples moves a window over the samples in the order of their times.
func (a *aggregator) fromSamples(samples []sample, values []float64) error {
	// Samples of one part came from one reader, in order.
	slices.SortStableFunc(samples, func(a, b sample) int {
		return cmp.Or(cmp.Compare(a.ts, b.ts), cmp.Compare(a.part, b.part))
	})
	low, high := 0, 0
	for k := range values {
		if k%checkEvery == 0 && a.q.ctx.Err() != nil {
			return a.q.ctx.Err()
		}
		t := a.windows.at(k)
		for high < len(samples) && samples[high].ts <= t {
			high++
		}
		for low < high && samples[low].ts <= t-a.windows.width {
			low++
		}
		values[k] = absent
		if low < high {
			values[k] = a.reduce(samples[low:high], t)
		}
	}
	return nil
}

// absence is one element, with the labels that the selector fixes, at the steps
// where no entry was found.
func (a *aggregator) absence() ([]column, error) {
	seen := make([]float64, a.windows.n)
	for i := range seen {
		seen[i] = absent
	}
	for i := range a.series {
		s := a.series[i]
		if a.unwrapped {
			if err := a.fromSamples(s.samples, seen); err != nil {
				return nil, err
			}
		} else {
			a.fromCounts(s, seen)
		}
	}
	some := false
	for k, v := range seen {
		if seen[k] = absent; isAbsent(v) {
			seen[k], some = 1, true
		}
	}
	if !some {
		return nil, nil
	}
	return []column{{metric: fixedLabels(a.e.Log.Matchers), values: seen}}, nil
}

func fixedLabels(matchers []*labels.Matcher) labels.Labels {
	values := map[string]string{}
	twice := map[string]bool{}
	for _, m := range matchers {
		if _, ok := values[m.Name]; ok {
			twice[m.Name] = true
		}
		if m.Type == labels.MatchEqual {
			values[m.Name] = m.Value
		}
	}
	for name := range twice {
		delete(values, name)
	}
	return labels.FromMap(values)
}
