// Command logs measures the log store against what its goals name: the bare
// compression of the same bytes, and the real Loki, fed the same requests and
// asked the same questions over HTTP.
//
// Both sides are measured in one run, as processor time of their processes.
// Before a figure counts the answers must be equal. It prints a line a figure,
//
//	figure <name> <value> <goal> ok|short
//
// writes logs.md and logs.svg, and exits 1 if a figure falls short.
//
// A whole run takes a quarter of an hour. With -keep FILE each call measures one
// part more and writes the results after the last.
//
// It takes the two programs ready built. Everything that it starts listens on
// loopback and ends with it.
package main
