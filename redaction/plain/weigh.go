package plain

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// Weight is how much of a report one metric is.
type Weight struct {
	Name   string
	Points int // values
	Bytes  int
}

// The fields of OTLP metrics (opentelemetry/proto/metrics/v1) on the way down.
const (
	fieldResourceMetrics = 1 // of the request
	fieldScopeMetrics    = 2 // of ResourceMetrics
	fieldMetrics         = 2 // of ScopeMetrics
	fieldName            = 1 // of Metric
	fieldGauge           = 5
	fieldSum             = 7
	fieldHistogram       = 9
	fieldDataPoints      = 1 // of each of the three
)

// Weigh says how much of a report each metric is, without decoding the values:
// a day's reports are weighed in a moment. It counts all that it can read.
func Weigh(body []byte) []Weight {
	var list []Weight
	inside(body, fieldResourceMetrics, func(rm []byte) {
		inside(rm, fieldScopeMetrics, func(sm []byte) {
			inside(sm, fieldMetrics, func(m []byte) {
				w := Weight{Bytes: len(m)}
				fields(m, func(field protowire.Number, value []byte) {
					switch field {
					case fieldName:
						w.Name = string(value)
					case fieldGauge, fieldSum, fieldHistogram:
						inside(value, fieldDataPoints, func([]byte) { w.Points++ })
					}
				})
				list = append(list, w)
			})
		})
	})
	return list
}

// inside visits the messages in one field.
func inside(message []byte, want protowire.Number, visit func([]byte)) {
	fields(message, func(field protowire.Number, value []byte) {
		if field == want {
			visit(value)
		}
	})
}

// fields visits the fields that have a length, up to the first that cannot be read.
func fields(message []byte, visit func(protowire.Number, []byte)) {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, kind, message); n < 0 {
				return
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return
		}
		visit(field, value)
		message = message[n:]
	}
}
