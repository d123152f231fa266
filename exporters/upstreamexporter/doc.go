// Package upstreamexporter is the one component that can reach the vendor.
//
// It does, in this order and for one report at a time: ask whether the policy
// is in force and is the one that the report was built under; put the report's
// sequence on it; have the gate check it; marshal it once; append the bytes to
// the ledger and sync; and only then lets the sender have them. The sender
// posts exactly the recorded bytes, oldest first, until there is a final
// outcome, and records that too. No ledger, no send.
//
// Where they go is the policy's word alone. There is no endpoint, no header
// and no compression to configure, proxies in the environment are ignored, and
// redirects are refused.
//
// ConsumeMetrics always returns nil: a report that may not leave is finished
// with, and whoever is upstream of this component has nothing to retry or to
// stall for. What was refused is counted by reason. Nothing that the server
// says is logged, and nothing of the telemetry is.
package upstreamexporter

//go:generate mdatagen metadata.yaml
