package vitals

import (
	"math/bits"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Classes of HTTP status; requests without one are the last.
const (
	noClass = 5
	classes = 6
)

var classNames = [classes]string{"1xx", "2xx", "3xx", "4xx", "5xx", "none"}

// Bounds of the durations, in seconds, as the semantic conventions advise for
// http.server.request.duration.
var durationBounds = [...]float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

const durationBuckets = len(durationBounds) + 1

// boundsNanos are the same in the unit of the spans' times.
var boundsNanos = func() (b [len(durationBounds)]uint64) {
	for i, s := range durationBounds {
		b[i] = uint64(s*1e6+0.5) * 1000
	}
	return b
}()

// requests are the numbers of one service, or of one resource of a batch.
type requests struct {
	byClass [classes]uint64
	errors  uint64
	buckets [durationBuckets]uint64
	nanos   float64
	count   uint64
}

func (r *requests) add(o *requests) {
	for i, n := range o.byClass {
		r.byClass[i] += n
	}
	for i, n := range o.buckets {
		r.buckets[i] += n
	}
	r.errors += o.errors
	r.nanos += o.nanos
	r.count += o.count
}

// Traces counts the spans of a batch that arrived at the given time: those that
// serve a request or take a message. Of others it only hears their service.
func (v *Vitals) Traces(td ptrace.Traces, arrived time.Time) {
	now := arrived.UnixNano()
	resources := td.ResourceSpans()
	for i := range resources.Len() {
		rs := resources.At(i)
		var served requests
		spans := 0
		scopes := rs.ScopeSpans()
		for j := range scopes.Len() {
			list := scopes.At(j).Spans()
			n := list.Len()
			spans += n
			for k := range n {
				span := list.At(k)
				if kind := span.Kind(); kind == ptrace.SpanKindServer || kind == ptrace.SpanKindConsumer {
					served.span(span)
				}
			}
		}
		if spans == 0 {
			continue
		}
		name, ver := identity(rs.Resource().Attributes())
		v.mu.Lock()
		s := v.heard(name, ver, now)
		if served.count > 0 {
			s.requests.add(&served)
		}
		v.mu.Unlock()
	}
}

func (r *requests) span(span ptrace.Span) {
	class := statusClass(span.Attributes())
	r.byClass[class]++
	r.count++
	var failed uint64
	if span.Status().Code() == ptrace.StatusCodeError {
		failed = 1
	}
	if class == 4 {
		failed = 1
	}
	r.errors += failed
	// A time that is not set, or that runs backwards, is a duration of 0 and
	// not one of fifty years.
	var nanos uint64
	if start, end := uint64(span.StartTimestamp()), uint64(span.EndTimestamp()); start > 0 && end > start {
		nanos = end - start
	}
	// The borrow is 1 where the duration is above the bound: no branch that
	// random durations would mispredict.
	var bucket uint64
	for _, bound := range boundsNanos {
		_, above := bits.Sub64(bound, nanos, 0)
		bucket += above
	}
	r.buckets[bucket]++
	r.nanos += float64(nanos)
}

// statusClass finds the HTTP status, by its name of today or of before.
func statusClass(attrs pcommon.Map) int {
	if value, ok := attrs.Get("http.response.status_code"); ok {
		return classOf(value)
	}
	if value, ok := attrs.Get("http.status_code"); ok {
		return classOf(value)
	}
	return noClass
}

// classOf takes numbers, and texts of three digits as some agents write them.
func classOf(v pcommon.Value) int {
	var code int64
	switch v.Type() {
	case pcommon.ValueTypeInt:
		code = v.Int()
	case pcommon.ValueTypeStr:
		s := v.Str()
		if len(s) != 3 {
			return noClass
		}
		for i := range len(s) {
			if s[i] < '0' || s[i] > '9' {
				return noClass
			}
			code = code*10 + int64(s[i]-'0')
		}
	}
	if code < 100 || code > 599 {
		return noClass
	}
	return int(code/100) - 1
}
