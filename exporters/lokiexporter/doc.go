// Package lokiexporter is the `loki` exporter: it pushes logs to a Loki of the
// customer's own, for those who have outgrown the local store. Streams, labels
// and structured metadata are those of the local store (package otlplogs), so
// that the same dashboards and queries work.
//
// It promises that what Loki did not take for a reason that can pass (429, 5xx,
// no connection) is sent again as the queue and the retry settings say, after
// the time that Loki asks for; that what Loki refuses for good is counted by
// status; and that neither errors nor the log ever quote Loki's answer, which
// may quote the data.
package lokiexporter

//go:generate mdatagen metadata.yaml
