// Package logql answers LogQL queries over a log store, as Loki would.
//
// A log query walks the selected entries in the order of time and stops at its
// limit. A metric query reduces each range aggregation to numbers at the steps
// of the query and leaves vector aggregations, functions and operators to the
// PromQL engine; docs/decisions/0010-logql-evaluation.md says why.
//
// The engine promises that a query stops when its context ends, that every limit
// has an error of its own, and that results do not point into the store. It keeps
// no state between queries.
package logql
