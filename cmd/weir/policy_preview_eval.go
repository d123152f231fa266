package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// preview is what would leave under one policy. Its JSON is stable.
type preview struct {
	File    string          `json:"file"`
	Digest  policy.Digest   `json:"digest"`
	From    string          `json:"from"`
	Signals []previewSignal `json:"signals"`
}

type previewSignal struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Unit string `json:"unit"`
	// Seen says that the local store has the metric.
	Seen   bool            `json:"seen"`
	Series []previewSeries `json:"series"`
	// DroppedSeries counts the store's series, after what no attribute names was
	// added up, that the policy drops; LimitedSeries those beyond max_series.
	DroppedSeries int `json:"dropped_series"`
	LimitedSeries int `json:"limited_series"`
}

type previewSeries struct {
	Attributes map[string]string `json:"attributes"`
	// Value is what a report says: of a sum what it grew by in the window.
	Value *float64 `json:"value,omitempty"`
	// Buckets are a histogram's counts, one more than its bounds.
	Buckets []float64 `json:"buckets,omitempty"`
	key     string
}

// evaluate asks the local store for every signal of the policy.
func evaluate(ctx context.Context, store localStore, file string, p *policy.Policy, window time.Duration, now time.Time) (preview, error) {
	out := preview{File: file, Digest: p.Digest, From: shortWindow(window), Signals: []previewSignal{}}
	if p.Expired(now) {
		return out, nil
	}
	for i := range p.Signals {
		s := &p.Signals[i]
		if s.Expired(now) {
			continue
		}
		samples, err := store.read(ctx, s, window)
		if err != nil {
			return out, err
		}
		one, err := project(s, samples)
		if err != nil {
			return out, err
		}
		out.Signals = append(out.Signals, one)
	}
	return out, nil
}

// shortWindow drops the zeros that Go appends: 1h0m0s is 1h.
func shortWindow(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// cell gathers what meets in one series of the report.
type cell struct {
	attributes map[string]string
	value      float64
	n          int
	latest     float64
	buckets    []float64
}

// project puts the store's series into those of the report.
func project(s *policy.Signal, samples []sample) (previewSignal, error) {
	out := previewSignal{Name: s.Name, Kind: s.Kind.String(), Unit: s.Unit, Seen: len(samples) > 0, Series: []previewSeries{}}
	cells := map[string]*cell{}
	hashes := hashesOf(s, samples)
	dropped, limited := map[string]bool{}, map[string]bool{}
	if s.DenseSize() >= 0 {
		dense(s.Attributes, map[string]string{}, func(attributes map[string]string) {
			cells[labelKey(attributes)] = &cell{attributes: attributes}
		})
	}
	for _, x := range samples {
		attributes, ok, err := allowed(s, x.Metric, hashes)
		if err != nil {
			return out, err
		}
		if !ok {
			source := maps.Clone(x.Metric)
			delete(source, "le")
			dropped[labelKey(source)] = true
			continue
		}
		key := labelKey(attributes)
		c := cells[key]
		if c == nil {
			if len(cells) >= s.MaxSeries {
				limited[key] = true
				continue
			}
			c = &cell{attributes: attributes}
			cells[key] = c
		}
		c.add(s, x)
	}
	out.DroppedSeries, out.LimitedSeries = len(dropped), len(limited)
	for key, c := range cells {
		out.Series = append(out.Series, c.series(s, key))
	}
	slices.SortFunc(out.Series, func(a, b previewSeries) int { return cmp.Compare(a.key, b.key) })
	return out, nil
}

// allowed maps the store's labels onto the policy's attributes. The store keeps
// every value as text, so 42 and "42" cannot be told apart here.
func allowed(s *policy.Signal, labels map[string]string, hashes map[string]string) (map[string]string, bool, error) {
	attributes := map[string]string{}
	for _, a := range s.Attributes {
		label, err := storedLabel(a.Key)
		if err != nil {
			return nil, false, err
		}
		value := labels[label]
		switch {
		case a.Domain.Kind == policy.DomainHMAC && value != "":
			attributes[a.Key] = hashes[value]
		case value != "" && a.Domain.Contains(value):
			attributes[a.Key] = value
		case a.Otherwise.Drop:
			return nil, false, nil
		default:
			attributes[a.Key] = a.Otherwise.Constant
		}
	}
	return attributes, true, nil
}

// hashesOf stands in for hmac values: the install's key is for reports alone.
func hashesOf(s *policy.Signal, samples []sample) map[string]string {
	values := map[string]string{}
	for _, a := range s.Attributes {
		if label, err := storedLabel(a.Key); err == nil && a.Domain.Kind == policy.DomainHMAC {
			for _, x := range samples {
				values[x.Metric[label]] = ""
			}
		}
	}
	for i, v := range slices.Sorted(maps.Keys(values)) {
		values[v] = "<hash " + strconv.Itoa(i+1) + ">"
	}
	return values
}

// dense visits every series of a dense signal.
func dense(rest []policy.Attribute, taken map[string]string, visit func(map[string]string)) {
	if len(rest) == 0 {
		visit(maps.Clone(taken))
		return
	}
	var values []string
	switch a := rest[0]; a.Domain.Kind {
	case policy.DomainEnum:
		values = slices.Clone(a.Domain.Values)
	case policy.DomainBool:
		values = []string{"false", "true"}
	case policy.DomainInt:
		for i := a.Domain.Min; i <= a.Domain.Max; i++ {
			values = append(values, strconv.FormatInt(i, 10))
		}
	}
	if a := rest[0]; !a.Otherwise.Drop && !a.Domain.Contains(a.Otherwise.Constant) {
		values = append(values, a.Otherwise.Constant)
	}
	for _, v := range values {
		taken[rest[0].Key] = v
		dense(rest[1:], taken, visit)
	}
	delete(taken, rest[0].Key)
}

func (c *cell) add(s *policy.Signal, x sample) {
	v := float64(x.Value)
	switch {
	case s.Kind == policy.KindHistogram:
		c.addHistogram(s, x)
		return
	case math.IsNaN(v) || math.IsInf(v, 0):
		return
	case s.Kind == policy.KindSum || s.Merge == policy.MergeSum || s.Merge == policy.MergeMean:
		c.value += v
	case s.Merge == policy.MergeMin && (c.n == 0 || v < c.value), s.Merge == policy.MergeMax && (c.n == 0 || v > c.value):
		c.value = v
	case s.Merge == policy.MergeLast:
		if at, err := strconv.ParseFloat(x.Metric[timeLabel], 64); err == nil && (c.n == 0 || at >= c.latest) {
			c.value, c.latest = v, at
		}
	}
	c.n++
}

// addHistogram puts buckets onto the policy's bounds: each goes where its upper
// bound lies. A sample without buckets is a sum.
func (c *cell) addHistogram(s *policy.Signal, x sample) {
	if c.buckets == nil {
		c.buckets = make([]float64, len(s.Bounds)+1)
	}
	if x.Histogram == nil {
		c.value += max(0, float64(x.Value))
		return
	}
	c.value += max(0, x.Histogram.Sum)
	for _, b := range x.Histogram.Buckets {
		at, _ := slices.BinarySearch(s.Bounds, b.upper)
		c.buckets[at] += b.count
	}
}

// series is the cell as a report says it: clamped, rounded to the step, or
// without a value where a gauge has none.
func (c *cell) series(s *policy.Signal, key string) previewSeries {
	out := previewSeries{Attributes: c.attributes, key: key}
	v := c.value
	if s.Merge == policy.MergeMean && c.n > 0 {
		v /= float64(c.n)
	}
	if s.HasValue && (s.Kind != policy.KindGauge || c.n > 0) {
		v = s.Value.Snap(v)
		out.Value = &v
	}
	if s.Kind == policy.KindHistogram {
		out.Buckets = make([]float64, len(s.Bounds)+1)
		for i, n := range c.buckets {
			out.Buckets[i] = math.Min(math.Round(n), policy.MaxBucketCount)
		}
	}
	return out
}

// explicit turns cumulative le buckets into plain ones, a sample for each series.
func explicit(buckets []sample) []sample {
	type bound struct{ upper, count float64 }
	grouped := map[string][]bound{}
	metrics := map[string]map[string]string{}
	for _, b := range buckets {
		upper, err := strconv.ParseFloat(b.Metric["le"], 64)
		if err != nil {
			continue
		}
		rest := maps.Clone(b.Metric)
		delete(rest, "le")
		key := labelKey(rest)
		metrics[key] = rest
		grouped[key] = append(grouped[key], bound{upper, float64(b.Value)})
	}
	var out []sample
	for _, key := range slices.Sorted(maps.Keys(grouped)) {
		list := grouped[key]
		slices.SortFunc(list, func(a, b bound) int { return cmp.Compare(a.upper, b.upper) })
		h := &promHistogram{}
		before := 0.0
		for _, b := range list {
			h.Buckets = append(h.Buckets, promBucket{b.upper, max(0, b.count-before)})
			before = max(before, b.count)
		}
		out = append(out, sample{Metric: metrics[key], Histogram: h})
	}
	return out
}

// labelKey is one text for a set of labels. The name is none of them: a
// function of a metric has lost it.
func labelKey(labels map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if k != "__name__" && k != timeLabel {
			fmt.Fprintf(&b, "%s=%q,", k, labels[k])
		}
	}
	return strings.TrimSuffix(b.String(), ",")
}
