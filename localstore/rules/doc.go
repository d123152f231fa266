// Package rules evaluates recording and alerting rules over a metric store, with
// Prometheus' own rule manager, inside the process.
//
// What it promises:
//   - Rule files are Prometheus' own, and mean what they mean there: promtool
//     checks and tests them.
//   - All faults of all files come in one answer, each with file, line and
//     column. A set with a fault is not applied; the one before goes on.
//   - Results are samples like any other in the store. An alert's `for` survives
//     a restart of up to an hour, from the store, as in Prometheus.
//   - Rules have an engine of their own, so that no dashboard keeps an alert from
//     being evaluated.
//   - Alerts go to the Alertmanagers that are named, and nowhere else: no proxy
//     out of the environment, no redirect is followed.
//
// What it does not do: find or watch files, or log. A failed evaluation quotes
// series in its error; it is counted here, and shown to who asks /api/v1/rules.
package rules
