// Package rehearsal runs the edge as it is installed, alone on a [netlab.Lab]'s
// one wire, with a stand-in for its vendor at the other end: the real binary,
// the real configuration, the real policy, byte for byte.
//
// The stand-in answers to the destination's own name, with a certificate of an
// authority made for the purpose, so it can tell what was said inside TLS. The
// edge's name resolution is a file that knows this one name. The data folder is
// a temporary one.
//
// It is for `weir egress prove` and for tests. It needs Linux and the rights
// that netlab needs.
package rehearsal
