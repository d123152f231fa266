package metricstore_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/localstore/metricstore"
)

func open(t *testing.T, dir string, o metricstore.Options) *metricstore.Store {
	t.Helper()
	s, err := metricstore.Open(dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// dump reads everything in the store, one line a sample, without target_info:
// "name{labels} @<seconds after base> value".
func dump(t *testing.T, s *metricstore.Store, base time.Time) []string {
	t.Helper()
	q, err := s.Querier(math.MinInt64, math.MaxInt64)
	require.NoError(t, err)
	defer q.Close()
	all := labels.MustNewMatcher(labels.MatchNotEqual, model.MetricNameLabel, "target_info")
	set := q.Select(context.Background(), true, nil, all)
	var lines []string
	for set.Next() {
		it := set.At().Iterator(nil)
		for vt := it.Next(); vt != chunkenc.ValNone; vt = it.Next() {
			var val string
			var at int64
			switch vt {
			case chunkenc.ValFloat:
				ts, v := it.At()
				at, val = ts, fmt.Sprint(v)
			default:
				ts, h := it.AtFloatHistogram(nil)
				at, val = ts, fmt.Sprintf("count=%v sum=%v", h.Count, h.Sum)
			}
			lines = append(lines, fmt.Sprintf("%s @%v %s", set.At().Labels(), float64(at-base.UnixMilli())/1000, val))
		}
		require.NoError(t, it.Err())
	}
	require.NoError(t, set.Err())
	return lines
}

// batch is one resource of service "shop" with the metrics that fill adds.
func batch(fill func(ms pmetric.MetricSlice)) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "shop")
	fill(rm.ScopeMetrics().AppendEmpty().Metrics())
	return md
}

func gauge(ms pmetric.MetricSlice, name string, at time.Time, v float64, attrs ...string) pmetric.NumberDataPoint {
	m := ms.AppendEmpty()
	m.SetName(name)
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	set(p, at, v, attrs)
	return p
}

func deltaSum(ms pmetric.MetricSlice, name string, at time.Time, v float64, attrs ...string) pmetric.NumberDataPoint {
	m := ms.AppendEmpty()
	m.SetName(name)
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	p := sum.DataPoints().AppendEmpty()
	set(p, at, v, attrs)
	return p
}

func set(p pmetric.NumberDataPoint, at time.Time, v float64, attrs []string) {
	p.SetTimestamp(pcommon.NewTimestampFromTime(at))
	p.SetDoubleValue(v)
	for i := 0; i+1 < len(attrs); i += 2 {
		p.Attributes().PutStr(attrs[i], attrs[i+1])
	}
}

func add(t *testing.T, s *metricstore.Store, md pmetric.Metrics) metricstore.Result {
	t.Helper()
	before, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	require.NoError(t, err)
	res, err := s.Append(context.Background(), md)
	require.NoError(t, err)
	after, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	require.NoError(t, err)
	require.Equal(t, before, after, "Append changed its argument")
	return res
}

func text(lines []string) string { return strings.Join(lines, "\n") }
