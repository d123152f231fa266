package vitals

import "strings"

// otherValue is OpenTelemetry's name for the values that are not told apart.
const otherValue = "_OTHER"

// measure is one of the metrics of durations.
type measure uint8

const (
	httpServer measure = iota
	httpClient
	rpcServer
	rpcClient
	messagingProcess
	messagingClient
	dbClient
	request
	measures    = iota
	notMeasured = measure(measures)
)

// measured says how each is named and attributed by OpenTelemetry's semantic
// conventions; only what no convention covers has a name of ours. An attribute
// without a name here is not part of the metric.
var measured = [measures]struct {
	name, description   string
	system, route, verb string
	verbs               []string
}{
	httpServer: {name: "http.server.request.duration", description: "Duration of HTTP server requests.",
		route: "http.route", verb: "http.request.method", verbs: methods[:]},
	httpClient: {name: "http.client.request.duration", description: "Duration of HTTP client requests.",
		verb: "http.request.method", verbs: methods[:]},
	rpcServer: {name: "rpc.server.call.duration", description: "Duration of remote calls that a server answered.",
		system: "rpc.system.name", route: "rpc.method"},
	rpcClient: {name: "rpc.client.call.duration", description: "Duration of remote calls that a client made.",
		system: "rpc.system.name", route: "rpc.method"},
	messagingProcess: {name: "messaging.process.duration", description: "Duration of processing messages.",
		system: "messaging.system", route: "messaging.destination.name", verb: "messaging.operation.type", verbs: operationTypes[:]},
	messagingClient: {name: "messaging.client.operation.duration", description: "Duration of messaging operations that a client began.",
		system: "messaging.system", route: "messaging.destination.name", verb: "messaging.operation.type", verbs: operationTypes[:]},
	dbClient: {name: "db.client.operation.duration", description: "Duration of database client operations.",
		system: "db.system.name"},
	request: {name: "weir.service.request.duration", description: "Duration of requests of a protocol that no convention covers.",
		verb: "span.kind", verbs: kindNames[:]},
}

// durationKey tells the series of a service apart.
type durationKey struct {
	measure                  measure
	verb                     uint8 // index into the measure's verbs
	system, route, errorType string
}

// duration is one series. The histogram of a kind of span is the larger part
// of it, and of all that Vitals keeps: 1.4 kB.
type duration struct {
	series
	key durationKey
	histogram
}

// series is what each cumulative series knows of itself. It starts at the
// emission before it was first counted, when its value was zero; that zero is
// said first, so that a rate sees what the first count was.
type series struct {
	start int64
	told  bool
}

// names bounds the values told apart under one attribute of one service.
type names map[string]struct{}

// take returns the value to count under, clean and in memory of its own, or the
// one that gathers the rest.
func (n *names) take(value string, most int, limited *uint64) string {
	if value == "" || value == otherValue {
		return value
	}
	value = cleanName(value)
	if _, ok := (*n)[value]; ok {
		return value
	}
	if len(*n) >= most {
		*limited++
		return otherValue
	}
	value = strings.Clone(value)
	if *n == nil {
		*n = names{}
	}
	(*n)[value] = struct{}{}
	return value
}

// duration finds or makes the series of an operation. Its key is tried as it
// came first, so that only values that are new or odd are looked at closely.
// The caller holds v.mu.
func (v *Vitals) duration(s *service, key durationKey) *duration {
	if d := s.durations[key]; d != nil {
		return d
	}
	key = durationKey{
		measure: key.measure, verb: key.verb,
		system:    s.systems.take(key.system, v.opts.MaxSystems, &v.limited.Systems),
		route:     s.routes.take(key.route, v.opts.MaxRoutes, &v.limited.Routes),
		errorType: s.errorTypes.take(key.errorType, v.opts.MaxErrorTypes, &v.limited.ErrorTypes),
	}
	if d := s.durations[key]; d != nil {
		return d
	}
	if v.durations >= v.opts.MaxDurations {
		v.limited.Durations++
		// Each service has these few beyond the bound, so that one that says
		// too much does not silence another.
		key = key.gathered()
		if d := s.durations[key]; d != nil {
			return d
		}
	}
	d := &duration{series: series{start: v.emitted}, key: key}
	if s.durations == nil {
		s.durations = map[durationKey]*duration{}
	}
	s.durations[key] = d
	s.inOrder = append(s.inOrder, d)
	v.durations++
	return d
}

// gathered is the series for what is beyond the bound: of each measure there
// are two in a service, those that failed and those that did not.
func (k durationKey) gathered() durationKey {
	m := &measured[k.measure]
	g := durationKey{measure: k.measure, verb: k.verb}
	if k.measure != request && m.verbs != nil {
		g.verb = uint8(len(m.verbs) - 1)
	}
	if m.system != "" {
		g.system = otherValue
	}
	if m.route != "" {
		g.route = otherValue
	}
	if k.errorType != "" {
		g.errorType = otherValue
	}
	return g
}

// dropDurations forgets the series of a measure.
func (v *Vitals) dropDurations(s *service, of measure) {
	kept := s.inOrder[:0]
	for _, d := range s.inOrder {
		if d.key.measure == of {
			delete(s.durations, d.key)
			v.durations--
			continue
		}
		kept = append(kept, d)
	}
	clear(s.inOrder[len(kept):])
	s.inOrder = kept
}

// write says which series it is.
func (k *durationKey) write(l labelled) {
	m := &measured[k.measure]
	for _, a := range [...]struct{ key, value string }{
		{m.system, k.system}, {m.route, k.route}, {"error.type", k.errorType},
	} {
		if a.key != "" && a.value != "" {
			l.put(a.key, a.value)
		}
	}
	if m.verbs != nil && m.verbs[k.verb] != "" {
		l.put(m.verb, m.verbs[k.verb])
	}
}
