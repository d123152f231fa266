// Package faults breaks what the edge depends on and counts what leaves.
//
// The fail-closed matrix damages the policy, the ledger, keys, the disk and the
// configuration under an edge that has reports to send, each in its own way, and
// demands that exactly nothing is on its wire. The network tests put a proxy
// between the edge and its fleet that resets, stalls, cuts and repeats, and
// demand that nothing is lost, nothing is unrecorded, and what came twice can be
// told.
//
// Tests run a part of it; 'make soak' runs all.
package faults
