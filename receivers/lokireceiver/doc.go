// Package lokireceiver is the `loki` receiver: it takes logs as Loki does, over
// its push API, POST /loki/api/v1/push, and over its OTLP endpoint, POST
// /otlp/v1/logs, from every agent that can write to Loki.
//
// It is served either from the local store's listener (local_store) or from one
// of its own (http).
//
// It promises that an answer of success means that the pipeline has taken every
// entry; that what a sender can send again is asked for again (429, 503, with
// Retry-After) and what cannot be read is refused with the place and never the
// text; that requests are bounded in size and in number.
//
// What package lokipush decodes becomes OTLP as follows, and package otlplogs
// turns it back without loss: a stream is a resource whose attributes are the
// stream's labels; an entry is a record with the time, the line as its body and
// its structured metadata as attributes; the scope's name is
// otlplogs.PushScope. What Loki would add to a push is added: the label
// service_name and the metadata detected_level, unless the sender gave them.
package lokireceiver

//go:generate mdatagen metadata.yaml
