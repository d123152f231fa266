//go:build !linux

package netlab

import (
	"errors"
	"net"
	"net/netip"
)

// Lab exists on Linux only.
type Lab struct{}

// New says so.
func New(...netip.Addr) (*Lab, error) {
	return nil, errors.New("network namespaces are Linux's: run this on Linux")
}

// The methods are there for the compiler.
func (*Lab) Close()                                  {}
func (*Lab) Near(func() error) error                 { return nil }
func (*Lab) Far(func() error) error                  { return nil }
func (*Lab) Packets() []Packet                       { return nil }
func (*Lab) Forget()                                 {}
func (*Lab) Lost() (int, error)                      { return 0, nil }
func (*Lab) Listen(string) (net.Listener, error)     { return nil, nil }
func (*Lab) ListenNear(string) (net.Listener, error) { return nil, nil }
func (*Lab) DialNear(string) (net.Conn, error)       { return nil, nil }
