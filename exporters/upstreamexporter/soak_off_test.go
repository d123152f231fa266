//go:build !soak

package upstreamexporter

// soak runs the long forms of tests: build with the tag soak, as make soak does.
const soak = false
