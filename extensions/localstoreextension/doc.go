// Package localstoreextension is the local_store extension: it owns the metric
// and the log store under one data folder, and the one HTTP listener that
// answers Prometheus' and Loki's APIs from them.
//
// It implements localstore.Host. The local_store exporter hands it what to
// store; the loki receiver mounts its push endpoint on the listener.
//
// The listener is bound before the stores are opened, so that a port in use is
// known at once and a long start-up can be watched: until both stores are open
// and every pipeline runs, /ready says 503 and how far it is, and so does
// everything else. It ends before the stores are closed.
//
// Recording and alerting rules are evaluated over the metric store while every
// pipeline runs, and read again when their files change.
//
// Without authentication the listener stays on loopback, and answers only to
// names that no other site's page can bring a browser to.
package localstoreextension

//go:generate mdatagen metadata.yaml
