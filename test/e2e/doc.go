// Package e2e holds Weir to its promises on the two real binaries, from
// outside: real SDK data in, real HTTP APIs out, a recording OTLP server where
// the vendor would be. `make test` builds the binaries first.
package e2e
