// Command loki is the referee of Weir's LogQL: it starts the real Loki and the
// real collector side by side, loads one corpus into both over their push and
// OTLP endpoints, asks both the same questions over HTTP and compares the
// answers, order included, numbers to 1e-9.
//
// A difference fails the run unless a row of docs/logql.md names it with its
// reason; a row that names no difference any more fails the run too.
//
// Loki is a separate program, built from its own module and never linked; this
// module exists to pin its version and its replaces.
package main
