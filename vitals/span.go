package vitals

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// operation is what is read off one span. Its strings are the span's own
// memory: what keeps one must clone it.
type operation struct {
	nanos  uint64
	kind   servedKind // of requests; notServed for calls to others
	class  uint8
	failed bool
	durationKey
}

// servedKind is the kind of a span that counts as a request.
type servedKind uint8

const (
	byServer servedKind = iota
	byConsumer
	servedKinds = iota
	notServed   = servedKind(servedKinds)
)

var kindNames = [servedKinds]string{"server", "consumer"}

// Classes of HTTP status; requests without one are the last.
const (
	class4xx = 3
	class5xx = 4
	noClass  = 5
	classes  = 6
)

var classNames = [classes]string{"1xx", "2xx", "3xx", "4xx", "5xx", "none"}

// said are the attributes of a span that matter, each by its name of today or
// by the one before, where that is still written.
type said struct {
	status                           pcommon.Value
	hasStatus                        bool
	httpMethod, route, errorType     string
	rpcSystem, rpcService, rpcMethod string
	messagingSystem, destination     string
	messagingOperation               string
	dbSystem                         string
}

// newer says where a value belongs: the name of today wins over the one before,
// in whatever order they come.
func newer(field *string, v pcommon.Value) { *field = v.Str() }

func older(field *string, v pcommon.Value) {
	if *field == "" {
		*field = v.Str()
	}
}

func read(attrs pcommon.Map) (s said) {
	for key, v := range attrs.All() {
		switch key {
		case "http.response.status_code":
			s.status, s.hasStatus = v, true
		case "http.status_code":
			if !s.hasStatus {
				s.status, s.hasStatus = v, true
			}
		case "http.request.method":
			newer(&s.httpMethod, v)
		case "http.method":
			older(&s.httpMethod, v)
		case "http.route":
			newer(&s.route, v)
		case "error.type":
			newer(&s.errorType, v)
		case "rpc.system.name":
			newer(&s.rpcSystem, v)
		case "rpc.system":
			older(&s.rpcSystem, v)
		case "rpc.service":
			newer(&s.rpcService, v)
		case "rpc.method":
			newer(&s.rpcMethod, v)
		case "messaging.system":
			newer(&s.messagingSystem, v)
		case "messaging.destination.name":
			newer(&s.destination, v)
		case "messaging.operation.type":
			newer(&s.messagingOperation, v)
		case "messaging.operation":
			older(&s.messagingOperation, v)
		case "db.system.name":
			newer(&s.dbSystem, v)
		case "db.system":
			older(&s.dbSystem, v)
		}
	}
	return s
}

// operationOf reads a span; ok is false for one that is neither a request nor a
// call that has a metric.
//
// What a span is follows from its kind and its protocol. Where it speaks of
// two, the one that says more about what was done wins: a database that is
// reached over HTTP is a database.
func operationOf(span ptrace.Span) (op operation, ok bool) {
	kind := span.Kind()
	if kind < ptrace.SpanKindServer || kind > ptrace.SpanKindConsumer {
		return op, false
	}
	s := read(span.Attributes())
	op.class = noClass
	if s.hasStatus {
		op.class = classOf(s.status)
	}
	op.kind, op.measure = notServed, notMeasured
	http := s.httpMethod != "" || op.class != noClass
	switch kind {
	case ptrace.SpanKindServer:
		op.kind = byServer
		switch {
		case s.rpcSystem != "":
			op.rpc(rpcServer, &s, span)
		case http:
			op.measure, op.verb, op.route = httpServer, methodOf(s.httpMethod), s.route
		default:
			op.measure, op.verb = request, uint8(byServer)
		}
	case ptrace.SpanKindConsumer:
		op.kind = byConsumer
		if s.messagingSystem != "" {
			op.messaging(messagingProcess, &s)
		} else {
			op.measure, op.verb = request, uint8(byConsumer)
		}
	case ptrace.SpanKindProducer:
		if s.messagingSystem != "" {
			op.messaging(messagingClient, &s)
		}
	case ptrace.SpanKindClient:
		switch {
		case s.dbSystem != "":
			op.measure, op.system = dbClient, s.dbSystem
		case s.messagingSystem != "":
			op.messaging(messagingClient, &s)
		case s.rpcSystem != "":
			op.rpc(rpcClient, &s, span)
		case http:
			op.measure, op.verb = httpClient, methodOf(s.httpMethod)
		}
	}
	if op.measure == notMeasured {
		return op, false
	}
	// A client's mistake is the client's failure and not the server's.
	op.failed = span.Status().Code() == ptrace.StatusCodeError || op.class == class5xx ||
		op.class == class4xx && op.measure == httpClient
	if op.failed {
		op.errorType = errorTypeOf(&s, op.class)
	}
	// A time that is not set, or that runs backwards, is a duration of 0 and
	// not one of fifty years.
	if start, end := uint64(span.StartTimestamp()), uint64(span.EndTimestamp()); start > 0 && end > start {
		op.nanos = end - start
	}
	return op, true
}

// rpc reads a remote call. Today's conventions spell a method with its service;
// before them the two were apart, and only the span's name had both, which is
// taken if it is no more than that.
func (op *operation) rpc(m measure, s *said, span ptrace.Span) {
	op.measure, op.system, op.route = m, s.rpcSystem, s.rpcMethod
	if s.rpcService == "" || s.rpcMethod == "" {
		return
	}
	rest, ok := strings.CutPrefix(span.Name(), s.rpcService)
	if rest, slash := strings.CutPrefix(rest, "/"); ok && slash && rest == s.rpcMethod {
		op.route = span.Name()
	}
}

func (op *operation) messaging(m measure, s *said) {
	op.measure, op.system, op.route = m, s.messagingSystem, s.destination
	op.verb = operationTypeOf(s.messagingOperation)
}

// errorTypeOf is what the span says, else the status, as the conventions have
// it.
func errorTypeOf(s *said, class uint8) string {
	if s.errorType != "" {
		return s.errorType
	}
	if class == class4xx || class == class5xx {
		return statusText[statusOf(s.status)-400]
	}
	return otherValue
}

// statusText spares an allocation for each failure.
var statusText = func() (texts [200]string) {
	for i := range texts {
		code := 400 + i
		texts[i] = string([]byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10)})
	}
	return texts
}()

func classOf(v pcommon.Value) uint8 {
	if code := statusOf(v); code != 0 {
		return uint8(code/100) - 1
	}
	return noClass
}

// statusOf takes numbers, and texts of three digits as some agents write them.
// What is no status is 0.
func statusOf(v pcommon.Value) int {
	var code int64
	switch v.Type() {
	case pcommon.ValueTypeInt:
		code = v.Int()
	case pcommon.ValueTypeStr:
		s := v.Str()
		if len(s) != 3 {
			return 0
		}
		for i := range len(s) {
			if s[i] < '0' || s[i] > '9' {
				return 0
			}
			code = code*10 + int64(s[i]-'0')
		}
	}
	if code < 100 || code > 599 {
		return 0
	}
	return int(code)
}

// The methods that HTTP's own documents define, and the operations on messages
// that the conventions know; the rest is one. Index 0 is none at all.
var (
	methods        = [...]string{"", "GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "CONNECT", "TRACE", "QUERY", otherValue}
	operationTypes = [...]string{"", "process", "receive", "send", "create", "settle", otherValue}
)

func methodOf(s string) uint8        { return indexIn(methods[:], s) }
func operationTypeOf(s string) uint8 { return indexIn(operationTypes[:], s) }

func indexIn(known []string, s string) uint8 {
	for i, k := range known {
		if k == s {
			return uint8(i)
		}
	}
	return uint8(len(known) - 1)
}
