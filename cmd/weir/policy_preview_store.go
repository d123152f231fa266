package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/otlptranslator"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// localStore asks a Prometheus API, the edge's unless it says otherwise. It knows
// no proxy.
type localStore struct {
	base       string
	client     *http.Client
	what, hint string // for who gets no answer
}

func newLocalStore(listen string) localStore {
	if listen == "" {
		listen = "127.0.0.1:7070"
	}
	if host, port, err := net.SplitHostPort(listen); err == nil {
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			listen = net.JoinHostPort("127.0.0.1", port)
		}
	}
	return localStore{"http://" + listen, &http.Client{Timeout: time.Minute, Transport: &http.Transport{}},
		"edge", "start it, or set WEIR_LISTEN to where it listens"}
}

// sample is one series of an answer.
type sample struct {
	Metric    map[string]string `json:"metric"`
	Value     promValue         `json:"value"`
	Histogram *promHistogram    `json:"histogram"`
}

// promValue is [time, "text"].
type promValue float64

func (v *promValue) UnmarshalJSON(data []byte) error {
	var pair [2]any
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	text, _ := pair[1].(string)
	f, err := strconv.ParseFloat(text, 64)
	*v = promValue(f)
	return err
}

// promHistogram is [time, {count, sum, buckets: [[rule, lower, upper, count]]}].
type promHistogram struct {
	Sum     float64
	Buckets []promBucket
}

type promBucket struct{ upper, count float64 }

func (h *promHistogram) UnmarshalJSON(data []byte) error {
	var body struct {
		Sum     string   `json:"sum"`
		Buckets [][4]any `json:"buckets"`
	}
	var at float64
	if err := json.Unmarshal(data, &[2]any{&at, &body}); err != nil {
		return err
	}
	var err error
	if h.Sum, err = strconv.ParseFloat(body.Sum, 64); err != nil {
		return err
	}
	for _, b := range body.Buckets {
		var numbers [2]float64
		for i, from := range []int{2, 3} {
			text, _ := b[from].(string)
			if numbers[i], err = strconv.ParseFloat(text, 64); err != nil {
				return err
			}
		}
		h.Buckets = append(h.Buckets, promBucket{numbers[0], numbers[1]})
	}
	return nil
}

// query answers an instant query now.
func (s localStore) query(ctx context.Context, promql string) ([]sample, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/api/v1/query?query="+url.QueryEscape(promql), nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // without the query
		}
		return nil, fmt.Errorf("no %s answers at %s: %s: %w", s.what, s.base, s.hint, err)
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct{ Result []sample }
	}
	const limit = 64 << 20
	if err := json.NewDecoder(io.LimitReader(resp.Body, limit)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("what answers at %s is no Prometheus API (status %d): %w", s.base, resp.StatusCode, err)
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("ask the %s at %s: %s", s.what, s.base, answer.Error)
	}
	return answer.Data.Result, nil
}

// storedName is a signal's name as the local store spells it.
func storedName(s *policy.Signal) (string, error) {
	kind := otlptranslator.MetricTypeGauge
	switch {
	case s.Kind == policy.KindSum && s.UpDown:
		kind = otlptranslator.MetricTypeNonMonotonicCounter
	case s.Kind == policy.KindSum:
		kind = otlptranslator.MetricTypeMonotonicCounter
	case s.Kind == policy.KindHistogram:
		kind = otlptranslator.MetricTypeHistogram
	}
	namer := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	return namer.Build(otlptranslator.Metric{Name: s.Name, Unit: s.Unit, Type: otlptranslator.MetricType(kind)})
}

// storedLabel is an attribute's key as the local store spells it. A key starts
// with a letter, so how the store mends a leading underscore does not matter.
func storedLabel(key string) (string, error) {
	namer := otlptranslator.LabelNamer{PreserveMultipleUnderscores: true}
	return namer.Build(key)
}

// read asks for what a signal needs: one sample a series of the store's, added up
// over the labels that the policy does not name where that loses nothing.
func (s localStore) read(ctx context.Context, sig *policy.Signal, window time.Duration) ([]sample, error) {
	name, err := storedName(sig)
	if err != nil {
		return nil, fmt.Errorf("spell %s as the store does: %w", sig.Name, err)
	}
	labels := make([]string, len(sig.Attributes))
	for i, a := range sig.Attributes {
		if labels[i], err = storedLabel(a.Key); err != nil {
			return nil, fmt.Errorf("spell %s as the store does: %w", a.Key, err)
		}
	}
	by := strings.Join(labels, ", ")
	over := fmt.Sprintf("[%ds]", int64(math.Ceil(window.Seconds())))
	switch {
	case sig.Kind == policy.KindSum && !sig.UpDown:
		return s.query(ctx, "sum by ("+by+") (increase("+name+over+"))")
	case sig.Kind == policy.KindSum:
		return s.query(ctx, "sum by ("+by+") ("+name+")")
	case sig.Kind == policy.KindGauge && sig.Merge == policy.MergeLast:
		// The times tell which is the last; the values come with the same labels.
		return s.latest(ctx, name)
	case sig.Kind == policy.KindGauge:
		return s.query(ctx, name)
	}
	buckets, err := s.query(ctx, "sum by ("+strings.Join(append([]string{"le"}, labels...), ", ")+") (increase("+name+"_bucket"+over+"))")
	if err != nil {
		return nil, err
	}
	sums, err := s.query(ctx, "sum by ("+by+") (increase("+name+"_sum"+over+"))")
	if err != nil {
		return nil, err
	}
	native, err := s.query(ctx, "sum by ("+by+") (increase("+name+over+"))")
	if err != nil {
		return nil, err
	}
	return append(append(explicit(buckets), sums...), native...), nil
}

// latest gives each series the time of its last sample, beside its value.
func (s localStore) latest(ctx context.Context, name string) ([]sample, error) {
	values, err := s.query(ctx, name)
	if err != nil {
		return nil, err
	}
	times, err := s.query(ctx, "timestamp("+name+")")
	if err != nil {
		return nil, err
	}
	at := map[string]string{}
	for _, t := range times {
		at[labelKey(t.Metric)] = strconv.FormatFloat(float64(t.Value), 'f', 3, 64)
	}
	for i := range values {
		values[i].Metric[timeLabel] = at[labelKey(values[i].Metric)]
	}
	return values, nil
}

// timeLabel cannot be a label of the store's.
const timeLabel = "\x00time"
