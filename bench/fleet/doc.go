// Fleet measures a fleet's gateway with many simulated installs, on loopback.
//
// Each install has a certificate of the fleet's own authority, a TLS 1.3
// connection, a ledger of its own, and reports that redaction/table built from a
// real policy. The gateway is the collector's binary with config/fleet.yaml, its
// rules and its local store, in a process of its own: what the installs cost is
// kept apart.
//
// What is measured: how long it takes until all are connected and their first
// report is acknowledged; in a steady minute how long an acknowledgement takes,
// from when the report was due; the gateway's processor time and memory; and the
// cost of a report with few and with many installs.
package main
