//go:build soak

package faults

// soak runs the long forms of tests.
const soak = true
