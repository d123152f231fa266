// Redaction measures the allowlist's hot path against the processors that
// people use for the same end, and against the decoding that happens anyway.
//
// Every figure is processor time, taken on batches that were just decoded (a
// hot cache flatters by two to seven times), with the attributes of each point
// in random order, both sides of a ratio in the same round. Before a figure
// counts, both sides must keep the same data, the input must be unchanged, and
// no canary may be in the report.
package main
