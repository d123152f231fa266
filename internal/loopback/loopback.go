// Package loopback keeps listeners from being open to a network by mistake: what
// has no authentication is served to this machine alone.
package loopback

import (
	"fmt"
	"net"
)

// Guard returns an error for an address that other machines can reach, unless
// whoever comes has to say who they are. An example is an address as it could be.
func Guard(endpoint string, authenticated bool, example string) error {
	host, _, err := net.SplitHostPort(endpoint)
	if err != nil {
		return fmt.Errorf("%q is not an address; write host:port, such as %s", endpoint, example)
	}
	if authenticated || isLoopback(host) {
		return nil
	}
	return fmt.Errorf("%s can be reached from other machines, and nobody has to say who they are; "+
		"listen on 127.0.0.1, or set http::auth to an authenticator such as basicauth (and http::tls)", endpoint)
}

// isLoopback tells whether a host names this machine only. Other names are not
// resolved: what they are may change.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
