//go:build soak

package upstreamexporter

// soak runs the long forms of tests.
const soak = true
