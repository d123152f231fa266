// Package localstoreexporter is the local_store exporter: it hands metrics and
// logs to the local_store extension.
//
// There is no queue and no retry between the two. When Consume returns, logs
// are on disk and metrics in the write-ahead log, so that a receiver's
// acknowledgement to its sender is worth as much; when it fails, the receiver
// says so and the sender still has the data. What the store refuses for good
// is counted there and is no error here.
//
// Traces are not stored.
package localstoreexporter

//go:generate mdatagen metadata.yaml
