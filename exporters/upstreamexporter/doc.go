// Package upstreamexporter is the one component that can reach the vendor.
//
// It does, in this order and for one report at a time: ask whether the policy
// is in force and is the one that the report was built under; put the report's
// sequence on it; marshal it once; have the gate check those bytes; append them
// to the ledger and sync; and only then lets the sender have them. The sender
// posts exactly the recorded bytes, oldest first, at the install's own moment of
// each interval, until there is a final outcome, and records that too. No
// ledger, no send.
//
// A destination that does not answer is asked again without end, at random
// moments that grow apart up to five minutes. What gathers meanwhile is sent in
// order and slowly once it answers. What is more than thirty days' worth is
// dropped, oldest first, and recorded as dropped.
//
// Time is used twice, and a clock that is wrong costs nothing either time: a
// report waits for its moment of the interval that it was recorded in, never
// longer; and the backlog is measured in reports. A report that a wrong clock
// dated wrongly is sent as it was recorded; whether to take it is the fleet's
// to say.
//
// Where they go is the policy's word alone. There is no endpoint, no header
// and no compression to configure, proxies in the environment are ignored, and
// redirects are refused.
//
// An edge that is enrolled with its destination shows its certificate, renews it
// in time, states with each report that the ledger holds it, and keeps the
// fleet's countersignature in the outcome. Any other OTLP/HTTP endpoint gets the
// report alone.
//
// ConsumeMetrics always returns nil: a report that may not leave is finished
// with, and whoever is upstream of this component has nothing to retry or to
// stall for. What was refused is counted by reason. Nothing that the server
// says is logged, and nothing of the telemetry is.
package upstreamexporter

//go:generate mdatagen metadata.yaml
