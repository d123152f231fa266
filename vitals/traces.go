package vitals

import (
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// requests are the requests of one kind that a service served.
type requests struct {
	byClass [classes]uint64
	series
	errors map[string]*failures // by error.type; at most Options.MaxErrorTypes
}

type failures struct {
	series
	count uint64
}

// Traces counts the spans of a batch that arrived at the given time: those that
// serve a request or take a message, and those that call another service, a
// database or a broker. Of others it only hears their service.
func (v *Vitals) Traces(td ptrace.Traces, arrived time.Time) {
	now := arrived.UnixNano()
	resources := td.ResourceSpans()
	for i := range resources.Len() {
		rs := resources.At(i)
		scopes := rs.ScopeSpans()
		spans := 0
		for j := range scopes.Len() {
			spans += scopes.At(j).Spans().Len()
		}
		if spans == 0 {
			continue
		}
		name, ver := identity(rs.Resource().Attributes())
		v.mu.Lock()
		_, name = v.heard(name, ver, now)
		v.mu.Unlock()
		for j := range scopes.Len() {
			v.spans(name, scopes.At(j).Spans(), now)
		}
	}
}

// together is how many spans are read before the lock is taken for them.
const together = 32

func (v *Vitals) spans(service string, list ptrace.SpanSlice, now int64) {
	var ops [together]operation
	n := 0
	count := func() {
		v.mu.Lock()
		s, _ := v.lookup(service, now)
		for k := range ops[:n] {
			v.count(s, &ops[k], now)
		}
		v.mu.Unlock()
		n = 0
	}
	for k := range list.Len() {
		op, ok := operationOf(list.At(k))
		if !ok {
			continue
		}
		ops[n] = op
		if n++; n == together {
			count()
		}
	}
	if n > 0 {
		count()
	}
}

// count adds one operation. The caller holds v.mu.
func (v *Vitals) count(s *service, op *operation, now int64) {
	if op.kind < notServed {
		r := &s.requests[op.kind]
		if r.errors == nil {
			// A service that never failed says so.
			r.series = series{start: v.emitted}
			r.errors = map[string]*failures{otherValue: {series: r.series}}
		}
		r.byClass[op.class]++
		if op.failed {
			op.errorType = v.fail(s, r, op.errorType)
		}
	}
	if s.own[op.measure].derives(now) {
		v.duration(s, op.durationKey).add(op.nanos)
	}
}

// fail counts a failure and returns the type that it was counted under.
func (v *Vitals) fail(s *service, r *requests, errorType string) string {
	f := r.errors[errorType]
	if f == nil {
		errorType = s.errorTypes.take(errorType, v.opts.MaxErrorTypes, &v.limited.ErrorTypes)
		if f = r.errors[errorType]; f == nil {
			f = &failures{series: series{start: v.emitted}}
			r.errors[errorType] = f
		}
	}
	f.count++
	return errorType
}
