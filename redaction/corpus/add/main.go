// Add adds the reports that this version of the table builds to the corpus, as
// one new folder:
//
//	go run ./redaction/corpus/add 2026-11-22-0.1.0
//
// Cases named behind it are added alone, and a second folder of a day and version
// has a number: a set of entries that comes between two releases brings its case.
//
//	go run ./redaction/corpus/add 2026-11-22-0.1.0-2 environment
//
// It changes nothing that is there. What is fed to the table is made from the
// policies in cases/: values inside and outside of each domain, sums that are
// reset, gauges that are missing for an interval.
package main

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/corpus"
	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

const reports = 4 // of each case

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "add: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) < 2 || !regexp.MustCompile(`^\d{4}-\d\d-\d\d-\d+\.\d+\.\d+(-\d+)?$`).MatchString(os.Args[1]) {
		return errors.New("usage: go run ./redaction/corpus/add YYYY-MM-DD-VERSION[-N] [CASE...]")
	}
	all := filepath.Join("redaction", "corpus", "add", "cases")
	cases, err := filepath.Glob(filepath.Join(all, "*"))
	if err != nil || len(cases) == 0 {
		return errors.New("no cases: run it from the repository's root")
	}
	if named := os.Args[2:]; len(named) > 0 {
		for i, name := range named {
			named[i] = filepath.Join(all, name)
			if !slices.Contains(cases, named[i]) {
				return fmt.Errorf("no case %q in %s", name, all)
			}
		}
		cases = named
	}
	to := filepath.Join("redaction", "corpus", "testdata", os.Args[1])
	if err := os.Mkdir(to, 0o755); err != nil {
		return fmt.Errorf("%w: a folder of the corpus is never changed", err)
	}
	began, err := time.Parse(time.DateOnly, os.Args[1][:10])
	if err != nil {
		return err
	}
	for _, c := range cases {
		if err := add(c, filepath.Join(to, filepath.Base(c)), began); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	return nil
}

func add(from, to string, began time.Time) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	p, err := corpus.Policy(to)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(uint64(began.Unix()), uint64(len(p.Signals))))
	identity := map[string]string{gate.InstallKey: "0194f3c2-5a31-4d2b-9c1e-1234567890ab"}
	for _, a := range p.Identity {
		if a.Key != gate.InstallKey {
			identity[a.Key] = inside(random, a.Domain)
		}
	}
	t, err := table.New(p, table.Options{Key: make([]byte, 32), Identity: identity, Start: began})
	if err != nil {
		return err
	}
	for n := 1; n <= reports; n++ {
		now := began.Add(time.Duration(n)*p.Interval + p.Interval/3)
		t.Observe(telemetry(random, p, began, now, n))
		md, err := t.Report(now)
		if err != nil {
			return err
		}
		stamp(md, now.Truncate(p.Interval), n)
		body, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
		if err != nil {
			return err
		}
		if err := gate.CheckBytes(p, body, gate.Facts{Now: now}); err != nil {
			return fmt.Errorf("report %d: %w", n, err)
		}
		if err := os.WriteFile(filepath.Join(to, fmt.Sprintf("%02d.report", n)), body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// stamp adds the sequence, as upstream does.
func stamp(md pmetric.Metrics, at time.Time, n int) {
	m := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	m.SetName(gate.SequenceMetric)
	m.SetUnit(gate.SequenceUnit)
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(at))
	p.SetDoubleValue(float64(n))
}

// telemetry has each signal of the policy with several points.
func telemetry(r *rand.Rand, p *policy.Policy, began, now time.Time, n int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	sm := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	from, at := pcommon.NewTimestampFromTime(began.Add(time.Second)), pcommon.NewTimestampFromTime(now.Add(-time.Second))
	for i := range p.Signals {
		s := &p.Signals[i]
		if s.Kind == policy.KindGauge && n == 3 {
			continue // not measured in this interval
		}
		m := sm.Metrics().AppendEmpty()
		m.SetName(s.Name)
		m.SetUnit(s.Unit)
		for k := range 8 {
			attributes := func(to pcommon.Map) {
				to.PutInt("source", int64(k))
				for _, a := range s.Attributes {
					if r.IntN(8) == 0 {
						to.PutStr(a.Key, "outside of every domain")
					} else if r.IntN(12) > 0 {
						put(to, a, inside(r, a.Domain))
					}
				}
			}
			switch s.Kind {
			case policy.KindSum:
				if m.Type() != pmetric.MetricTypeSum {
					m.SetEmptySum().SetIsMonotonic(!s.UpDown)
					m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
				}
				number(m.Sum().DataPoints().AppendEmpty(), from, at, math.Abs(value(r, s)), attributes)
			case policy.KindGauge:
				if m.Type() != pmetric.MetricTypeGauge {
					m.SetEmptyGauge()
				}
				number(m.Gauge().DataPoints().AppendEmpty(), 0, at, value(r, s), attributes)
			case policy.KindHistogram:
				if m.Type() != pmetric.MetricTypeHistogram {
					m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
				}
				histogram(r, m.Histogram().DataPoints().AppendEmpty(), s, from, at, attributes)
			}
		}
	}
	return md
}

// value is mostly inside the signal's range.
func value(r *rand.Rand, s *policy.Signal) float64 {
	if !s.HasValue {
		return 1
	}
	span := math.Min(s.Value.Max-s.Value.Min, 1000)
	return s.Value.Min + span*(r.Float64()*1.1-0.05)
}

func number(p pmetric.NumberDataPoint, from, at pcommon.Timestamp, v float64, attributes func(pcommon.Map)) {
	p.SetStartTimestamp(from)
	p.SetTimestamp(at)
	p.SetDoubleValue(v)
	attributes(p.Attributes())
}

func histogram(r *rand.Rand, p pmetric.HistogramDataPoint, s *policy.Signal, from, at pcommon.Timestamp, attributes func(pcommon.Map)) {
	p.SetStartTimestamp(from)
	p.SetTimestamp(at)
	p.ExplicitBounds().FromRaw(s.Bounds)
	total := uint64(0)
	for range len(s.Bounds) + 1 {
		c := uint64(r.IntN(20))
		p.BucketCounts().Append(c)
		total += c
	}
	p.SetCount(total)
	p.SetSum(float64(total) * s.Bounds[0])
	attributes(p.Attributes())
}

// put writes a value in its domain's type.
func put(to pcommon.Map, a policy.Attribute, text string) {
	switch a.Domain.Kind {
	case policy.DomainBool:
		to.PutBool(a.Key, text == "true")
	case policy.DomainInt:
		n, _ := strconv.ParseInt(text, 10, 64) // of inside
		to.PutInt(a.Key, n)
	default:
		to.PutStr(a.Key, text)
	}
}

// inside is a value that the domain contains.
func inside(r *rand.Rand, d policy.Domain) string {
	switch d.Kind {
	case policy.DomainEnum:
		return d.Values[r.IntN(len(d.Values))]
	case policy.DomainBool:
		return strconv.FormatBool(r.IntN(2) == 0)
	case policy.DomainInt:
		return strconv.FormatInt(d.Min+r.Int64N(d.Max-d.Min+1), 10)
	case policy.DomainSemver:
		return fmt.Sprintf("%d.%d.%d-rc.1", r.IntN(3), r.IntN(3), r.IntN(3))
	case policy.DomainUUID:
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", r.IntN(9))
	default: // hmac: any text, of which the table makes a hash
		return fmt.Sprintf("tenant %d", r.IntN(9))
	}
}
