// Package version says which build of Weir this is. The values are stamped by
// the linker from builder-config.yaml and git; a build without the Makefile
// says "devel".
package version

var (
	// Version is a semantic version, without "v".
	Version = "0.0.0-devel"
	// Commit is the abbreviated git commit, "unknown" outside a checkout.
	Commit = "unknown"
)
