package table

import (
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// DigestKey is the resource attribute that says under which policy a report
// was made.
const DigestKey = "weir.policy.digest"

// text is an attribute of the report's resource.
type text struct {
	attribute *attribute // nil: the digest, a plain string
	key, text string
}

// identityOf checks the values of the policy's identity.
func identityOf(h *hasher, p *policy.Policy, o Options) ([]text, error) {
	list := []text{{key: DigestKey, text: p.Digest.String()}}
	for i := range p.Identity {
		a := newAttribute(h, &p.Identity[i])
		value, ok := o.Identity[a.key]
		if ok && a.kind == policy.DomainHMAC && len(o.Key) > 0 {
			value = keyed(o.Key, value)
		}
		if !ok || !p.Identity[i].Domain.Contains(value) {
			return nil, fmt.Errorf("%w: %s has no value of its domain: set it in the allowlist processor's 'identity'", ErrIdentity, a.key)
		}
		list = append(list, text{&a, a.key, value})
	}
	slices.SortFunc(list, func(a, b text) int {
		if a.key < b.key {
			return -1
		}
		return 1
	})
	return list, nil
}

// Report builds the report of the interval that ends at now, and begins the
// next one. Sums and histograms go on, gauges start anew. Each signal is read
// at one moment, not all of them at the same.
func (t *Table) Report(now time.Time) (pmetric.Metrics, error) {
	if now.Before(t.start) {
		return pmetric.Metrics{}, fmt.Errorf("report at a time before the table began: the clock went back by %s", t.start.Sub(now))
	}
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	resource := rm.Resource().Attributes()
	for _, x := range t.identity {
		if x.attribute == nil {
			resource.PutStr(x.key, x.text)
			continue
		}
		x.attribute.put(resource, x.text)
	}
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("weir")
	at := stamps{start: truncate(t.start, t.policy.Interval), time: truncate(now, t.policy.Interval)}
	for _, s := range t.signals {
		s.report(sm.Metrics(), at, now)
	}
	return md, nil
}

// stamps are the two timestamps of a report.
type stamps struct{ start, time pcommon.Timestamp }

// truncate counts intervals from the Unix epoch.
func truncate(at time.Time, interval time.Duration) pcommon.Timestamp {
	n := uint64(at.UnixNano())
	return pcommon.Timestamp(n - n%uint64(max(interval, 1)))
}

// report appends the signal, and begins its next interval.
func (s *signal) report(to pmetric.MetricSlice, at stamps, now time.Time) {
	s.expired.Store(s.policy.Expired(now))
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.turn(now)
	if s.kind == policy.KindGauge {
		s.settle()
		defer clear(s.gauges)
	}
	if s.expired.Load() || s.dict != nil && len(s.dict.series) == 0 {
		return
	}
	m := to.AppendEmpty()
	m.SetName(s.name)
	m.SetUnit(s.unit)
	switch s.kind {
	case policy.KindSum:
		sum := m.SetEmptySum()
		sum.SetIsMonotonic(!s.policy.UpDown)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		values := s.values
		if s.policy.UpDown {
			values = s.standing()
		}
		s.series(func(cell int32, texts []string) {
			dp := sum.DataPoints().AppendEmpty()
			s.put(dp.Attributes(), texts)
			dp.SetStartTimestamp(at.start)
			dp.SetTimestamp(at.time)
			dp.SetDoubleValue(s.policy.Value.Snap(values[cell]))
		})
	case policy.KindGauge:
		gauge := m.SetEmptyGauge()
		s.series(func(cell int32, texts []string) {
			dp := gauge.DataPoints().AppendEmpty()
			s.put(dp.Attributes(), texts)
			dp.SetTimestamp(at.time)
			if v, ok := s.gauges[cell].reading(s.policy.Value); ok {
				dp.SetDoubleValue(v)
			} else {
				dp.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
			}
		})
	case policy.KindHistogram:
		histogram := m.SetEmptyHistogram()
		histogram.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		s.series(func(cell int32, texts []string) {
			dp := histogram.DataPoints().AppendEmpty()
			s.put(dp.Attributes(), texts)
			dp.SetStartTimestamp(at.start)
			dp.SetTimestamp(at.time)
			s.putHistogram(dp, cell)
		})
	}
}

func (s *signal) putHistogram(dp pmetric.HistogramDataPoint, cell int32) {
	counts := s.counts[int(cell)*s.width : (int(cell)+1)*s.width]
	var total uint64
	for _, n := range counts {
		total += n
	}
	dp.SetCount(total)
	dp.BucketCounts().FromRaw(counts)
	dp.ExplicitBounds().FromRaw(s.bounds)
	if s.policy.HasValue {
		dp.SetSum(s.policy.Value.Snap(s.values[cell]))
	}
}

// series visits the series in the order of a report. texts is reused.
func (s *signal) series(visit func(cell int32, texts []string)) {
	if s.dict != nil {
		for _, cell := range s.dict.sorted() {
			visit(cell, s.dict.series[cell])
		}
		return
	}
	texts := make([]string, len(s.attributes))
	digits := make([]int, len(s.attributes))
	for cell := int32(0); ; cell++ {
		for j, d := range digits {
			texts[j] = s.attributes[j].texts[d]
		}
		visit(cell, texts)
		j := len(digits) - 1
		for ; j >= 0; j-- { // the next number in mixed radix
			if digits[j]++; digits[j] < len(s.attributes[j].texts) {
				break
			}
			digits[j] = 0
		}
		if j < 0 {
			return
		}
	}
}

func (s *signal) put(m pcommon.Map, texts []string) {
	m.EnsureCapacity(len(texts))
	for j := range s.attributes {
		s.attributes[j].put(m, texts[j])
	}
}
